/// What free room on a node is worth to the work that is still to come: the score "offer value".
///
/// A node gets offers of work one after the other, drawn from the mix, and takes each or leaves it.
/// What it expects to hold after some hundred offers is the value of what is free on it; a claim
/// goes where it takes least of that. Processor time has a price: the value is the least over some
/// prices of the processor time at that price, and of the GPUs for work that pays it. To that comes
/// what is scarce: room for kinds of which the pool can hold few more.
///
/// A pure function of an `OfferBasis`, in integers. docs/placement.md has the derivation.
struct OfferTables: Equatable, Sendable {
  /// Most free GPUs of a node in one lane that are told apart. Unit: GPUs.
  static let shelfMax = Limits.devicesPerMember

  /// Values of the free GPUs of one node, by price, but for the processor time.
  struct Levels: BitwiseCopyable {
    var byPrice = InlineArray<17, Int64>(repeating: 0)
    var scarce: Int64 = 0
  }

  /// By list: a row of prices for each number of free hundredths of a partly used GPU, 0 … 100,
  /// then one for each number of whole free GPUs. The first row of each list is zero.
  private var rows: [Int64] = []
  /// The list of work that each pool sees.
  private var lists: [Int] = []
  /// What is scarce of GPUs, by pool and free hundredths.
  private(set) var scarceGPUs: [Int64] = []
  /// What is scarce of nodes for gangs, by pool, whole free GPUs from `gangFrom` on, and cores.
  private(set) var scarceNodes: [Int64] = []
  /// What is scarce of processor time, by cores.
  private(set) var scarceHosts: [Int64] = []

  /// Without any work everything is worth nothing.
  init() {}

  /// Makes the tables of a basis at once.
  init(_ basis: OfferBasis) {
    var work = OfferWork(basis)
    work.work(.max)
    self = work.tables
  }

  /// Makes tables in which everything is worth nothing yet.
  /// - Parameter lists: the list of each pool, below `count`.
  init(lists: [Int], count: Int, cores: Int) {
    self.lists = lists
    rows = Array(repeating: 0, count: count * Self.listRows * OfferRule.prices)
    scarceGPUs = Array(repeating: 0, count: lists.count * 101)
    scarceNodes = Array(repeating: 0, count: lists.count * Self.gangRows * cores)
    scarceHosts = Array(repeating: 0, count: cores)
  }

  // MARK: asking

  /// Whether there is nothing to compare.
  var isEmpty: Bool { lists.isEmpty }

  /// Adds a partly used GPU.
  func add(milli: Int32, of pool: Int, to levels: inout Levels) {
    guard !isEmpty else { return }
    let row = rest(milli, pool)
    for price in levels.byPrice.indices { levels.byPrice[price] += rows[row + price] }
    levels.scarce += scarcity(milli, pool)
  }

  /// Adds the whole free GPUs that a node has in one lane.
  func add(whole: Int, of pool: Int, to levels: inout Levels) {
    guard !isEmpty else { return }
    let row = shelf(whole, pool)
    for price in levels.byPrice.indices { levels.byPrice[price] += rows[row + price] }
    levels.scarce += Int64(whole) * scarcity(1_000, pool)
  }

  /// Where the prices of a partly used GPU stand.
  func rest(_ milli: Int32, _ pool: Int) -> Int {
    (lists[pool] * Self.listRows + Int(milli) / 10) * OfferRule.prices
  }

  /// Where the prices of whole free GPUs of one lane stand.
  func shelf(_ whole: Int, _ pool: Int) -> Int {
    (lists[pool] * Self.listRows + 101 + min(whole, Self.shelfMax)) * OfferRule.prices
  }

  /// What is scarce of one GPU.
  func scarcity(_ milli: Int32, _ pool: Int) -> Int64 { scarceGPUs[pool * 101 + Int(milli) / 10] }

  /// What whole free GPUs of one lane are worth beside that to gangs.
  func gangs(whole: Int, of pool: Int, cpu: Int32) -> Int64 {
    guard whole >= OfferRule.gangFrom, !isEmpty else { return 0 }
    let row = pool * Self.gangRows + min(whole, Self.shelfMax) - OfferRule.gangFrom
    return scarceNodes[row * scarceHosts.count + min(Int(cpu) / 1_000, scarceHosts.count - 1)]
  }

