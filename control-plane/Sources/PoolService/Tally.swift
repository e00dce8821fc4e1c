import PoolAllocator
import PoolLoop
import PoolViews
import PoolWire

/// What the service counts from the events of the ledger since it began: the counters of /metrics.
struct Tally: Sendable {
  /// Answers to claims, by class, verdict and the first reason.
  struct Answered: Hashable {
    var serviceClass: String
    var outcome: String
    var reason: String
  }

  /// Credits of a tenant's work, by class.
  struct Spent: Hashable {
    var tenant: String
    var serviceClass: String
    var kind: String
  }

  /// Claims that took a rung, by class.
  struct Degraded: Hashable {
    var serviceClass: String
    var rung: String
  }

  /// Waits as a histogram: how many were at most so long.
  struct Waits: Sendable {
    /// Upper bounds of its buckets. Unit: seconds.
    static let bounds: [Int64] = [0, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400]
    /// How many were within each bound and above the one before it; the last: above all.
    var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// Their sum. Unit: milliseconds.
    var milliseconds: Int64 = 0

    mutating func add(_ wait: Span) {
      let place = Self.bounds.firstIndex { wait.ns <= $0 * 1_000_000_000 } ?? Self.bounds.count
      counts[place] += 1
      milliseconds += wait.ns / 1_000_000
    }
  }

  private(set) var answers: [Answered: UInt64] = [:]
  private(set) var waits: [String: Waits] = [:]
  private(set) var spent: [Spent: Int64] = [:]
  private(set) var stopped: [String: UInt64] = [:]
  private(set) var preempted: [String: UInt64] = [:]
  private(set) var completions: [Answered: UInt64] = [:]
  private(set) var downgraded: [Degraded: UInt64] = [:]
  /// Requests that not everybody may make, by whose matter they are; empty: the pool's.
  private(set) var privileged: [String: UInt64] = [:]
  private(set) var lives = LeaseLives()
  private(set) var promises = WaitPromises()
  private(set) var retries = EarlyRetries()
  private(set) var rates = RequestRates()
  private(set) var granted = UInt64(0)
  private(set) var commands = UInt64(0)

  /// Counts a request with its answer.
  /// - Parameter bound: by when the claim was told to start at the latest.
  mutating func count(
    _ ask: Ask, _ answer: Answer, startsBy bound: Instant?, in pool: borrowing Pool, _ book: Book
  ) {
    var tenant = ask.operation.tenant(in: book)
    // Nobody makes series of names that the policy does not have.
    if let name = tenant, pool.tenant(named: NameTable.key(.tenant, name)) == nil { tenant = nil }
    if let tenant { rates.count(tenant, at: answer.at) }
    if ask.isPrivileged || answer.decision.verdict == .awaitingApproval {
      privileged[tenant ?? "", default: 0] += 1
    }
    guard case .claim(let form) = ask.operation else { return }
    let decision = answer.decision
    count(decision, answer.reasons, to: form, in: pool)
    retries.note(
      form.key, retryAt: decision.verdict == .rejected ? decision.retryAt : nil, at: answer.at)
    if let id = decision.claim, let bound { promises.promise(id, by: bound, in: pool) }
  }

  private mutating func count(
    _ decision: Decision, _ reasons: [Reason], to form: ClaimForm, in pool: borrowing Pool
  ) {
    var known: ServiceClass?
    if let id = decision.claim { known = pool.claim(id)?.serviceClass }
    if known == nil { known = Self.serviceClass(of: form, in: pool) }
    let answered = Answered(
      serviceClass: known?.word ?? "", outcome: decision.verdict.wire,
      reason: reasons.first?.code.wire ?? "")
    answers[answered, default: 0] += 1
  }

  /// Counts what happened, as long as the book has those to whom it happened.
  mutating func count(_ log: borrowing EventLog, in pool: borrowing Pool, _ book: Book) {
    commands += 1
    for event in log.events {
      lives.fold(event, log, in: pool)
      promises.fold(event, at: log.at)
      switch event {
      case .leaseGranted(let id, let grants): grant(id, grants, log, pool, book)
      case .claimDowngraded(let id, _, _, let fact):
        let degraded = Degraded(
          serviceClass: pool.claim(id)?.serviceClass.word ?? "",
          rung: book.names.text(log.downgrades[Int(fact)].key))
        downgraded[degraded, default: 0] += 1
      case .settled(let id, _, let charge, _, _): spend(charge, id, "actual", pool, book)
      case .leaseStopping(_, let cause, _, _):
        stopped[cause.wire, default: 0] += 1
        if cause == .preempted || cause == .reclaimed { preempted[cause.wire, default: 0] += 1 }
      case .claimEnded(let id, let end):
        let known = Self.serviceClass(of: book.claims[id], in: pool)
        completions[
          Answered(serviceClass: known?.word ?? "", outcome: end.wire, reason: ""), default: 0] += 1
      default: break
      }
    }
  }

  private mutating func grant(
    _ id: ClaimID, _ grants: Span32, _ log: borrowing EventLog, _ pool: borrowing Pool, _ book: Book
  ) {
    granted += 1
    guard let claim = pool.claim(id) else { return }
    waits[claim.serviceClass.word, default: Waits()].add(log.at - claim.turn.submitted)
    for grant in log.grants[grants.indices] {
      spend(grant.reserved, grant.lease, "reserved", pool, book)
    }
  }

  private mutating func spend(
    _ credits: Credits, _ id: LeaseID, _ kind: String, _ pool: borrowing Pool, _ book: Book
  ) {
    let form = book.holders[id]
    var known: ServiceClass?
    if let lease = pool.lease(id) { known = pool.claim(lease.claim)?.serviceClass }
    // What is charged last is charged as the claim ends.
    if known == nil { known = Self.serviceClass(of: form, in: pool) }
    let key = Spent(
      tenant: form?.tenant ?? "", serviceClass: known?.word ?? "", kind: kind)
    spent[key, default: 0] += credits.value
  }

  /// The class of a claim's service under the policy in force.
  private static func serviceClass(
    of form: ClaimForm?, in pool: borrowing Pool
  ) -> ServiceClass? {
    guard let form else { return nil }
    let key = NameTable.key(.service, form.service)
    return pool.policy.services.first { $0.key == key }?.serviceClass
  }
}

extension StreamRequest.Operation {
  /// Whose matter it is; nil: the pool's, or of a lease that is not known.
  fileprivate func tenant(in book: Book) -> String? {
    switch self {
    case .claim(let form), .explain(.document(let form)): form.tenant
    case .quote(let form): form.claim.tenant
    case .delegate(let form): form.tenant
    case .cancel(let tenant, _), .decide(let tenant, _, _, _), .revoke(let tenant, _),
      .explain(.live(let tenant, _)):
      tenant
    case .started(let id, _), .renew(let id, _), .checkpoint(let id, _), .complete(let id, _, _, _),
      .empty(let id, _):
      book.holders[id]?.tenant
    case .raiseEmergency, .tick, .advertise, .node, .restrict, .correction, .dependency, .measure,
      .policy, .status:
      nil
    }
  }
}
