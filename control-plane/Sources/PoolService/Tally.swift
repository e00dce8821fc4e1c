import PoolAllocator
import PoolWire

/// What the service counts from the events of the ledger since it began: the counters of /metrics.
struct Tally: Sendable {
  /// Answers to requests, by verdict and the first reason.
  struct Answered: Hashable {
    var outcome: String
    var reason: String
  }

  private(set) var answers: [Answered: UInt64] = [:]
  private(set) var preemptions: [String: UInt64] = [:]
  private(set) var completions: [String: UInt64] = [:]
  private(set) var granted = UInt64(0)
  private(set) var downgraded = UInt64(0)
  private(set) var commands = UInt64(0)

  mutating func count(
    _ log: borrowing EventLog, _ decision: Decision, isRequest: Bool
  ) {
    commands += 1
    if isRequest {
      let reason = decision.reasons.indices.first.map { log.reasons[$0].code.wire } ?? ""
      answers[Answered(outcome: decision.verdict.wire, reason: reason), default: 0] += 1
    }
    for event in log.events {
      switch event {
      case .leaseGranted: granted += 1
      case .claimDowngraded: downgraded += 1
      case .leaseStopping(_, let cause, _, _): preemptions[cause.wire, default: 0] += 1
      case .claimEnded(_, let end): completions[end.wire, default: 0] += 1
      default: break
      }
    }
  }
}
