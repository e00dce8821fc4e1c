import PoolAllocator
import PoolLoop

/// J4: to one name the same answer, byte for byte, whatever crashed in between.
enum NamesCheck {
  static func compare(_ first: Answer, with second: Answer) throws(Violation) {
    let (one, other) = (first.decision, second.decision)
    let isSame =
      first.at == second.at && one.verdict == other.verdict && one.claim == other.claim
      && one.lease == other.lease && one.quote == other.quote && one.node == other.node
      && one.plan == other.plan && one.price == other.price
      && one.reservation == other.reservation && one.retryAt == other.retryAt
      && one.policy == other.policy && first.reasons == second.reasons
      && first.changes == second.changes
    guard isSame else {
      throw Violation(
        "J4",
        "one name was answered \(one.verdict) at \(first.at.ns) and \(other.verdict) at "
          + "\(second.at.ns)")
    }
  }
}
