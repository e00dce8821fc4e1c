import PoolAllocator

/// The same pods with more freedom: not the eager experiment, whose figures are not to be compared
/// with these. A pod may wait though it would fit, and pods that run may be moved.
extension OpenbReplay {
  /// What an allocator may do beside placing a pod at once.
  public struct Freedom: Sendable {
    /// Whether pods that run are moved for one that fits nowhere, as a plan of the pool says.
    public var moves = false
    /// Whether a pod waits while the room that it would take is worth more to the pods to come;
    /// for `offerValue` alone. Those that wait are placed when all pods have come, where they fit.
    public var waits = false

    /// Makes the freedom of the eager experiment: none.
    public init() {}
  }

  /// What moves and waits came to.
  public struct Freely: Sendable {
    /// Pods that a plan made room for.
    public var helped = 0
    /// Moves that were carried out.
    public var moves = 0
    /// GPU time that was moved, each time anew. Unit: thousandths of a GPU.
    public var movedMilli: Int64 = 0
    /// Moves that the pool placed on another node than the plan said.
    public var astray = 0
    /// Pods that waited.
    public var waited = 0
    /// Of those, pods that were placed at the end.
    public var placedLate = 0
  }

  /// Runs the replay with some freedom.
  /// - Parameters:
  ///   - freedom: what is allowed.
  ///   - progress: called before each pod with its number.
  public func run(
    _ freedom: Freedom, progress: (Int) -> Void = { _ in }
  ) -> (outcome: Outcome, freely: Freely) {
    var run = FreeRun(self, freedom)
    for number in pods.indices {
      progress(number)
      run.arrive(number)
    }
    run.finish()
    return (run.outcome, run.freely)
  }
}

/// One run with some freedom. All is done by the commands that any caller has.
struct FreeRun {
  private let replay: OpenbReplay
  private let freedom: OpenbReplay.Freedom
  private(set) var pool: Pool
  private let lanes: [LaneID]
  private var log = EventLog()
  /// By pod: its lease, where it has one.
  private var leases: [LeaseID?]
  private var waiting: [Int] = []
  private var moment = Instant.origin
  private(set) var outcome = OpenbReplay.Outcome(placed: [])
  private(set) var freely = OpenbReplay.Freely()

  /// A pod waits where others lose more than this by it, beside what it gains: more than 80
  /// thousandths of a GPU. Two pods that fill a GPU to 94 % do not. Unit: points.
  private static let waitsBelow: Int64 = -2

  init(_ replay: OpenbReplay, _ freedom: OpenbReplay.Freedom) {
    self.replay = replay
    self.freedom = freedom
    pool = replay.emptyPool(isMovable: true)
    lanes = replay.lanes(of: pool)
    leases = Array(repeating: nil, count: replay.pods.count)
    outcome.placed = Array(repeating: nil, count: replay.pods.count)
  }

  // MARK: pods

  /// The next pod comes.
  mutating func arrive(_ number: Int) {
    moment = Instant(ns: Int64(number) * 1_000_000)
    let pod = replay.pods[number]
    outcome.askedMilli += pod.allMilli
    if freedom.waits, pod.gpus > 0, let points = pool.offerPoints(for: spec(number)),
      points < Self.waitsBelow
    {
      waiting.append(number)
      freely.waited += 1
      return
    }
    place(number)
  }

  /// All pods have come: those that wait go where they fit.
  mutating func finish() {
    for number in waiting where place(number) { freely.placedLate += 1 }
    for (number, place) in outcome.placed.enumerated() where place == nil {
      if replay.pods[number].gpus > 0 { outcome.refusedGPUPods += 1 }
    }
  }

  /// Places a pod where it fits, perhaps after moves; else it is refused for good.
  @discardableResult
  private mutating func place(_ number: Int) -> Bool {
    if !submit(number) {
      guard freedom.moves, makeRoom(for: number), submit(number) else { return false }
      freely.helped += 1
    }
    outcome.placedMilli += replay.pods[number].allMilli
    return true
  }

  private func spec(_ number: Int) -> ClaimSpec {
    var spec = replay.claim(number, replay.pods[number], lanes: lanes)
    spec.interruption = Interruption(grace: .zero, checkpointEvery: spec.runtimeMax)
    return spec
  }

  /// Submits a pod, and starts it where it is granted; else it is withdrawn.
  private mutating func submit(_ number: Int) -> Bool {
    let decision = pool.apply(.submit(spec(number)), at: moment, into: &log).0
    guard decision.verdict == .admitted, let lease = decision.lease else {
      if let claim = decision.claim { _ = pool.apply(.cancel(claim), at: moment, into: &log) }
      return false
    }
    outcome.placed[number] = OpenbReplay.placed(pool, log)
    leases[number] = lease
    guard let fencing = pool.lease(lease)?.fencing else { return true }
    _ = pool.apply(.confirmStarted(lease, fencing), at: moment, into: &log)
    return true
  }

  // MARK: moves

  /// Asks for a plan, and carries it out.
  /// - Returns: whether all of it was done.
  private mutating func makeRoom(for number: Int) -> Bool {
    guard let room = pool.defragmentation(for: spec(number)).rooms.first else { return false }
    for move in room.moves {
      guard let pod = pod(of: move.claim), carryOut(move, of: pod) else { return false }
    }
    return true
  }

  /// The pod of a claim.
  private func pod(of claim: ClaimID) -> Int? {
    pool.claim(claim).flatMap { OpenbReplay.pod(of: $0.spec.key) }
  }

  /// Ends a lease, and has its claim granted anew while its node takes none. Where the pool finds
  /// no place for it elsewhere, it goes back.
  private mutating func carryOut(_ move: DefragmentationPlan.Move, of pod: Int) -> Bool {
    guard let lease = pool.lease(move.lease) else { return false }
    _ = pool.apply(.cordon(move.from), at: moment, into: &log)
    _ = pool.apply(.release(move.lease, lease.fencing, .completed), at: moment, into: &log)
    _ = pool.apply(.confirmEmpty(move.lease, lease.fencing), at: moment, into: &log)
    let isMoved = submit(pod)
    _ = pool.apply(.uncordon(move.from), at: moment, into: &log)
    guard isMoved else {
      let isBack = submit(pod)
      precondition(isBack, "what a pod left has room for it")
      return false
    }
    freely.moves += 1
    freely.movedMilli += move.gpuMilli
    if let lease = leases[pod], pool.lease(lease)?.node != move.to { freely.astray += 1 }
    return true
  }
}
