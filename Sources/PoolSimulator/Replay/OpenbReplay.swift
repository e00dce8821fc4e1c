public import PoolAllocator

/// An openb trace through the production allocator: an empty cluster, one pod after the other, none
/// of which ends. A pod that fits is placed at once; one that fits nowhere is refused for good.
public struct OpenbReplay: Sendable {
  /// Where one pod went.
  public struct Placed: Sendable, Hashable {
    /// The node, as an index into `nodes`.
    public var node: Int
    /// GPUs of the node, ascending; none for a pod that asks for processor time alone.
    public var gpus: [Int]
  }

  /// What became of all pods.
  public struct Outcome: Sendable {
    /// By pod; nil where it was refused.
    public var placed: [Placed?]
    /// GPU time that was asked for. Unit: thousandths of a GPU.
    public var askedMilli: Int64 = 0
    /// GPU time that was placed. Unit: thousandths of a GPU.
    public var placedMilli: Int64 = 0
    /// Pods that asked for GPUs and were refused.
    public var refusedGPUPods = 0
    /// Pods that were refused.
    public var refused: Int { placed.count { $0 == nil } }
  }

  /// The machines, in the order of ties.
  public let nodes: OpenbNodes
  /// The pods, in the order of arrival.
  public let pods: [OpenbPod]

  /// How places are chosen.
  let placement: PlacementRule

  /// Where the mix of work that is to be expected is known from.
  public enum Mix: Sendable {
    /// It is counted from the pods that are replayed.
    case replayed
    /// It is counted from these pods.
    case counted([OpenbPod])
    /// It is learned as pods come in; for `offerValue` alone.
    case learned
  }

  /// Makes a replay.
  /// - Parameters:
  ///   - score: what makes one place better than another.
  ///   - mix: where the work that is to be expected is known from; `bestFit` needs none.
  public init(
    nodes: OpenbNodes, pods: [OpenbPod], score: PlacementRule.Score = .bestFit,
    mix: Mix = .replayed
  ) {
    self.nodes = nodes
    self.pods = pods
    let counted: [OpenbPod] =
      switch mix {
      case .replayed: pods
      case .counted(let others): others
      case .learned: []
      }
    placement =
      score == .bestFit
      ? PlacementRule()
      : PlacementRule(
        score: score, mix: OpenbMix(counted, models: nodes.models, for: score).kinds)
  }

  /// Runs the replay.
  /// - Parameter progress: called before each pod with its number.
  public func run(progress: (Int) -> Void = { _ in }) -> Outcome {
    var pool = emptyPool()
    let lanes = lanes(of: pool)
    var log = EventLog()
    var outcome = Outcome(placed: [])
    outcome.placed.reserveCapacity(pods.count)
    for (number, pod) in pods.enumerated() {
      progress(number)
      // A millisecond apart: no lease comes near its end, and no timer near its moment.
      let moment = Instant(ns: Int64(number) * 1_000_000)
      let spec = claim(number, pod, lanes: lanes)
      let decision = pool.apply(.submit(spec), at: moment, into: &log).0
      outcome.askedMilli += pod.allMilli
      guard decision.verdict == .admitted else {
        // It was taken in, so that a learned mix has it, and it does not wait.
        if let claim = decision.claim {
          _ = pool.apply(.cancel(claim), at: moment, into: &log)
        }
        precondition(pool.waitingClaims == 0, "a pod is granted or refused, and never waits")
        outcome.placed.append(nil)
        if pod.gpus > 0 { outcome.refusedGPUPods += 1 }
        continue
      }
      outcome.placedMilli += pod.allMilli
      outcome.placed.append(Self.placed(pool, log))
    }
    return outcome
  }

  /// Where the grant of a command put its claim.
  static func placed(_ pool: Pool, _ log: EventLog) -> Placed {
    var place: Placed?
    for event in log.events {
      guard case .leaseGranted(_, let grants) = event else { continue }
      for grant in log.grants[grants.indices] {
        for use in log.uses[grant.uses.indices] {
          guard let device = pool.device(use.device) else { continue }
          let (node, gpu) = Self.place(of: device.report.key)
          place = place ?? Placed(node: node, gpus: [])
          if let gpu { place?.gpus.append(gpu) }
        }
      }
    }
    guard var place else { preconditionFailure("an admitted claim has devices") }
    place.gpus.sort()
    return place
  }
}

extension OpenbReplay {
  /// The outcome as text: `seq,node,gpus`, a line for each pod in the order of arrival, the GPUs of
  /// its node joined by `-`, both empty where it was refused.
  public func table(_ outcome: Outcome) -> String {
    var text = "seq,node,gpus\n"
    for (number, place) in outcome.placed.enumerated() {
      let node = place.map { nodes.nodes[$0.node].name } ?? ""
      let gpus = place?.gpus.map(String.init).joined(separator: "-") ?? ""
      text += "\(number),\(node),\(gpus)\n"
    }
    return text
  }
}
