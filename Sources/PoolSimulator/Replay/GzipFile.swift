/// Why bytes are no gzip file that can be unpacked, and where.
public struct GzipError: Error, Hashable, Sendable {
  /// What is wrong.
  public var message: String
  /// The byte at which it was seen, from 0.
  public var offset: Int
}

/// A gzip file (RFC 1952), unpacked in memory: every length and checksum is checked, and what comes
/// out is bounded, so that a small file cannot fill the memory.
public enum GzipFile {
  /// Whether bytes begin as a gzip file does.
  public static func isOne(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B
  }

  /// Unpacks a file, which may have several members one behind the other.
  /// - Parameter bytesMax: more than so many bytes are refused.
  /// - Complexity: O(bytes in and out).
  public static func unpacked(
    _ bytes: [UInt8], upTo bytesMax: Int
  ) throws(GzipError) -> [UInt8] {
    var result: [UInt8] = []
    var offset = 0
    repeat {
      offset = try header(bytes, from: offset)
      let start = result.count
      var inflate = Inflate(bytes, from: offset, into: result, upTo: bytesMax)
      try inflate.run()
      (result, offset) = (inflate.output, inflate.next)
      guard bytes.count - offset >= 8 else {
        throw GzipError(message: "the file ends before its checksum", offset: bytes.count)
      }
      guard number(bytes, offset, 4) == CRC32.of(result[start...]) else {
        throw GzipError(message: "the checksum differs: the file is damaged", offset: offset)
      }
      guard number(bytes, offset + 4, 4) == UInt32(truncatingIfNeeded: result.count - start) else {
        throw GzipError(message: "the length differs: the file is damaged", offset: offset + 4)
      }
      offset += 8
    } while offset < bytes.count
    return result
  }

  /// Reads the header of a member.
  /// - Returns: where its data begins.
  private static func header(_ bytes: [UInt8], from start: Int) throws(GzipError) -> Int {
    func need(_ end: Int) throws(GzipError) {
      guard end <= bytes.count else {
        throw GzipError(message: "the file ends within its header", offset: bytes.count)
      }
    }
    try need(start + 10)
    guard bytes[start] == 0x1F, bytes[start + 1] == 0x8B else {
      throw GzipError(message: "what follows is no gzip member", offset: start)
    }
    guard bytes[start + 2] == 8 else {
      throw GzipError(message: "it is not packed by deflate", offset: start + 2)
    }
    let flags = bytes[start + 3]
    guard flags & 0xE0 == 0 else {
      throw GzipError(message: "the header has flags that nobody knows", offset: start + 3)
    }
    var offset = start + 10
    if flags & 0x04 != 0 {
      try need(offset + 2)
      offset += 2 + Int(number(bytes, offset, 2))
    }
    // A name, then a comment, each up to a zero.
    for flag in [0x08, 0x10] as [UInt8] where flags & flag != 0 {
      while offset < bytes.count, bytes[offset] != 0 { offset += 1 }
      offset += 1
    }
    try need(offset)
    if flags & 0x02 != 0 {
      try need(offset + 2)
      let sum = CRC32.of(bytes[start..<offset]) & 0xFFFF
      guard number(bytes, offset, 2) == sum else {
        throw GzipError(message: "the header's checksum differs", offset: offset)
      }
      offset += 2
    }
    return offset
  }

  /// A number of some bytes, least first.
  private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> UInt32 {
    (0..<count).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
  }
}

/// The checksum of gzip files: CRC-32 of IEEE 802.3. (Journals have another, CRC-32C.)
enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 0 ? sum >> 1 : (sum >> 1) ^ 0xEDB8_8320 }
  }

  static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    let table = table
    var sum: UInt32 = .max
    for byte in bytes { sum = (sum >> 8) ^ table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] }
    return ~sum
  }
}
