public import PoolAllocator

/// What became of one lease, as far as it was seen.
public struct LeaseStory: Hashable, Sendable {
  /// The lease in the pool that granted it.
  public var lease: LeaseID
  /// Its fencing number there.
  public var fencing: Fencing
  /// What a nanosecond of it costs, in 10⁻¹² credits.
  public var rate: Int64
  /// When it was granted.
  public var granted: Instant
  /// When its agent started it.
  public var started: Instant?
  /// When its holder last saved its work.
  public var saved: Instant?
  /// Why it stopped.
  public var cause: StopCause?
  /// When it was told to stop.
  public var stopped: Instant?
  /// When its billing ended.
  public var billedUntil: Instant?
  /// When it was known to be empty.
  public var emptied: Instant?
  /// How its holder said that the work ended; nil where it never did.
  public var outcome: Outcome?

  /// What it costs up to a moment, rounded down.
  func cost(until end: Instant) -> Int128 {
    guard let started else { return 0 }
    let last = min(billedUntil ?? end, end)
    return Price.charge(rate: rate, span: Span(ns: max(0, last.ns - started.ns))).credits
  }
}

/// What became of one request for devices, from the answer at the door to its end.
public struct RequestStory: Sendable {
  /// What was asked, as the journal has it.
  public var spec: ClaimSpec
  /// When it was asked.
  public var asked: Instant
  /// The class that the policy in force bound to its service; nil where it had no such service.
  public var serviceClass: ServiceClass?
  /// The answer at the door; nil where it was not asked, because an earlier request of the same
  /// claim had been taken in.
  public var verdict: Decision.Verdict?
  /// The first of the reasons that it was told, by precedence.
  public var reason: Reason.Code?
  /// The first of what stood in its way, by precedence: at the door, or when it had waited too
  /// long.
  public var obstacle: Reason?
  /// The price of the whole claim that it was told; zero where none was.
  public var price = Credits.zero
  /// How long it was expected to run; nil where the policy could not say.
  public var expected: Span?
  /// The claim, once it was taken in.
  public var claim: ClaimID?
  /// Number of the last rung that it took, from 1; 0 where it has what it asked for.
  public var rung: UInt8 = 0
  /// The outside name of that rung.
  public var rungName: Key?
  /// What it was granted: each time a lease for every member.
  public var grants: [[LeaseStory]] = []
  /// The lane in which it was first granted devices.
  public var lane: Key?
  /// How it ended; nil while it lives, and where it was refused.
  public var end: ClaimEnd?
  /// When it ended.
  public var ended: Instant?

  /// Makes the story of a request that nothing is known of yet.
  init(_ spec: ClaimSpec, asked: Instant, serviceClass: ServiceClass?) {
    self.spec = spec
    self.asked = asked
    self.serviceClass = serviceClass
  }

  /// Whether nothing of it lives.
  var isOver: Bool {
    (claim == nil || end != nil) && grants.allSatisfy { $0.allSatisfy { $0.emptied != nil } }
  }

  /// Whether devices run for it.
  var isRunning: Bool {
    grants.last?.contains { $0.started != nil && $0.cause == nil } ?? false
  }

  /// Whether it was taken in.
  public var isTakenIn: Bool { claim != nil }
  /// Whether it was refused at the door.
  public var isRefused: Bool { verdict != nil && claim == nil }
  /// Whether it waits for its first devices at the end of the journal.
  public var isWaiting: Bool { claim != nil && grants.isEmpty && end == nil }
  /// When it was first granted devices.
  public var granted: Instant? { grants.first?.first?.granted }
  /// When it first started.
  public var started: Instant? {
    for grant in grants { for lease in grant { if let at = lease.started { return at } } }
    return nil
  }
  /// How long it waited for its first devices; nil where it got none.
  public var wait: Span? { granted.map { $0 - asked } }

  /// What its leases cost up to a moment, by the time that they were held: what is settled by then
  /// and what will be. Unit: credits.
  public func cost(until end: Instant) -> Int128 {
    grants.reduce(0) { sum, leases in leases.reduce(sum) { $0 + $1.cost(until: end) } }
  }
}

/// Where a lease stands among the stories.
struct LeasePlace: Hashable, Sendable {
  /// Number of the request.
  var request: Int
  /// Number of the grant of its claim, from 0.
  var grant: Int
  /// Number of the member, from 0.
  var member: Int
}
