/// What the values of free GPUs rest on: the mix of work and what was free, both of one moment.
///
/// State: it is written when a claim comes in and tables are due, and everything in `OfferTables`
/// follows from it.
struct OfferBasis: Hashable, Sendable {
  /// Node of one size.
  struct NodeShape: BitwiseCopyable, Hashable, Sendable {
    /// Processor time of the empty node. Unit: thousandths of a core.
    var cpu: Int32
    /// Its GPUs in one lane.
    var gpus: Int32
    /// Gangs for all of it that the free nodes could still hold. Unit: claims.
    var supply: Int64 = 0

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

  /// Free thousandths of all GPUs.
  var freeMilli: Int64 { free.reduce(0, +) }

  func feed(_ digest: inout DigestBuilder) {
    for (kind, supply) in zip(kinds, supply) {
      digest.combine(kind)
      digest.combine(supply)
    }
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

/// What of the nodes is free, counted so that the supply of any kind is quick to tell.
struct OfferSupply {
  private let pools: Int
  /// Cores of the largest node.
  let coresMax: Int
  /// Rows of `hosts` and columns of `shelves`.
  private let cores: Int
  /// Nodes by free cores.
  private var hosts: [Int64]
  /// Lanes of nodes by pool, whole free GPUs and free cores.
  private var shelves: [Int64]
  /// GPUs by pool and free hundredths.
  private var rests: [Int64]
  /// Free thousandths of GPUs by pool.
  private(set) var free: [Int64]

  init(pools: Int, coresMax: Int) {
    self.pools = pools
    self.coresMax = coresMax
    cores = coresMax + 1
    hosts = Array(repeating: 0, count: cores)
    shelves = Array(repeating: 0, count: pools * (OfferTables.shelfMax + 1) * cores)
    rests = Array(repeating: 0, count: pools * 101)
    free = Array(repeating: 0, count: pools)
  }

  /// Counts the host of a node.
  mutating func add(cpu: Int32) { hosts[min(Int(cpu) / 1_000, coresMax)] += 1 }

  /// Counts one GPU.
  mutating func add(milli: Int32, pool: Int) {
    rests[pool * 101 + Int(milli) / 10] += 1
    free[pool] += Int64(milli)
  }

  /// Counts the whole free GPUs that a node has in one lane.
  mutating func add(whole: Int, cpu: Int32, pool: Int) {
    let row = pool * (OfferTables.shelfMax + 1) + min(whole, OfferTables.shelfMax)
    shelves[row * cores + min(Int(cpu) / 1_000, coresMax)] += 1
  }

  /// How many claims of a kind still fit, GPUs and processor time counted apart for shares.
  func supply(of kind: MixKind) -> Int64 {
    let need = kind.cores
    var supply: Int64 = 0
    guard kind.devices > 0 else {
      guard need <= coresMax else { return 0 }
      for core in need...coresMax { supply += Int64(core / need) * hosts[core] }
      return supply
    }
    for pool in 0..<pools where kind.accepts(pool) {
      if kind.isShare {
        for rest in 1...100 {
          supply += Int64(10 * rest / Int(kind.share.value)) * rests[pool * 101 + rest]
        }
        continue
      }
      let devices = Int(kind.devices)
      guard devices <= OfferTables.shelfMax, need <= coresMax else { continue }
      for whole in devices...OfferTables.shelfMax {
        let row = (pool * (OfferTables.shelfMax + 1) + whole) * cores
        for core in need...coresMax where shelves[row + core] > 0 {
          supply += kind.gangs(whole: whole, cores: core) * shelves[row + core]
        }
      }
    }
    return supply
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
