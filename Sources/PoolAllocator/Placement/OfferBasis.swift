/// What the values of free GPUs rest on: the mix of work and what was free.
///
/// State: it is begun when a claim comes in and tables are due; what the nodes could still hold of
/// each kind is counted with that claim and the next ones. Everything in `OfferTables` follows from
/// it.
struct OfferBasis: Hashable, Sendable {
  /// Node of one size.
  struct NodeShape: BitwiseCopyable, Hashable, Sendable {
    /// Processor time of the empty node. Unit: thousandths of a core.
    var cpu: Int32
    /// Its GPUs in one lane.
    var gpus: Int32
    /// Gangs for all of it that the free nodes could still hold. Unit: claims.
    var supply: Int64 = 0

    /// Whether it stands before another size.
    func precedes(_ other: NodeShape) -> Bool { (cpu, gpus) < (other.cpu, other.gpus) }

    /// The gang of work that needs such a node: all GPUs, and nearly all processor time.
    func gang(pools: UInt64) -> MixKind {
      MixKind(
        popularity: 1, devices: UInt8(gpus), share: .whole,
        cpu: MilliCPU(cpu - cpu / OfferRule.priorHostPart), pools: pools)
    }
  }

  /// Kinds of work with their counts, in the order of `MixKind.precedes`.
  var kinds: [MixKind] = []
  /// Claims of each kind that the free parts of nodes could still hold, each kind alone.
  var supply: [Int64] = []
  /// Claims that the mix stands for.
  var seen: Int64 = 0
  /// Free thousandths of GPUs by pool.
  var free: [Int64] = []
  /// Pools of GPUs: bit n stands for `CompiledPolicy.pools[n]`.
  var pools: UInt64 = 0
  /// Thousandths of all GPUs, used or not.
  var gpuMilli: Int64 = 0
  /// Thousandths of all cores, used or not.
  var cpuMilli: Int64 = 0
  /// Cores of the largest node.
  var coresMax = 0
  /// Sizes of nodes with 8 GPUs or more.
  var shapes: [NodeShape] = []
  /// Whether what could still be held was counted, of each kind and then of all sizes of nodes.
  var isComplete: Bool { supply.count == kinds.count }

  /// Free thousandths of all GPUs.
  var freeMilli: Int64 { free.reduce(0, +) }

  func feed(_ digest: inout DigestBuilder) {
    digest.combine(kinds.count)
    for kind in kinds { digest.combine(kind) }
    digest.combine(supply.count)
    for supply in supply { digest.combine(supply) }
    digest.combine(seen)
    for milli in free { digest.combine(milli) }
    digest.combine(word: pools)
    digest.combine(gpuMilli)
    digest.combine(cpuMilli)
    digest.combine(coresMax)
    for shape in shapes {
      digest.combine(shape.cpu)
      digest.combine(shape.gpus)
      digest.combine(shape.supply)
    }
  }

  mutating func pass(through coder: inout some ImageCoder) {
    coder.pass(&kinds)
    coder.pass(&supply)
    coder.pass(&seen)
    coder.pass(&free)
    coder.pass(&pools)
    coder.pass(&gpuMilli)
    coder.pass(&cpuMilli)
    coder.pass(&coresMax)
    coder.pass(&shapes)
  }
}

extension DigestBuilder {
  mutating func combine(_ kind: MixKind) {
    combine(kind.popularity)
    combine(kind.devices)
    combine(kind.share.value)
    combine(kind.cpu.value)
    combine(word: kind.pools)
  }
}

extension MixKind {
  /// Whole cores that a claim needs; one that is begun counts.
  var cores: Int { (Int(cpu.value) + 999) / 1_000 }
  /// Whether it uses a part of one GPU.
  var isShare: Bool { devices == 1 && share < .whole }
  /// Whether it may use GPUs of a pool.
  func accepts(_ pool: Int) -> Bool { pools & (1 << UInt64(pool)) != 0 }

  /// Claims of whole GPUs that a node with so many free GPUs and cores could hold.
  func gangs(whole: Int, cores: Int) -> Int64 {
    let byHost = self.cores == 0 ? OfferRule.endless : Int64(cores / self.cores)
    return min(byHost, Int64(whole / Int(devices)))
  }

  /// Whether it stands before another kind; how often they come does not count.
  func precedes(_ other: MixKind) -> Bool {
    (cpu.value, devices, share.value, pools)
      < (other.cpu.value, other.devices, other.share.value, other.pools)
  }
}
