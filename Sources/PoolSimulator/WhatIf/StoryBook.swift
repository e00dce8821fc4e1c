import PoolAllocator

/// The stories of the requests of one run, folded from answers and events.
struct StoryBook: Sendable {
  /// By request: in the order in which they were made, as long as none is forgotten.
  private(set) var stories: [RequestStory] = []
  /// Numbers of requests that were forgotten.
  private var spare: [Int] = []
  /// The policy in force.
  private(set) var policy = CompiledPolicy()
  /// Its services by key, those of one key in their order. Looked up, never iterated.
  private var services: [Key: [ServiceRule]] = [:]
  /// Looked up, never iterated.
  private var requestOf: [ClaimID: Int] = [:]
  private var placeOf: [LeaseID: LeasePlace] = [:]

  /// Begins the story of a request.
  /// - Returns: its number.
  @discardableResult
  mutating func open(_ spec: ClaimSpec, at now: Instant) -> Int {
    let service = services[spec.service]?.first {
      $0.tenant == nil || $0.tenant == spec.tenant
    }
    return open(RequestStory(spec, asked: now, serviceClass: service?.serviceClass))
  }

  private mutating func open(_ story: RequestStory) -> Int {
    guard let number = spare.popLast() else {
      stories.append(story)
      return stories.count - 1
    }
    stories[number] = story
    return number
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
      case .policyActivated:
        if let policy = log.policy { obey(policy) }
      case .claimSubmitted(let claim, let fact):
        guard let request else { continue }
        requestOf[claim] = request
        stories[request].claim = claim
        stories[request].serviceClass = log.claimFacts[Int(fact)].serviceClass
      case .claimDowngraded(let claim, let rung, _, let fact):
        guard let request = requestOf[claim] else { continue }
        stories[request].rung = rung
        stories[request].rungName = log.downgrades[Int(fact)].key
      case .waitExceeded(let claim, let reasons):
        guard let request = requestOf[claim], let first = reasons.indices.first else { continue }
        stories[request].obstacle = log.reasons[first]
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

  private mutating func obey(_ policy: CompiledPolicy) {
    self.policy = policy
    services = Dictionary(grouping: policy.services, by: \.key)
  }

  private mutating func answer(_ request: Int, _ decision: Decision, _ log: EventLog) {
    stories[request].verdict = decision.verdict
    stories[request].price = decision.price
    stories[request].expected = decision.plan?.expected
    if let first = decision.reasons.indices.first {
      stories[request].reason = log.reasons[first].code
      stories[request].obstacle = log.reasons[first]
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

  /// Notes where a request was granted devices first.
  mutating func place(_ request: Int, in lane: Key?) {
    if stories[request].lane == nil { stories[request].lane = lane }
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

/// Books of a run that goes on for ever: they begin in the middle, and forget what is over.
extension StoryBook {
  /// The stories of what lives in a pool, as far as the pool knows them.
  /// - Complexity: O(claims + leases).
  init(seeing pool: borrowing Pool) {
    self.init()
    obey(pool.policy)
    let now = pool.now
    var claims: [(ClaimID, Claim)] = []
    pool.forEachClaim { claims.append(($0, $1)) }
    for (id, claim) in claims {
      var story = RequestStory(
        claim.spec, asked: claim.turn.submitted, serviceClass: claim.serviceClass)
      story.claim = id
      story.expected = claim.plan.expected
      requestOf[id] = open(story)
    }
    var leases: [(LeaseID, Lease)] = []
    pool.forEachLease { leases.append(($0, $1)) }
    // The leases of one grant have one lead.
    var grants: [LeaseID: (request: Int, grant: Int)] = [:]
    for (id, lease) in leases {
      let place: (request: Int, grant: Int)
      if let known = grants[lease.lead] {
        place = known
      } else {
        let request: Int
        if let known = requestOf[lease.claim] {
          request = known
        } else {
          // Of a lease whose claim ended nothing but itself is known.
          request = open(RequestStory(.blank, asked: now, serviceClass: nil))
        }
        place = (request, stories[request].grants.count)
        stories[request].grants.append([])
        grants[lease.lead] = place
      }
      let member = stories[place.request].grants[place.grant].count
      placeOf[id] = LeasePlace(request: place.request, grant: place.grant, member: member)
      stories[place.request].grants[place.grant].append(LeaseStory(id, lease))
    }
  }

  /// Forgets a request of which nothing lives; its number is given to another.
  mutating func forget(_ request: Int) {
    if let claim = stories[request].claim { requestOf[claim] = nil }
    for lease in stories[request].grants.joined() { placeOf[lease.lease] = nil }
    stories[request].claim = nil
    stories[request].grants = []
    spare.append(request)
  }

  /// Requests that are not forgotten.
  var count: Int { stories.count - spare.count }
}

extension LeaseStory {
  /// What a pool knows of a lease.
  fileprivate init(_ id: LeaseID, _ lease: Lease) {
    self.init(
      lease: id, fencing: lease.fencing, rate: lease.rate,
      granted: Instant(ns: lease.startBy.ns - lease.terms.startWithin.ns))
    started = lease.started
    saved = lease.checkpoint
    cause = lease.cause
    stopped = lease.stoppedAt
    billedUntil = lease.stoppedAt
  }
}
