import PoolAllocator

/// What surrounds the body of a record, so that a reader knows where it ends, which one it is, and
/// that nothing of it was altered. All numbers little-endian.
///
///     offset  bytes
///          0      4  "PREC"
///          4      1  version of the form, 1
///          5      1  kind: 1 the header of a journal, 2 a command
///          6      2  version of the allocator
///          8      4  length of the body
///         12      4  CRC-32C of the body
///         16      8  sequence number
///         24      4  CRC-32C of the 24 bytes before, begun with that of the journal's header
///         28         the body
///
/// The header has a checksum of its own, so a length is believed before the body is there. It is
/// begun with the one of the journal's header, so that a record of another journal is none here.
struct Frame {
  /// What a frame holds. Frozen.
  enum Kind: UInt8, CaseIterable {
    case header = 1
    case command = 2
  }

  static let magic: [UInt8] = Array("PREC".utf8)
  static let version: UInt8 = 1
  static let headerBytes = 28
  private static let checkedBytes = 24

  var kind: Kind
  var engine: UInt16
  var sequence: UInt64
  /// Where the body stands.
  var body: Range<Int>
  /// The checksum of the header, with which the journal's records begin theirs.
  var checksum: UInt32

  /// Reads the frame at an offset.
  static func read(_ bytes: [UInt8], at offset: Int, seed: UInt32) -> Result<Frame, Fault> {
    let left = bytes.count - offset
    guard left >= headerBytes else { return .failure(.isCutShort(missing: headerBytes - left)) }
    guard bytes[offset..<offset + 4] == magic[...] else { return .failure(.isNoRecord) }
    func number(_ place: Int, _ count: Int) -> UInt64 {
      (0..<count).reduce(0) { $0 | UInt64(bytes[offset + place + $1]) << UInt64($1 * 8) }
    }
    let checksum = Checksum.of(bytes, offset..<offset + checkedBytes, after: seed)
    guard UInt64(checksum) == number(checkedBytes, 4) else { return .failure(.isNoRecord) }
    guard bytes[offset + 4] == version else { return .failure(.isNewer(bytes[offset + 4])) }
    guard let kind = Kind(rawValue: bytes[offset + 5]) else {
      return .failure(.isOfUnknownKind(bytes[offset + 5]))
    }
    let length = Int(number(8, 4))
    guard length <= RecordLimits.body else { return .failure(.isNoRecord) }
    guard left - headerBytes >= length else {
      return .failure(.isCutShort(missing: length - (left - headerBytes)))
    }
    let body = offset + headerBytes..<offset + headerBytes + length
    guard UInt64(Checksum.of(bytes, body)) == number(12, 4) || planted(.believesAlteredRecord)
    else {
      return .failure(.isAltered)
    }
    return .success(
      Frame(
        kind: kind, engine: UInt16(number(6, 2)), sequence: number(16, 8), body: body,
        checksum: checksum))
  }

  /// The first whole frame from an offset on.
  /// - Complexity: O(bytes), and the length of each body whose header is sound.
  static func first(in bytes: [UInt8], from offset: Int, seed: UInt32) -> (Int, Frame)? {
    var offset = offset
    while offset + headerBytes <= bytes.count {
      if bytes[offset] == magic[0], case .success(let frame) = read(bytes, at: offset, seed: seed) {
        return (offset, frame)
      }
      offset += 1
    }
    return nil
  }

  /// Makes room for a frame's header.
  static func open(_ bytes: inout [UInt8]) {
    bytes.append(contentsOf: repeatElement(0, count: headerBytes))
  }

  /// Writes the header in front of a body that ends the bytes.
  /// - Returns: the checksum of the header.
  @discardableResult
  static func close(
    _ bytes: inout [UInt8], at offset: Int, _ kind: Kind, engine: UInt16, sequence: UInt64,
    seed: UInt32
  ) -> UInt32 {
    func set(_ value: UInt64, _ place: Int, _ count: Int) {
      for index in 0..<count {
        bytes[offset + place + index] = UInt8(truncatingIfNeeded: value >> UInt64(index * 8))
      }
    }
    let body = offset + headerBytes..<bytes.count
    for index in 0..<4 { bytes[offset + index] = magic[index] }
    bytes[offset + 4] = version
    bytes[offset + 5] = kind.rawValue
    set(UInt64(engine), 6, 2)
    set(UInt64(body.count), 8, 4)
    set(UInt64(Checksum.of(bytes, body)), 12, 4)
    set(sequence, 16, 8)
    let checksum = Checksum.of(bytes, offset..<offset + checkedBytes, after: seed)
    set(UInt64(checksum), checkedBytes, 4)
    return checksum
  }
}
