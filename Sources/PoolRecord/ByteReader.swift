import PoolAllocator

/// What is wrong with the body of a record, and where.
public struct Flaw: Hashable, Sendable {
  /// What is wrong.
  public enum Kind: Hashable, Sendable {
    /// A field begins where the body has ended.
    case isCutShort
    /// A number has no meaning here: a case that this version does not know, or out of its range.
    case isUnknown(UInt64)
    /// A list is longer than it may be, or than the body.
    case isTooLong(UInt64)
    /// A value is not in its shortest form, so that another writer made it.
    case isNotShortest
    /// A value is said to be the command's, which has none.
    case repeatsNothing
    /// An event points to rows that the record does not have.
    case pointsOutside
    /// Bytes follow the last field.
    case hasMore
  }

  /// What is wrong.
  public let kind: Kind
  /// Unit: bytes from the beginning of the body.
  public let offset: Int
}

/// Reads fields from bytes.
struct ByteReader: FieldCoder {
  static let isReading = true
  let bytes: [UInt8]
  /// Where the body begins.
  let start: Int
  let end: Int
  private(set) var position: Int
  /// The first flaw that was found.
  private(set) var flaw: Flaw?
  var base = Instant.origin
  var spec: Known<ClaimSpec>?
  var policy: Known<CompiledPolicy>?

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    start = range.lowerBound
    position = range.lowerBound
    end = range.upperBound
  }

  mutating func unsigned(_ value: inout UInt64, atMost bound: UInt64) {
    guard flaw == nil else { return }
    let mark = position
    var number: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      guard position < end else { return fail(.isCutShort) }
      let byte = bytes[position]
      position += 1
      // The tenth byte holds the 64th bit alone.
      if shift == 63, byte > 1 { return fail(.isUnknown(UInt64(byte)), at: mark) }
      number |= UInt64(byte & 0x7F) << shift
      guard byte >= 0x80 else {
        if byte == 0, shift > 0 { return fail(.isNotShortest, at: mark) }
        break
      }
      shift += 7
    }
    guard number <= bound else { return fail(.isUnknown(number), at: mark) }
    value = number
  }

  mutating func signed(_ value: inout Int64, in range: ClosedRange<Int64>) {
    let mark = position
    var folded = value.folded
    unsigned(&folded, atMost: .max)
    guard flaw == nil else { return }
    let number = Int64(folded: folded)
    guard range ~= number else { return fail(.isUnknown(folded), at: mark) }
    value = number
  }

  mutating func word(_ value: inout UInt64) {
    guard flaw == nil else { return }
    guard end - position >= 8 else { return fail(.isCutShort) }
    var number: UInt64 = 0
    for index in 0..<8 { number |= UInt64(bytes[position + index]) << UInt64(index * 8) }
    position += 8
    value = number
  }

  mutating func length(_ count: inout Int, atMost bound: Int) {
    count = 0
    let mark = position
    var number: UInt64 = 0
    unsigned(&number, atMost: .max)
    // An element has one byte at least.
    guard number <= UInt64(min(bound, end - position)) else {
      return fail(.isTooLong(number), at: mark)
    }
    count = Int(number)
  }

  mutating func tag<Value: RawRepresentable>(_ value: inout Value)
  where Value.RawValue: FixedWidthInteger & UnsignedInteger {
    let mark = position
    var number: UInt64 = 0
    unsigned(&number, atMost: UInt64(Value.RawValue.max))
    guard flaw == nil else { return }
    guard let known = Value(rawValue: Value.RawValue(number)) else {
      return fail(.isUnknown(number), at: mark)
    }
    value = known
  }

  mutating func fail(_ flaw: Flaw.Kind) { fail(flaw, at: position) }

  private mutating func fail(_ kind: Flaw.Kind, at place: Int) {
    if flaw == nil { flaw = Flaw(kind: kind, offset: place - start) }
  }

  func isSame(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
    flaw == nil && bytes[left] == bytes[right]
  }

  mutating func takeBack(to position: Int) {}
}
