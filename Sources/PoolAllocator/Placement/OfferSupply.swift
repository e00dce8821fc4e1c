/// Derived, not in the digest: what of the nodes is free, counted as nodes change, so that the
/// supply of any kind of work is quick to tell whatever the number of nodes.
///
/// All nodes count, also those that are silent: they come back.
struct OfferSupply: Sendable {
  /// What one node counts for.
  struct Share: Equatable, Sendable {
    /// Free whole cores.
    var cores = 0
    /// Processor time of the empty node.
    var cpu: Int32 = 0
    /// GPUs by pool and free thousandths.
    var gpus: [GPU] = []
    /// GPUs by lane.
    var groups: [Group] = []

    struct GPU: Equatable, BitwiseCopyable {
      var pool: Int
      var milli: Int32
    }
    struct Group: Equatable, BitwiseCopyable {
      var pool: Int
      var gpus: Int32
      var whole: Int
    }
  }

  /// Rows of cores that are told apart; a node has no more.
  private static let cores = Int(Limits.deviceMilli) / 1_000 + 1

  /// Whether anything is counted.
  private(set) var isKept = false
  private var pools = 0
  /// Nodes by free cores.
  private var hosts: [Int64] = []
  /// Lanes of nodes by pool, whole free GPUs and free cores.
  private var shelves: [Int64] = []
  /// GPUs by pool and free hundredths.
  private var rests: [Int64] = []
  /// Nodes by cores, used or not.
  private var sizes: [Int64] = []
  /// Sizes of nodes with 8 GPUs or more in one lane, in order, with their nodes.
  private var shapes: [(shape: OfferBasis.NodeShape, count: Int)] = []
  /// Free thousandths of GPUs by pool.
  private(set) var free: [Int64] = []
  /// Thousandths of all GPUs, used or not.
  private(set) var gpuMilli: Int64 = 0
  /// Thousandths of all cores, used or not.
  private(set) var cpuMilli: Int64 = 0
  /// Cores of the largest node.
  private(set) var coresMax = 0

  /// What each node was counted for, by row.
  private var shares: [Share?] = []
  /// Nodes that changed since they were counted, each once.
  private var changed: [UInt32] = []
  private var isChanged: [Bool] = []

  init() {}

  /// Makes one that counts, before the first node.
  init(pools: Int) {
    isKept = true
    self.pools = pools
    hosts = Array(repeating: 0, count: Self.cores)
    sizes = hosts
    shelves = Array(repeating: 0, count: pools * (OfferTables.shelfMax + 1) * Self.cores)
    rests = Array(repeating: 0, count: pools * 101)
    free = Array(repeating: 0, count: pools)
  }

  // MARK: keeping it true

  /// Notes that something changed on a node.
  mutating func note(_ node: UInt32) {
    guard isKept else { return }
    while shares.count <= Int(node) {
      shares.append(nil)
      isChanged.append(false)
    }
    guard !isChanged[Int(node)] else { return }
    isChanged[Int(node)] = true
    changed.append(node)
  }

  /// Takes out a node that has to be counted anew.
  mutating func nextChanged() -> UInt32? {
    guard let node = changed.popLast() else { return nil }
    isChanged[Int(node)] = false
    return node
  }

  /// Counts a node for what it has now; nil where there is no such node any more.
  mutating func count(_ node: UInt32, as share: Share?) {
    guard shares[Int(node)] != share else { return }
    if let old = shares[Int(node)] { add(old, -1) }
    if let share { add(share, 1) }
    shares[Int(node)] = share
  }

  private mutating func add(_ share: Share, _ times: Int64) {
    hosts[share.cores] += times
    let size = Int(share.cpu) / 1_000
    sizes[size] += times
    cpuMilli += times * Int64(share.cpu)
    coresMax = max(coresMax, size)
    while coresMax > 0, sizes[coresMax] == 0 { coresMax -= 1 }
    gpuMilli += times * Int64(share.gpus.count) * 1_000
    for gpu in share.gpus {
      rests[gpu.pool * 101 + Int(gpu.milli) / 10] += times
      free[gpu.pool] += times * Int64(gpu.milli)
    }
    for group in share.groups {
      let row = group.pool * (OfferTables.shelfMax + 1) + min(group.whole, OfferTables.shelfMax)
      shelves[row * Self.cores + share.cores] += times
      if OfferRule.gangFrom...OfferTables.shelfMax ~= Int(group.gpus) {
        count(OfferBasis.NodeShape(cpu: share.cpu, gpus: group.gpus), Int(times))
      }
    }
  }

  private mutating func count(_ shape: OfferBasis.NodeShape, _ times: Int) {
    let row = shapes.firstIndex { !$0.shape.precedes(shape) } ?? shapes.count
    if row < shapes.count, shapes[row].shape == shape {
      shapes[row].count += times
      if shapes[row].count == 0 { shapes.remove(at: row) }
    } else {
      shapes.insert((shape, times), at: row)
    }
  }

  // MARK: asking

  /// Sizes of nodes that gangs may want whole, the smallest first, as many as are looked at.
  var nodeShapes: [OfferBasis.NodeShape] { shapes.prefix(Limits.nodeShapes).map(\.shape) }

  /// How many claims of a kind still fit, GPUs and processor time counted apart for shares.
  /// - Complexity: O(pools × GPUs of a node × cores of the largest node).
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
        let row = (pool * (OfferTables.shelfMax + 1) + whole) * Self.cores
        for core in need...coresMax where shelves[row + core] > 0 {
          supply += kind.gangs(whole: whole, cores: core) * shelves[row + core]
        }
      }
    }
    return supply
  }

  /// Whether another one would answer the same.
  func agrees(with other: OfferSupply) -> Bool {
    hosts == other.hosts && shelves == other.shelves && rests == other.rests && free == other.free
      && gpuMilli == other.gpuMilli && cpuMilli == other.cpuMilli && coresMax == other.coresMax
      && nodeShapes == other.nodeShapes
  }
}
