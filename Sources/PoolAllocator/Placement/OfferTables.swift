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

  /// By list, free hundredths of a partly used GPU and price.
  private var rests: [Int64] = []
  /// By list, whole free GPUs and price.
  private var shelves: [Int64] = []
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

  init(_ basis: OfferBasis) {
    let terms = OfferTerms(basis)
    guard terms.gpuDemand > 0, basis.gpuMilli > 0, basis.cpuMilli > 0 else { return }
    let pools = basis.free.count
    let cores = basis.coresMax + 1
    scarceGPUs = Array(repeating: 0, count: pools * 101)
    scarceNodes = Array(repeating: 0, count: pools * Self.gangRows * cores)
    scarceHosts = Array(repeating: 0, count: cores)
    var seen: [[OfferTerms.Part]] = []
    for pool in 0..<pools {
      let parts = terms.parts(of: pool)
      if let list = seen.firstIndex(of: parts) {
        lists.append(list)
        continue
      }
      lists.append(seen.count)
      seen.append(parts)
      appendList(parts, terms)
    }
    addScarcity(terms)
    addPoolPrices(terms)
  }

  // MARK: asking

  /// Whether there is nothing to compare.
  var isEmpty: Bool { lists.isEmpty }

  /// Adds a partly used GPU, so many times: −1 takes it away.
  func add(milli: Int32, of pool: Int, times: Int64, to levels: inout Levels) {
    guard !isEmpty else { return }
    let rest = Int(milli) / 10
    let row = (lists[pool] * 101 + rest) * OfferRule.prices
    for price in levels.byPrice.indices { levels.byPrice[price] += times * rests[row + price] }
    levels.scarce += times * scarceGPUs[pool * 101 + rest]
  }

  /// Adds the whole free GPUs that a node has in one lane.
  func add(whole: Int, of pool: Int, times: Int64, to levels: inout Levels) {
    guard !isEmpty else { return }
    let row = (lists[pool] * (Self.shelfMax + 1) + min(whole, Self.shelfMax)) * OfferRule.prices
    for price in levels.byPrice.indices { levels.byPrice[price] += times * shelves[row + price] }
    levels.scarce += times * Int64(whole) * scarceGPUs[pool * 101 + 100]
  }

  /// What whole free GPUs of one lane are worth beside that to gangs.
  func gangs(whole: Int, of pool: Int, cpu: Int32) -> Int64 {
    guard whole >= OfferRule.gangFrom, !isEmpty else { return 0 }
    let row = pool * Self.gangRows + min(whole, Self.shelfMax) - OfferRule.gangFrom
    return scarceNodes[row * scarceHosts.count + min(Int(cpu) / 1_000, scarceHosts.count - 1)]
  }

  /// What all of a node is worth, but for gangs, with so much free processor time.
  func value(_ levels: Levels, cpu: Int32) -> Int64 {
    guard !isEmpty else { return 0 }
    var least = Int64.max
    for price in levels.byPrice.indices {
      least = min(least, levels.byPrice[price] + Self.worth(of: cpu, price))
    }
    return least + levels.scarce + scarceHosts[min(Int(cpu) / 1_000, scarceHosts.count - 1)]
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

  // MARK: offers

  private static let gangRows = shelfMax + 1 - OfferRule.gangFrom

  /// Appends the list of some parts: what free GPUs expect to hold at each price.
  private mutating func appendList(_ parts: [OfferTerms.Part], _ terms: OfferTerms) {
    let (rest, shelf) = (rests.count, shelves.count)
    rests += Array(repeating: 0, count: 101 * OfferRule.prices)
    shelves += Array(repeating: 0, count: (Self.shelfMax + 1) * OfferRule.prices)
    for price in 0..<OfferRule.prices {
      let offers = terms.offers(parts, price: price)
      var free = InlineArray<101, Int64>(repeating: 0)
      var idle = InlineArray<17, Int64>(repeating: 0)
      for _ in 0..<terms.steps {
        for offer in offers { Self.take(offer, &free, &idle) }
      }
      for row in free.indices { rests[rest + row * OfferRule.prices + price] = free[row] }
      for row in idle.indices { shelves[shelf + row * OfferRule.prices + price] = idle[row] }
    }
  }

  /// One step of offers of one kind: each state moves towards what it would be if it took one.
  private static func take(
    _ offer: OfferTerms.Offer, _ free: inout InlineArray<101, Int64>,
    _ idle: inout InlineArray<17, Int64>
  ) {
    guard offer.hundredths < 100 else {
      var count = shelfMax
      while count >= offer.devices {
        let gain = offer.reward + idle[count - offer.devices] - idle[count]
        if gain > 0 { idle[count] += (offer.weight * gain) >> 16 }
        count -= 1
      }
      return
    }
    let opened = offer.reward + free[100 - offer.hundredths]
    var count = shelfMax
    while count >= 1 {
      let gain = opened + idle[count - 1] - idle[count]
      if gain > 0 { idle[count] += (offer.weight * gain) >> 16 }
      count -= 1
    }
    var rest = 99
    while rest >= offer.hundredths {
      let gain = offer.reward + free[rest - offer.hundredths] - free[rest]
      if gain > 0 { free[rest] += (offer.weight * gain) >> 16 }
      rest -= 1
    }
  }

  // MARK: scarcity

  private mutating func addScarcity(_ terms: OfferTerms) {
    let basis = terms.basis
    for (kind, supply) in zip(basis.kinds, basis.supply) {
      add(terms.scarcity(of: kind, arrivals: terms.arrivals(of: kind), supply: supply), of: kind)
    }
    // So that the first gang for a whole node does not find all of them in use.
    for shape in basis.shapes {
      let gang = shape.gang(pools: basis.pools)
      let worth = terms.scarcity(of: gang, arrivals: terms.priorArrivals, supply: shape.supply)
      add(worth, of: gang)
    }
  }

  /// Adds what room for one claim of a kind is worth beside the offers.
  private mutating func add(_ worth: Int64, of kind: MixKind) {
    guard worth > 0 else { return }
    let (need, cores) = (kind.cores, scarceHosts.count)
    guard kind.devices > 0 else {
      for core in min(need, cores)..<cores { scarceHosts[core] += worth * Int64(core / need) }
      return
    }
    for pool in lists.indices where kind.accepts(pool) {
      if kind.isShare {
        for rest in 1...100 {
          scarceGPUs[pool * 101 + rest] += worth * Int64(10 * rest / Int(kind.share.value))
        }
        continue
      }
      var whole = Int(kind.devices)
      while whole <= Self.shelfMax {
        let row = (pool * Self.gangRows + whole - OfferRule.gangFrom) * cores
        for core in min(need, cores)..<cores {
          scarceNodes[row + core] += worth * kind.gangs(whole: whole, cores: core)
        }
        whole += 1
      }
    }
  }

  /// Adds the price of pools that some work insists on.
  private mutating func addPoolPrices(_ terms: OfferTerms) {
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