  /// What all of a node is worth, but for gangs, with so much free processor time.
  func value(_ levels: Levels, cpu: Int32) -> Int64 {
    guard !isEmpty else { return 0 }
    return least(levels, Change(), cpu: cpu) + levels.scarce + scarcity(cpu: cpu)
  }

  /// What a place changes of a node's free GPUs: the rows of what goes and of what comes.
  struct Change: BitwiseCopyable {
    var gone = 0
    var come = 0
    /// A share of a whole GPU leaves a part of it.
    var part = 0
    var scarce: Int64 = 0
  }

  /// The same after a change.
  func value(_ levels: Levels, _ change: Change, cpu: Int32) -> Int64 {
    least(levels, change, cpu: cpu) + levels.scarce + change.scarce + scarcity(cpu: cpu)
  }

  private func scarcity(cpu: Int32) -> Int64 {
    scarceHosts[min(Int(cpu) / 1_000, scarceHosts.count - 1)]
  }

  private func least(_ levels: Levels, _ change: Change, cpu: Int32) -> Int64 {
    let prices = OfferRule.prices
    let gone = rows.span.extracting(change.gone..<change.gone + prices)
    let come = rows.span.extracting(change.come..<change.come + prices)
    let part = rows.span.extracting(change.part..<change.part + prices)
    var least = Int64.max
    for price in 0..<prices {
      let gpus = levels.byPrice[price] - gone[price] + come[price] + part[price]
      least = min(least, gpus + Self.worth(of: cpu, price))
    }
    return least
  }

  /// Points of a place: its worth to the claim less what the others lose by it, in coarse steps,
  /// rounded down.
  static func points(milli: Int64, loss: Int64) -> Int64 {
    let gain = (milli << OfferRule.valueBits) - loss
    let steps = gain / OfferRule.coarse
    return steps * OfferRule.coarse > gain ? steps - 1 : steps
  }

  /// What processor time is worth at a price.
  static func worth(of cpu: Int32, _ price: Int) -> Int64 {
    (OfferRule.priceStep * Int64(price) * Int64(cpu)) >> (16 - OfferRule.valueBits)
  }

  // MARK: filling

  private static let gangRows = shelfMax + 1 - OfferRule.gangFrom
  private static let listRows = 101 + shelfMax + 1

  /// Sets what free GPUs expect to hold at one price: partly used ones by free hundredths, whole
  /// ones by number.
  mutating func set(_ free: [Int64], _ idle: [Int64], list: Int, price: Int) {
    let first = list * Self.listRows
    for (row, worth) in (free + idle).enumerated() {
      rows[(first + row) * OfferRule.prices + price] = worth
    }
  }

  /// Adds what room for one claim of a kind is worth beside the offers.
  /// - Returns: the entries that were written.
  mutating func add(_ worth: Int64, of kind: MixKind) -> Int {
    guard worth > 0 else { return 1 }
    let (need, cores) = (kind.cores, scarceHosts.count)
    guard kind.devices > 0 else {
      for core in min(need, cores)..<cores { scarceHosts[core] += worth * Int64(core / need) }
      return cores
    }
    var count = 1
    for pool in lists.indices where kind.accepts(pool) {
      if kind.isShare {
        for rest in 1...100 {
          scarceGPUs[pool * 101 + rest] += worth * Int64(10 * rest / Int(kind.share.value))
        }
        count += 100
        continue
      }
      var whole = Int(kind.devices)
      while whole <= Self.shelfMax {
        let row = (pool * Self.gangRows + whole - OfferRule.gangFrom) * cores
        for core in min(need, cores)..<cores {
          scarceNodes[row + core] += worth * kind.gangs(whole: whole, cores: core)
        }
        count += cores
        whole += 1
      }
    }
    return count
  }

  /// Adds the price of pools that some work insists on.
  mutating func addPoolPrices(_ terms: OfferTerms) {
    let demands = terms.demandsByPools()
    for pool in lists.indices {
      var price: Int64 = 0
      for demand in demands where demand.pools & (1 << UInt64(pool)) != 0 { price += demand.price }
      price = min(price, OfferRule.poolPriceMax)
      for rest in 1...100 {
        let value = Int64(10 * rest) << OfferRule.valueBits
        scarceGPUs[pool * 101 + rest] += (value * price) >> 16
      }
    }
  }
}
