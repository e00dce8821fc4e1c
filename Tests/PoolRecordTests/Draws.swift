import PoolAllocator

@testable import PoolRecord

/// Seeded draws: equal seeds give equal numbers in every process.
struct Draws {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number from 0 to one less than the bound.
  mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number up to a bound, small ones and the bound itself as frequent as large ones.
  mutating func spread(_ bound: UInt64) -> UInt64 {
    guard bound > 0 else { return 0 }
    switch below(12) {
    case 0: return bound
    case 1: return 0
    default: return min(bound, next() >> UInt64(below(64)))
    }
  }

  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}

/// Draws the fields of a value instead of reading them: any value that the form can hold.
struct DrawingCoder: FieldCoder {
  static let isReading = true
  var random: Draws
  var base = Instant.origin
  var spec: Known<ClaimSpec>?
  var policy: Known<CompiledPolicy>?
  let position = 0

  init(seed: UInt64) { random = Draws(seed: seed) }

  mutating func unsigned(_ value: inout UInt64, atMost bound: UInt64) {
    value = bound < 256 ? UInt64(random.below(Int(bound) + 1)) : random.spread(bound)
  }

  mutating func signed(_ value: inout Int64, in range: ClosedRange<Int64>) {
    switch random.below(12) {
    case 0: value = range.lowerBound
    case 1: value = range.upperBound
    default:
      let drawn = Int64(folded: random.next() >> UInt64(random.below(64)))
      value = min(max(drawn, range.lowerBound), range.upperBound)
    }
  }

  mutating func word(_ value: inout UInt64) { value = random.next() }

  mutating func length(_ count: inout Int, atMost bound: Int) {
    count = min(bound, random.below(5))
  }

  mutating func tag<Value: RawRepresentable>(_ value: inout Value)
  where Value.RawValue: FixedWidthInteger & UnsignedInteger {
    let most = min(Int(Value.RawValue.max), 1023)
    while true {
      let number = random.below([2, 4, 8, 16, 64, most + 1][random.below(6)])
      if let known = Value(rawValue: Value.RawValue(number)) {
        value = known
        return
      }
    }
  }

  mutating func fail(_ flaw: Flaw.Kind) {}
  func isSame(_ left: Range<Int>, _ right: Range<Int>) -> Bool { false }
  mutating func takeBack(to position: Int) {}
}

/// How many cases a property test runs: many in release, few in debug.
enum Scale {
  static func cases(release: Int, debug: Int) -> Int {
    #if DEBUG
      debug
    #else
      release
    #endif
  }
}

/// A property that does not hold, with the case that shows it.
struct Counterexample: Error, CustomStringConvertible {
  let description: String
}

/// Stops a test at the first case that breaks a property.
@inline(__always)
func must(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String,
  line: Int = #line
) throws {
  if !condition() { throw Counterexample(description: "line \(line): \(message())") }
}
