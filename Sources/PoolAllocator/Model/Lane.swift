/// A slice of a pool: reserved for an owner, or shared.
public struct Lane: BitwiseCopyable, Sendable {
  /// Outside name.
  public let key: Key
  /// The rule of the policy in force, or the last one that named the lane.
  public internal(set) var rule: LaneRule
  /// The pool it is a slice of.
  public internal(set) var pool: PoolRule
  /// The pool's hardware profile: one lane, one profile, so a price is known before placement.
  public internal(set) var profile: ProfileRule
  /// No longer in the policy: receives no claim, keeps its running leases.
  public internal(set) var isRetired = false
  /// Billed thousandths in leases charged to the lane.
  public internal(set) var used: Int64 = 0
  /// Leases charged to the lane.
  public internal(set) var leases: UInt32 = 0
  /// Billed thousandths of `used` that others than the owner hold.
  public internal(set) var lent: Int64 = 0
  /// Thousandths bound to a reserved lane; at most what its rule asks for.
  public internal(set) var bound: Int64 = 0
  /// Thousandths of its guarantee that are not sound: `reserved` less what is in cells of which
  /// every device is usable, on an open node that is ready, and free of leases of other lanes.
  public internal(set) var short: Int64 = 0
  /// The most telling cause of `short`; nil where nothing is short.
  public internal(set) var shortBecause: Reason.Code?
  /// When something last happened that the bounds of its waits do not cover; they count from then.
  public internal(set) var voided = Instant.origin

  /// Leases that it may still lose to more urgent classes; nil where no class preempts.
  var preemptions: PreemptionBucket?
  /// The moment up to which it was noted which of its leases ran long enough to be preempted.
  var opened = Instant.origin

  /// Charges a lease to the lane.
  mutating func charge(_ billedMilli: Int64, isLent: Bool) {
    leases += 1
    used += billedMilli
    if isLent { lent += billedMilli }
  }

  /// Takes a lease off the lane.
  mutating func discharge(_ billedMilli: Int64, isLent: Bool) {
    leases -= 1
    used -= billedMilli
    if isLent { lent -= billedMilli }
  }
}
