/// A seeded generator: equal seeds give equal numbers in every process.
struct SplitMix64: RandomNumberGenerator {
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

  /// A number of a closed range.
  mutating func within(_ range: ClosedRange<Int64>) -> Int64 {
    Int64.random(in: range, using: &self)
  }

  /// A number of a closed range whose size is drawn first, so that small ones and the ends are
  /// as frequent as large ones.
  mutating func spread(_ range: ClosedRange<Int64>) -> Int64 {
    let width = UInt64(bitPattern: range.upperBound &- range.lowerBound)
    switch below(16) {
    case 0: return range.lowerBound
    case 1: return range.upperBound
    default:
      let bits = below(65 - width.leadingZeroBitCount)
      let cut = bits == 0 ? 0 : next() >> UInt64(64 - bits)
      return range.lowerBound &+ Int64(bitPattern: min(cut, width))
    }
  }

  /// True in so many of a hundred draws.
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

  /// One element; the list must not be empty.
  mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}
