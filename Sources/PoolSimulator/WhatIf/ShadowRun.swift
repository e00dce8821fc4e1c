public import PoolAllocator
import PoolRecord

/// A claim that fared better than it would have under another policy.
public struct ShadowDifference: Sendable {
  /// What would have become of it.
  public enum Outcome: Hashable, Sendable {
    /// It would have been answered so at the door.
    case answered(Decision.Verdict)
    /// It would have ended so before its first devices, which it has.
    case ended(ClaimEnd)
    /// Its devices would have been taken so; it has them.
    case stopped(StopCause)
  }

  /// When this was seen. Unit: pool time.
  public let at: Instant
  /// The claim's outside name.
  public let claim: Key
  /// Who pays.
  public let tenant: Key
  /// The class that its service binds; nil where neither policy has the service.
  public let serviceClass: ServiceClass?
  /// What it was answered at the door; nil where this is not about the answer.
  public let decided: Decision.Verdict?
  /// What would have become of it.
  public let outcome: Outcome
  /// The first of what would have stood in its way; nil where the outcome says it.
  public let reason: Reason?
}

/// What another policy would decide, beside a pool that goes on: told every command of that pool
/// with what came of it, it gives a copy of the pool the same (docs/decisions/0034, 0050).
///
///     var run = try ShadowRun(of: pool, under: policy)
///     let differences = try run.follow(command, decision, log)   // of every command from then on
public struct ShadowRun: Sendable {
  /// What of a request is compared, each once.
  private struct Parts: OptionSet {
    var rawValue: UInt8
    static let answer = Parts(rawValue: 1)
    static let wait = Parts(rawValue: 2)
    static let lease = Parts(rawValue: 4)
  }

  private var run: OtherRun
  /// What was told of requests that live. Looked up, never iterated.
  private var told: [Int: Parts] = [:]

  /// Begins with a copy of a pool in which another policy is put in force.
  /// - Throws: where the pool refuses the policy.
  /// - Complexity: O(the pool).
  public init(
    of pool: borrowing Pool, under policy: CompiledPolicy
  ) throws(WhatIfProblem) {
    run = OtherRun(partingFrom: pool)
    let next = PolicyGeneration(pool.generation.value &+ 1)
    let decision = run.apply(.activate(next, policy), at: pool.now)
    if decision.verdict != .done { throw .policyRefused(run.refusal(decision)) }
  }

  /// The pool as it would be, to put reasons in words right after `follow`.
  public var pool: Pool { run.other }

  /// Requests that live in either pool, and what is planned for leases: what it holds in memory
  /// follows this.
  public var held: Int { run.held }

  /// Follows a command of the pool; those before it were followed, or are in the pool that it began
  /// with. A command that puts a policy in force is left out: after it, begin anew.
  /// - Returns: what fared better than it would have, in order. Of one claim at most one difference
  ///   is told of its answer, one of its wait and one of its leases.
  /// - Complexity: that of the command, and O(leases) where a node is lost or comes back.
  public mutating func follow(
    _ command: Command, _ decision: Decision, _ log: EventLog
  ) throws(WhatIfProblem) -> [ShadowDifference] {
    if case .activate = command { return [] }
    try run.follow(
      Record(
        sequence: 0, engine: 0, now: log.at, command: command, decision: decision,
        progress: .complete, log: log))
    var found: [ShadowDifference] = []
    if case .submit = command, let claim = decision.claim,
      let request = run.before.request(of: claim),
      let answer = run.after.stories[request].verdict,
      Self.rank(answer) > Self.rank(decision.verdict),
      // An earlier claim of the name lives on there: that is no limit.
      run.after.stories[request].reason != .duplicateKey, isNew(.answer, of: request)
    {
      found.append(
        difference(
          request, .answered(answer), decided: decision.verdict,
          because: run.after.stories[request].obstacle))
    }
    for request in run.news.requests.sorted() {
      guard let end = endOfWait(request), isNew(.wait, of: request) else { continue }
      found.append(
        difference(request, .ended(end), because: run.after.stories[request].obstacle))
    }
    for stop in run.news.stops where Self.isDenial(stop.cause) {
      guard run.before.stories[stop.request].isRunning, isNew(.lease, of: stop.request) else {
        continue
      }
      found.append(difference(stop.request, .stopped(stop.cause)))
    }
    for request in run.forget() { told[request] = nil }
    return found
  }

  private func difference(
    _ request: Int, _ outcome: ShadowDifference.Outcome, decided: Decision.Verdict? = nil,
    because reason: Reason? = nil
  ) -> ShadowDifference {
    let story = run.before.stories[request]
    return ShadowDifference(
      at: run.recorded.now, claim: story.spec.key, tenant: story.spec.tenant,
      serviceClass: story.serviceClass ?? run.after.stories[request].serviceClass,
      decided: decided, outcome: outcome, reason: reason)
  }

  /// Notes that a part of a request is told.
  /// - Returns: whether it was not told before.
  private mutating func isNew(_ part: Parts, of request: Int) -> Bool {
    told[request, default: []].insert(part).inserted
  }

  /// How the wait of a request ended in vain that was granted devices in the pool; nil where it did
  /// not.
  private func endOfWait(_ request: Int) -> ClaimEnd? {
    let (was, would) = (run.before.stories[request], run.after.stories[request])
    guard !was.grants.isEmpty, would.grants.isEmpty, let end = would.end, Self.isDenial(end) else {
      return nil
    }
    return end
  }

  /// The better the answer, the less.
  private static func rank(_ verdict: Decision.Verdict) -> Int {
    switch verdict {
    case .admitted, .done: 0
    case .downgraded: 1
    case .queued: 2
    case .awaitingApproval: 3
    case .parked: 4
    case .rejected: 5
    case .infeasible: 6
    }
  }

  /// Ends that limits make, and not a caller, a holder or a node.
  private static func isDenial(_ end: ClaimEnd) -> Bool {
    switch end {
    case .rejected, .infeasible, .queueTimeExceeded, .budgetSpent, .preemptedOut, .quoteExceeded:
      true
    case .completed, .failed, .cancelled, .expired, .failedToStart, .approvalDenied,
      .approvalLapsed, .delegationEnded:
      false
    }
  }

  private static func isDenial(_ cause: StopCause) -> Bool {
    switch cause {
    case .unpaid, .reclaimed, .preempted: true
    case .released, .expired, .cancelled, .drained, .nodeLost, .startTimeout, .gangEnded: false
    }
  }
}
