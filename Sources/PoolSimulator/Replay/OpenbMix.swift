import PoolAllocator

/// The mix of work that a list of pods shows: its most frequent kinds.
struct OpenbMix {
  /// Part of the pods that the kinds cover: for fragmentation 95, as the authors of the trace count
  /// them; for offers all, for rare kinds are what room is kept for. Unit: percent.
  static func coveredPercent(for score: PlacementRule.Score) -> Int {
    score == .fragmentation ? 95 : 100
  }

  private struct Kind: Hashable, Comparable {
    var cpu: Int32
    var milli: Int32
    var gpus: Int
    var models: String

    static func < (left: Kind, right: Kind) -> Bool {
      (left.cpu, left.milli, left.gpus, left.models)
        < (right.cpu, right.milli, right.gpus, right.models)
    }
  }

  /// The kinds, most frequent first.
  let kinds: [MixKind]

  /// Counts the kinds of some pods.
  /// - Parameter models: the models of GPUs; the pool of each has its number.
  init(_ pods: [OpenbPod], models: [String], for score: PlacementRule.Score) {
    let percent = Self.coveredPercent(for: score)
    var counts: [Kind: Int] = [:]
    for pod in pods {
      let kind = Kind(
        cpu: pod.cpuMilli, milli: pod.gpuMilli, gpus: pod.gpus,
        models: pod.models.joined(separator: "|"))
      counts[kind, default: 0] += 1
    }
    let ranked = counts.sorted { ($0.value, $0.key) > ($1.value, $1.key) }
    var covered = 0
    var kinds: [MixKind] = []
    for (kind, count) in ranked {
      guard covered * 100 < percent * pods.count, kinds.count < Limits.mixKinds else {
        break
      }
      covered += count
      let accepted = kind.models.split(separator: "|").map(String.init)
      var pools: UInt64 = 0
      for (number, model) in models.enumerated()
      where kind.gpus > 0 && (accepted.isEmpty || accepted.contains(model)) {
        pools |= 1 << UInt64(number)
      }
      kinds.append(
        MixKind(
          popularity: UInt32(count), devices: UInt8(kind.gpus), share: MilliGPU(kind.milli),
          cpu: MilliCPU(kind.cpu), pools: pools))
    }
    self.kinds = kinds
  }
}
