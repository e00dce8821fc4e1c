/// A seeded generator of integers: equal seeds give equal numbers in every process.
///
/// SplitMix64 (Steele, Lea, Flood 2014). There is no floating point in here: a logarithm may differ
/// from machine to machine, and a simulation that does can not be reproduced.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Makes a generator.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number from 0 to one less than the bound, which must be positive.
  public mutating func below(_ bound: UInt64) -> UInt64 {
    next().multipliedFullWidth(by: bound).high
  }

  /// A number of a closed range.
  public mutating func within(_ range: ClosedRange<Int64>) -> Int64 {
    Int64.random(in: range, using: &self)
  }

  /// An exponentially distributed number with the given mean, rounded down.
  ///
  /// Von Neumann's method (1951): only comparisons of uniform numbers, so integers suffice. The
  /// whole part counts failed runs; the fraction is the first number of the run that succeeds.
  public mutating func exponential(mean: Int64) -> Int64 {
    var whole: UInt64 = 0
    while true {
      let first = next()
      var last = first
      var length = 1
      while true {
        let another = next()
        guard another < last else { break }
        last = another
        length += 1
      }
      if length % 2 == 1 {
        let fraction = first.multipliedFullWidth(by: UInt64(mean)).high
        return Int64(clamping: whole &* UInt64(mean) &+ fraction)
      }
      whole += 1
    }
  }
}
