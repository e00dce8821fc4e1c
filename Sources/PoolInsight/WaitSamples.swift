/// The last waits of one scope, each as a ratio to what was estimated, and the level at which nine
/// in ten of them lie.
///
/// The level is tracked by adaptive conformal inference (Gibbs and Candès 2021, *Adaptive Conformal
/// Inference Under Distribution Shift*, eq. 2): after each prediction that is judged
/// α ← α + γ (0.1 − missed), and the next prediction is the quantile 1 − α of the window. The share
/// of misses of any sequence of n waits is then within (1 + γ) / (γ n) of a tenth, whatever drifts.
struct WaitSamples: Sendable {
  /// Units of a ratio of 1, and of a level of 1. Unit: none.
  static let one: Int64 = 1 << 16
  /// The largest ratio that is kept: a million. Unit: 1 / `one`.
  static let ratioMax = one << 20
  /// Levels that can be reached; above `one` a prediction lies beyond the whole window. Unit:
  /// 1 / `one`.
  private static let levels = 0...(2 * one)
  /// How much further a prediction lies for a level of 1 above `one`. Unit: times the largest
  /// ratio.
  private static let stretch: Int64 = 4

  private var ring: [Int64] = []
  private var sorted: [Int64] = []
  private var next = 0
  /// 1 − α.
  private(set) var level = one * 9 / 10
  private(set) var held = 0
  private(set) var judged = 0

  var count: Int { sorted.count }

  /// A wait as a ratio to its estimate.
  static func ratio(_ wait: Int64, to base: Int64) -> Int64 {
    min(ratioMax, Int64(clamping: Int128(max(0, wait)) * Int128(one) / Int128(base)))
  }

  /// A ratio as a wait.
  static func wait(_ ratio: Int64, of base: Int64) -> Int64 {
    Int64(clamping: (Int128(ratio) * Int128(base) + Int128(one - 1)) / Int128(one))
  }

  /// Adds a ratio; the oldest goes where the window is full.
  /// - Complexity: O(size), a move of words.
  mutating func add(_ ratio: Int64, size: Int) {
    if ring.count < size {
      ring.append(ratio)
    } else {
      sorted.remove(at: firstIndex(notBelow: ring[next]))
      ring[next] = ratio
    }
    next = (next + 1) % size
    sorted.insert(ratio, at: firstIndex(notBelow: ratio))
  }

  /// Takes in whether a prediction held.
  /// - Parameter step: γ. Unit: 1 / `one`.
  mutating func judge(held: Bool, step: Int64) {
    judged += 1
    if held { self.held += 1 }
    let moved = held ? level - step / 10 : level + step - step / 10
    level = min(max(moved, Self.levels.lowerBound), Self.levels.upperBound)
  }

  /// The ratio that a share of the samples does not exceed, of those from a ratio on.
  /// - Returns: nil where no sample reaches that ratio.
  func quantile(_ level: Int64, from elapsed: Int64 = 0) -> Int64? {
    let start = firstIndex(notBelow: elapsed)
    let count = Int64(sorted.count - start)
    guard count > 0 else { return nil }
    // As conformal prediction counts: the new one is one more.
    let place = level * (count + 1) - Self.one
    let last = sorted[sorted.count - 1]
    guard place < (count - 1) * Self.one else {
      let beyond = max(0, level - Self.one) * Self.stretch
      return last + Int64(clamping: Int128(last) * Int128(beyond) / Int128(Self.one))
    }
    guard place > 0 else { return sorted[start] }
    let index = start + Int(place / Self.one)
    let part = Int128(place % Self.one)
    let gap = Int128(sorted[index + 1] - sorted[index])
    return sorted[index] + Int64(gap * part / Int128(Self.one))
  }

  private func firstIndex(notBelow ratio: Int64) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < ratio { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
