public import PoolAllocator

/// When a waiting claim is likely to start, what that rests on, and how often such answers held.
///
/// A start is the grant of a lease. A prediction binds nobody: it is no plan and no bound.
public struct Prediction: Hashable, Sendable {
  /// Claims that wait alike.
  public struct Scope: Hashable, Sendable {
    /// The first of the lanes that the claim waits for.
    public var lane: LaneID
    /// The class that its service bound.
    public var serviceClass: ServiceClass
    /// How much is asked: 0 for less than one device, n ≥ 1 for more than 2ⁿ⁻² and up to 2ⁿ⁻¹
    /// devices; nil for every size.
    public var size: UInt8?

    /// The most that a claim of this size asks for; nil for every size. Unit: thousandths of
    /// devices.
    public var milliMax: Int64? { size.map { $0 == 0 ? 999 : 1000 << Int64($0 - 1) } }

    /// Makes a scope; without a size, one for all sizes.
    public init(lane: LaneID, serviceClass: ServiceClass, size: UInt8? = nil) {
      self.lane = lane
      self.serviceClass = serviceClass
      self.size = size
    }
  }

  /// What a prediction rests on.
  public struct Basis: Hashable, Sendable {
    /// The claims that it was learned from.
    public var scope: Scope
    /// How many of them: the last ones that started, at most `WaitPredictor.Terms.window`.
    public var samples: Int
  }

  /// How often earlier predictions held, of those told to claims of a scope.
  public struct Accuracy: Hashable, Sendable {
    /// Predictions whose claim started at its p90 or before, since the predictor began.
    public var held: Int
    /// Those, and the ones whose claim waited past its p90.
    public var judged: Int

    /// The share that held, 0 … 1,000, rounded down; nil where none was judged. 900 is meant.
    public var heldMilli: Int64? {
      judged > 0 ? Int64(held) * 1000 / Int64(judged) : nil
    }
  }

  /// The moment by which every second such claim has started; never before now.
  public var p50: Instant
  /// The moment by which nine in ten such claims have started; never before `p50`.
  public var p90: Instant
  /// What it rests on.
  public var basis: Basis
  /// How often predictions of the same scope held.
  public var accuracy: Accuracy
}
