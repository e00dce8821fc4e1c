import PoolAllocator

/// B6: what is refused, or has to wait, changes no bucket and takes no device but by an explicit
/// hold.
struct RefusedUntouched {
  /// Looks at the answer to a command.
  /// - Complexity: O(events).
  func close(
    _ command: Command, _ decision: Decision, _ log: borrowing EventLog
  ) throws(Violation) {
    switch decision.verdict {
    case .queued, .parked, .awaitingApproval: try checkWaiting(decision, log)
    case .rejected, .infeasible: try checkRefused(command, decision, log)
    case .downgraded where decision.lease == nil: try checkWaiting(decision, log)
    case .downgraded, .admitted, .done: break
    }
  }

  private func checkWaiting(
    _ decision: Decision, _ log: borrowing EventLog
  ) throws(Violation) {
    try must(
      log.postings.isEmpty && log.grants.isEmpty && decision.lease == nil, "B6",
      "claim \(decision.claim?.name ?? "none") is \(decision.verdict) with "
        + "\(log.postings.count) postings and \(log.grants.count) grants")
  }

  /// What is refused leaves a refusal and nothing else, but that a renewal which cannot be paid
  /// settles the quantum before it, which is over whatever comes.
  private func checkRefused(
    _ command: Command, _ decision: Decision, _ log: borrowing EventLog
  ) throws(Violation) {
    var isRenewal = false
    if case .renew = command { isRenewal = true }
    var refusals = 0
    for event in log.events {
      switch event {
      case .claimRefused, .commandRefused: refusals += 1
      case .clockJumped: break
      case .settled where isRenewal: break
      case .leaseUnpaid where isRenewal: refusals += 1
      default: throw Violation("B6", "a refused command did \(event)")
      }
    }
    let mayBeSilent = isRenewal && decision.lease != nil
    try must(
      refusals == 1 || refusals == 0 && mayBeSilent, "B6",
      "a refused command has \(refusals) refusals")
    for posting in log.postings {
      try must(
        isRenewal && posting.charged == .zero, "B6",
        "a refused command charges bucket \(posting.bucket.name)")
    }
  }
}
