import PoolAllocator

/// The stories of all requests of one run, folded from answers and events.
struct StoryBook: Sendable {
  /// By request, in the order in which they were made.
  private(set) var stories: [RequestStory] = []
  /// The policy in force.
  private(set) var policy = CompiledPolicy()
  /// Looked up, never iterated.
  private var requestOf: [ClaimID: Int] = [:]
  private var placeOf: [LeaseID: LeasePlace] = [:]

  /// Begins the story of a request.
  mutating func open(_ spec: ClaimSpec, at now: Instant) {
    let service = policy.services.first {
      $0.key == spec.service && ($0.tenant == nil || $0.tenant == spec.tenant)
    }
    stories.append(RequestStory(spec, asked: now, serviceClass: service?.serviceClass))
  }

  /// The request that a claim came from, also of one that ended.
  func request(of claim: ClaimID) -> Int? { requestOf[claim] }

  /// Where a lease stands, also one that ended.
  func place(of lease: LeaseID) -> LeasePlace? { placeOf[lease] }

  /// The lease at a place; nil where nothing was granted there.
  func lease(at place: LeasePlace) -> LeaseStory? {
    let grants = stories[place.request].grants
    guard place.grant < grants.count, place.member < grants[place.grant].count else { return nil }
    return grants[place.grant][place.member]
  }

  /// Takes in what came of one command.
  /// - Parameter request: the request that the command was, where it was a submission.
  /// - Returns: leases that were granted.
  @discardableResult
  mutating func fold(
    _ command: Command, _ decision: Decision, _ log: EventLog, request: Int? = nil
  ) -> [LeaseID] {
    if let request { answer(request, decision, log) }
    var granted: [LeaseID] = []
    for event in log.events {
      switch event {
      case .policyActivated: policy = log.policy ?? policy
      case .claimSubmitted(let claim, let fact):
        guard let request else { continue }
        requestOf[claim] = request
        stories[request].claim = claim
        stories[request].serviceClass = log.claimFacts[Int(fact)].serviceClass
      case .claimDowngraded(let claim, let rung, _, let fact):
        guard let request = requestOf[claim] else { continue }
        stories[request].rung = rung
        stories[request].rungName = log.downgrades[Int(fact)].key
      case .claimEnded(let claim, let end):
        guard let request = requestOf[claim] else { continue }
        stories[request].end = end
        stories[request].ended = log.at
      case .leaseGranted(let claim, let grants):
        granted += grant(claim, grants, log)
      default: fold(event, at: log.at)
      }
    }
    if case .release(let lease, _, let outcome) = command, decision.verdict == .done {
      change(lease) { $0.outcome = $0.outcome ?? outcome }
    }
    return granted
  }

  private mutating func answer(_ request: Int, _ decision: Decision, _ log: EventLog) {
    stories[request].verdict = decision.verdict
    stories[request].price = decision.price
    stories[request].expected = decision.plan?.expected
    if let first = decision.reasons.indices.first {
      stories[request].reason = log.reasons[first].code
    }
  }

  private mutating func grant(
    _ claim: ClaimID, _ grants: Span32, _ log: EventLog
  ) -> [LeaseID] {
    guard let request = requestOf[claim] else { return [] }
    var leases: [LeaseStory] = []
    for grant in log.grants[grants.indices] {
      placeOf[grant.lease] = LeasePlace(
        request: request, grant: stories[request].grants.count, member: leases.count)
      leases.append(
        LeaseStory(
          lease: grant.lease, fencing: grant.fencing, rate: grant.rate, granted: log.at))
    }
    stories[request].grants.append(leases)
    return leases.map(\.lease)
  }

  /// Takes in what happened to one lease.
  private mutating func fold(_ event: Event, at now: Instant) {
    switch event {
    case .leaseStarted(let lease, let at): change(lease) { $0.started = at }
    case .leaseResumed(let lease): change(lease) { $0.started = $0.started ?? now }
    case .leaseCheckpointed(let lease, let at): change(lease) { $0.saved = at }
    case .leaseStopping(let lease, let cause, let at, _):
      change(lease) {
        $0.cause = cause
        $0.stopped = now
        $0.billedUntil = at
      }
    case .leaseEnded(let lease): change(lease) { $0.emptied = now }
    default: break
    }
  }

  private mutating func change(_ lease: LeaseID, _ body: (inout LeaseStory) -> Void) {
    guard let place = placeOf[lease] else { return }
    body(&stories[place.request].grants[place.grant][place.member])
  }
}
