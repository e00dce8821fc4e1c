import Foundation
import Testing

@testable import PoolSimulator

/// Packed files: every kind of block and header, and that a damaged file is refused, never misread.
struct GzipTests {
  private static func bytes(_ base64: String) throws -> [UInt8] {
    [UInt8](try #require(Data(base64Encoded: base64)))
  }

  private static let text =
    "seq,node,gpus\n" + (0..<40).map { "\($0),node-\($0 % 7),\($0 % 8)\n" }.joined()

  /// A block with codes of its own.
  private static let dynamic =
    "H4sIAAAAAAAA/zXQS2oDUQxE0XmtRQH91b2fmMySGOP9R+RRszs6FPV6POX75/MhX7/vF/S/P1QUdtLE4CddHHEyJJAn"
    + "UxJ1sqTQJ1saQ2xwEVPcxAym1Bxm5ALm9BIWBAuWFBtWJAfWNHf20Fz/orn+TTPgSjPhRrPgTrPhQXPgSVPhRXN/aZoO"
    + "H5rrXzTXv2kWQmk2wmgOwmkqImgaImnu8UUzEE0zEUNz/Yvm+jfNwR/K56Cx5AEAAA=="
  private static let stored = "H4sIAAAAAAAA/wEFAPr/cGxhaW7PYiAZBQAAAA=="
  /// With an extra field, a name, a comment and a checksum of the header.
  private static let named = "H4sIHgAAAAAA/wMAeHl6bmFtZQBub3RlAKsYK8hJzMwDAM9iIBkFAAAA"
  /// 100,000 zeros.
  private static let zeros =
    "H4sIAAAAAAAA/+3BMQEAAADCoPVPbQ0PoAAA" + String(repeating: "A", count: 124)
    + "AIBXA32VEdSghgEA"

  @Test(arguments: [
    (dynamic, text), ("H4sIAAAAAAAA/0tMSk5EQjoKQAIAiihbrxQAAAA=", "abcabcabcabcabc, abc"),
    (stored, "plain"), (named, "plain"), ("H4sIAAAAAAAA/wMAAAAAAAAAAAA=", ""),
  ])
  func everyKindOfBlockIsUnpacked(packed: String, text: String) throws {
    let bytes = try Self.bytes(packed)
    #expect(GzipFile.isOne(bytes))
    let unpacked = try GzipFile.unpacked(bytes, upTo: text.utf8.count)
    #expect(String(decoding: unpacked, as: UTF8.self) == text)
  }

  @Test func membersFollowOneAnother() throws {
    let both = try Self.bytes(Self.stored) + Self.bytes(Self.dynamic)
    let unpacked = try GzipFile.unpacked(both, upTo: 1 << 20)
    #expect(String(decoding: unpacked, as: UTF8.self) == "plain" + Self.text)
    #expect(throws: GzipError.self) { try GzipFile.unpacked(both + [0], upTo: 1 << 20) }
  }

  @Test func whatComesOutIsBounded() throws {
    let bytes = try Self.bytes(Self.zeros)
    #expect(try GzipFile.unpacked(bytes, upTo: 100_000) == Array(repeating: 0, count: 100_000))
    #expect(throws: GzipError.self) { try GzipFile.unpacked(bytes, upTo: 99_999) }
    #expect(throws: GzipError.self) { try GzipFile.unpacked(Self.bytes(Self.stored), upTo: 4) }
  }

  @Test(arguments: [dynamic, stored, named])
  func aFileThatEndsEarlyIsRefused(packed: String) throws {
    let bytes = try Self.bytes(packed)
    for end in bytes.indices {
      #expect(throws: GzipError.self) { try GzipFile.unpacked(Array(bytes[..<end]), upTo: 1 << 20) }
    }
  }

  /// What changes a byte that comes out is covered by a checksum; some bits mean nothing.
  @Test(arguments: [dynamic, stored, named])
  func aFlippedBitIsSeen(packed: String) throws {
    let bytes = try Self.bytes(packed)
    let sound = try GzipFile.unpacked(bytes, upTo: 1 << 20)
    var refused = 0
    for bit in 0..<bytes.count * 8 {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      do {
        let same = try GzipFile.unpacked(damaged, upTo: 1 << 20) == sound
        #expect(same, "bit \(bit)")
      } catch {
        refused += 1
      }
    }
    #expect(refused > bytes.count * 4)
  }

  @Test(arguments: [
    ([0x1F, 0x8B, 7] as [UInt8], "not packed by deflate"), ([0x1F, 0x8B, 8, 0xE0], "flags"),
    ([0x50, 0x4B, 8, 0], "no gzip member"),
  ])
  func aStrangeHeaderIsRefused(start: [UInt8], message: String) throws {
    let bytes = start + Array(repeating: 0, count: 30)
    do {
      _ = try GzipFile.unpacked(bytes, upTo: 100)
      Issue.record("it was unpacked")
    } catch {
      #expect(error.message.contains(message))
    }
  }

  /// A length of 3 from a distance of 1, with nothing before it.
  @Test func nothingBeforeTheBeginningIsRepeated() {
    let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0]
    do {
      _ = try GzipFile.unpacked(header + [0x03, 0x02, 0x00, 0, 0, 0, 0, 0, 0, 0, 0], upTo: 100)
      Issue.record("it was unpacked")
    } catch {
      #expect(error.message == "a distance that leads before the beginning")
    }
  }
}
