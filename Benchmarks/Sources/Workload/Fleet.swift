package import PoolAllocator

/// A cluster of nodes with 8 GPUs that is nearly full, and the work that comes and goes in it.
package struct Fleet: Sendable {
  /// A lease that runs.
  struct Holding: Sendable {
    var lease: LeaseID
    var fencing: Fencing
  }

  /// The leases of a gang.
  typealias Gang = InlineArray<8, Holding>

  /// Pool time between two claims. Unit: nanoseconds.
  static let pace = Span(ns: 100_000)
  /// How full it is kept. Unit: thousandths of all that is offered.
  package static let fullMilli = 925
  /// Commands between two ticks while others come: as the leader's loop does
  /// (`LoopLimits.commandsPerTick`). Unit: commands.
  static let commandsPerTick = 32

  package private(set) var pool: Pool
  private(set) var log = EventLog()
  private(set) var now = Instant(ns: 1_000_000_000)
  var random = Generator(seed: 7)
  private var shared = LaneSet.none
  private var owned = LaneSet.none
  /// What runs, by kind; gangs stand apart.
  private var live: [[Holding]] = Kind.all.map { _ in [] }
  private var gangs: [Gang] = []
  /// Grants of a tick whose start is still to be reported.
  private var fresh: [(kind: Kind, first: Int)] = []
  private var granted: [Holding] = []
  private var sinceTick = 0

  /// Claims for eight GPUs that wait, which `turn` keeps up. All others that do not fit at once are
  /// withdrawn.
  package var queued = 0
  /// Where the times of single commands go.
  package var stopwatch: Stopwatch?
  /// Where records go.
  package var journal: Journal?
  /// Claims so far: submitted, granted, not granted at once and withdrawn.
  package private(set) var claims = 0
  package private(set) var admitted = 0
  package private(set) var refused = 0

  /// - Parameter journal: whether every command is recorded from the first.
  package init(nodes: Int, journal identity: Key? = nil) {
    var limits = Limits()
    (limits.leases, limits.claims) = (1_500_000, 1_500_000)
    pool = Pool(limits: limits)
    let rules = ClusterRules(reserved: nodes >= 100 ? 64_000 : 0)
    if let identity { journal = Journal(identity, from: pool) }
    rules.begin(nodes: nodes) { apply($0) }
    shared = pool.laneSet(named: [ClusterRules.sharedLane])
    owned = pool.laneSet(named: [ClusterRules.sharedLane, ClusterRules.ownedLane])
  }

  @discardableResult
  private mutating func apply(_ command: Command, _ name: CommandName = .other) -> Decision {
    applyAll(command, name).0
  }

  private mutating func applyAll(
    _ command: Command, _ name: CommandName
  ) -> (Decision, Progress) {
    let start = stopwatch == nil ? 0 : nanoseconds()
    let (decision, progress) = pool.apply(command, at: now, into: &log)
    stopwatch?.note(name, since: start)
    sinceTick += 1
    journal?.append(command, decision, progress, log, at: now)
    return (decision, progress)
  }

  // MARK: work

  /// One claim of the mix.
  private mutating func spec(_ kind: Kind) -> ClaimSpec {
    claims += 1
    // The owner of the reserved lane has no gangs: its lane is one too small to come back to.
    let tenant =
      kind.isLarge
      ? 1 + random.below(ClusterRules.tenants - 1) : random.below(ClusterRules.tenants)
    var spec = ClaimSpec(
      key: key(100, claims), tenant: key(6, tenant),
      service: key(7, kind.isLarge ? 3 : claims % 3), action: key(8, 0), modelClass: key(10, 0),
      demand: kind.demand(&random), lanes: tenant == 0 ? owned : shared,
      runtimeMax: .seconds(3_600))
    spec.application = key(103, tenant)
    spec.workflow = key(101, random.below(5_000))
    return spec
  }

  /// Submits one claim, and reports it started where it was granted at once. What was not is
  /// withdrawn, unless it is one of those that wait.
  @discardableResult
  package mutating func place(_ kind: Kind) -> Bool {
    now = now + Self.pace
    let decision = apply(.submit(spec(kind)), .submit)
    guard decision.lease != nil else {
      refused += 1
      if !kind.isLarge || pool.waitingClaims > queued, let claim = decision.claim {
        apply(.cancel(claim))
      }
      return false
    }
    note(grants: 0..<log.grants.count, of: kind)
    startFresh()
    return true
  }

  /// Places one claim of the mix.
  @discardableResult
  package mutating func place() -> Bool {
    var kind = Kind.drawn(&random)
    while queued > 0, kind.isLarge, pool.waitingClaims >= queued { kind = Kind.drawn(&random) }
    return place(kind)
  }

  /// Gives back one running claim of a kind, chosen at random; its agents report it empty. The
  /// other members of a gang are stopped by a tick.
  package mutating func release(_ kind: Kind) {
    if kind == .gang {
      let index = random.below(gangs.count)
      let gang = gangs[index]
      gangs.swapAt(index, gangs.count - 1)
      gangs.removeLast()
      apply(.release(gang[0].lease, gang[0].fencing, .completed), .release)
      tick()
      for member in gang.indices {
        apply(.confirmEmpty(gang[member].lease, gang[member].fencing), .empty)
      }
      return
    }
    let index = random.below(live[kind.rawValue].count)
    let holding = live[kind.rawValue][index]
    live[kind.rawValue].swapAt(index, live[kind.rawValue].count - 1)
    live[kind.rawValue].removeLast()
    apply(.release(holding.lease, holding.fencing, .completed), .release)
    apply(.confirmEmpty(holding.lease, holding.fencing), .empty)
  }

  /// Gives back one running claim, chosen at random among all.
  package mutating func release() {
    var index = random.below(running)
    for kind in Kind.all where kind != .gang {
      if index < live[kind.rawValue].count { return release(kind) }
      index -= live[kind.rawValue].count
    }
    release(.gang)
  }

  /// One claim of a kind is given back, and another placed.
  package mutating func pair(_ kind: Kind) {
    release(kind)
    place(kind)
  }

  /// Pays the next quantum of one running claim, chosen in turn.
  package mutating func renew(_ number: Int) {
    let holdings = live[Kind.fraction.rawValue]
    let holding = holdings[number % holdings.count]
    apply(.renew(holding.lease, holding.fencing), .renew)
  }

  /// Claims that run.
  package var running: Int { live.reduce(gangs.count) { $0 + $1.count } }

  // MARK: the mix

  /// Some claims are given back, or placed where there is room; a tick after every so many
  /// commands.
  package mutating func turn() {
    let isFull = fullness() >= Self.fullMilli
    for _ in 0..<8 {
      if isFull {
        release()
      } else if pool.waitingClaims < queued {
        place(.drawnLarge(&random))
      } else {
        place()
      }
    }
    if queued > 0, sinceTick >= Self.commandsPerTick { tick() }
  }

  /// Fills it up to so many thousandths of what is offered, or to so many running claims.
  package mutating func fill(to milli: Int = Fleet.fullMilli, atMost most: Int = .max) {
    while running < most, fullness() < milli {
      for _ in 0..<min(100, most - running) { place() }
    }
  }

  /// Has claims for eight GPUs wait, as many as are to be `queued`.
  package mutating func queue(_ count: Int) {
    queued = count
    while pool.waitingClaims < count {
      place(.drawnLarge(&random))
      tick()
    }
  }

  /// Does what is due and starts what was granted.
  /// - Returns: events.
  @discardableResult
  package mutating func tick() -> Int {
    var events = 0
    var progress = Progress.more
    while case .more = progress {
      progress = applyAll(.tick, .tick).1
      events += log.events.count
      for index in 0..<log.events.count {
        guard case .leaseGranted(let claim, let grants) = log.events[index],
          let claim = pool.claim(claim)
        else { continue }
        note(grants: grants.indices, of: Kind(of: claim.spec.demand))
      }
    }
    sinceTick = 0
    startFresh()
    return events
  }

  private mutating func note(grants: Range<Int>, of kind: Kind) {
    fresh.append((kind, granted.count))
    for index in grants {
      granted.append(
        Holding(lease: log.grants[index].lease, fencing: log.grants[index].fencing))
    }
  }

  private mutating func startFresh() {
    for (kind, first) in fresh {
      admitted += 1
      for index in first..<(first + kind.members) {
        apply(.confirmStarted(granted[index].lease, granted[index].fencing), .start)
      }
      if kind == .gang {
        gangs.append(Gang { granted[first + $0] })
      } else {
        live[kind.rawValue].append(granted[first])
      }
    }
    fresh.removeAll(keepingCapacity: true)
    granted.removeAll(keepingCapacity: true)
  }

  // MARK: time

  /// Moves pool time on.
  package mutating func wait(_ span: Span) { now = now + span }

  /// Leases that hold devices.
  package var leases: Int {
    live.reduce(gangs.count * Kind.gangMembers) { $0 + $1.count }
  }

  /// Thousandths in use of all that is offered.
  package func fullness() -> Int {
    var offered: Int64 = 0
    var free: Int64 = 0
    pool.forEachLane { id, _ in
      let capacity = pool.capacity(of: id)
      offered += capacity.offered
      free += capacity.free
    }
    return Int((offered - free) * 1000 / max(1, offered))
  }
}
