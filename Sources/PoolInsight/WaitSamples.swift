import PoolAllocator

/// The last waits of one scope, each as a ratio to what was estimated, and the level at which nine
/// in ten of them lie.
///
/// The level is tracked by adaptive conformal inference (Gibbs and Candès 2021, *Adaptive Conformal
/// Inference Under Distribution Shift*, equation 2): after each prediction that is judged,
/// α ← α + γ (1/10 − missed), and the next one is the quantile 1 − α of the window. As α stays
/// between two bounds, the share of misses tends to a tenth, however the load drifts.
struct WaitSamples: Sendable {
  /// A ratio of 1, and a level of 1. Unit: 1 / 65,536.
  static let one: Int64 = 1 << 16
  /// The level before anything was judged: nine in ten. Unit: 1 / `one`.
  static let levelAtFirst = one * 9 / 10
  /// The largest ratio that is kept. Unit: 1 / `one`.
  private static let ratioMax = one << 20
  /// The level never passes this; above `one` a prediction lies beyond the whole window. Unit:
  /// 1 / `one`.
  private static let levelMax = 2 * one
  /// How much further a prediction lies for a level of 1 above `one`. Unit: times the largest
  /// ratio of the window.
  private static let stretch: Int64 = 4

  private var ring: [Int64] = []
  private var sorted: [Int64] = []
  private var next = 0
  /// 1 − α. Unit: 1 / `one`.
  private(set) var level = levelAtFirst
  /// Predictions that held.
  private(set) var held = 0
  /// Predictions that held or did not.
  private(set) var judged = 0

  /// Waits in the window.
  var count: Int { sorted.count }

  /// A wait as a ratio to its estimate, rounded down.
  static func ratio(_ wait: Span, to estimate: Span) -> Int64 {
    min(
      ratioMax,
      Int64(clamping: Int128(max(0, wait.ns)) * Int128(one) / Int128(max(1, estimate.ns))))
  }

  /// A ratio as a wait, rounded up: the wait of a claim lies in what its own ratio gives.
  static func wait(_ ratio: Int64, of estimate: Span) -> Span {
    let product = Int128(ratio + 1) * Int128(estimate.ns)
    return Span(ns: Int64(clamping: (product + Int128(one - 1)) / Int128(one)))
  }

  /// Adds a ratio; the oldest goes where the window is full.
  /// - Parameter size: of the window, always the same.
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
  /// - Parameter stepMilli: how far the level moves where it did not; γ = 10/9 of it. Unit:
  ///   thousandths.
  mutating func judge(held: Bool, stepMilli: Int64) {
    judged += 1
    if held { self.held += 1 }
    let up = Self.one * stepMilli / 1000
    level = min(max(held ? level - up / 9 : level + up, 0), Self.levelMax)
  }

  /// The ratio within which a share of the samples lies, of those that are not below another.
  /// - Parameter level: that share. Unit: 1 / `one`.
  /// - Returns: nil where there are none.
  /// - Complexity: O(log count).
  func quantile(_ level: Int64, from least: Int64 = 0) -> Int64? {
    let start = firstIndex(notBelow: least)
    let count = Int64(sorted.count - start)
    guard count > 0 else { return nil }
    // The one that is predicted is one more, as conformal prediction counts.
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

  /// Samples that are not below a ratio.
  /// - Complexity: O(log count).
  func count(from least: Int64) -> Int { sorted.count - firstIndex(notBelow: least) }

  private func firstIndex(notBelow ratio: Int64) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < ratio { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
