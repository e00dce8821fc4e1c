import PoolAllocator

/// Writes fields to bytes.
struct ByteWriter: FieldCoder {
  static let isReading = false
  /// What was written.
  var bytes: [UInt8] = []
  var base = Instant.origin
  var spec: Known<ClaimSpec>?
  var policy: Known<CompiledPolicy>?

  var position: Int { bytes.count }

  /// Seven bits a byte, the least first; the highest bit says that more follow.
  mutating func unsigned(_ value: inout UInt64, atMost bound: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  @inline(__always)
  mutating func signed(_ value: inout Int64, in range: ClosedRange<Int64>) {
    var folded = value.folded
    unsigned(&folded, atMost: .max)
  }

  mutating func word(_ value: inout UInt64) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  @inline(__always)
  mutating func length(_ count: inout Int, atMost bound: Int) { put(UInt64(count)) }

  @inline(__always)
  mutating func tag<Value: RawRepresentable>(_ value: inout Value)
  where Value.RawValue: FixedWidthInteger & UnsignedInteger {
    var number = UInt64(truncatingIfNeeded: value.rawValue)
    unsigned(&number, atMost: .max)
  }

  mutating func fail(_ flaw: Flaw.Kind) {}

  func isSame(_ left: Range<Int>, _ right: Range<Int>) -> Bool { bytes[left] == bytes[right] }

  mutating func takeBack(to position: Int) { bytes.removeLast(bytes.count - position) }
}

extension Int64 {
  /// Small for every number near zero: 0, -1, 1, -2, …
  var folded: UInt64 { UInt64(bitPattern: self << 1 ^ self >> 63) }

  /// The number that a folded one stands for.
  init(folded: UInt64) {
    self = Int64(bitPattern: folded >> 1) ^ -Int64(bitPattern: folded & 1)
  }
}
