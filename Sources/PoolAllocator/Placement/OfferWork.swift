/// Tables of offers as they are worked out, a bounded part at a time, so that no decision waits for
/// all of them.
struct OfferWork: Equatable, Sendable {
  /// What comes next.
  private enum Stage: Equatable {
    /// A step of offers to the free GPUs of one list at one price.
    case offers(list: Int, price: Int, step: Int64)
    /// What is scarce for one kind of work, those of the basis first, then the gang of each size of
    /// node.
    case scarcity(Int)
    case done
  }

  private let terms: OfferTerms
  private(set) var tables = OfferTables()
  private var stage = Stage.done
  /// The work that each list is for.
  private var seen: [[OfferTerms.Part]] = []
  /// What is offered at the price of the stage, and what GPUs expect to hold so far.
  private var offers: [OfferTerms.Offer] = []
  private var free: [Int64] = []
  private var idle: [Int64] = []

  /// Whether the tables are complete.
  var isDone: Bool { stage == .done }

  init(_ basis: OfferBasis) {
    terms = OfferTerms(basis)
    guard terms.gpuDemand > 0, basis.gpuMilli > 0, basis.cpuMilli > 0 else { return }
    var lists: [Int] = []
    for pool in basis.free.indices {
      let parts = terms.parts(of: pool)
      let list = seen.firstIndex(of: parts) ?? seen.count
      if list == seen.count { seen.append(parts) }
      lists.append(list)
    }
    tables = OfferTables(lists: lists, count: seen.count, cores: basis.coresMax + 1)
    stage = seen.isEmpty ? .done : .offers(list: 0, price: 0, step: 0)
  }

  /// Works on, up to some amount.
  /// - Parameter budget: entries of tables that are written, about; one part is done at least.
  mutating func work(_ budget: Int) {
    var left = budget
    while left > 0, stage != .done { left -= part() }
  }

  /// Does the next part. - Returns: its cost.
  private mutating func part() -> Int {
    switch stage {
    case .done: return 1
    case .offers(let list, let price, let step):
      if step == 0 {
        offers = terms.offers(seen[list], price: price)
        free = Array(repeating: 0, count: 101)
        idle = Array(repeating: 0, count: OfferTables.shelfMax + 1)
      }
      for offer in offers { take(offer) }
      guard step + 1 >= terms.steps else {
        stage = .offers(list: list, price: price, step: step + 1)
        return 1 + offers.count * (free.count + idle.count)
      }
      tables.set(free, idle, list: list, price: price)
      stage =
        price + 1 < OfferRule.prices
        ? .offers(list: list, price: price + 1, step: 0)
        : list + 1 < seen.count ? .offers(list: list + 1, price: 0, step: 0) : .scarcity(0)
      return 1 + offers.count * (free.count + idle.count)
    case .scarcity(let row):
      let basis = terms.basis
      stage = .scarcity(row + 1)
      if row < basis.kinds.count {
        let kind = basis.kinds[row]
        let worth = terms.scarcity(
          of: kind, arrivals: terms.arrivals(of: kind), supply: basis.supply[row])
        return tables.add(worth, of: kind)
      }
      // So that the first gang for a whole node does not find all of them in use.
      if row - basis.kinds.count < basis.shapes.count {
        let shape = basis.shapes[row - basis.kinds.count]
        let gang = shape.gang(pools: basis.pools)
        let worth = terms.scarcity(of: gang, arrivals: terms.priorArrivals, supply: shape.supply)
        return tables.add(worth, of: gang)
      }
      tables.addPoolPrices(terms)
      stage = .done
      return 1
    }
  }

  /// One step of offers of one kind: each state moves towards what it would be if it took one.
  private mutating func take(_ offer: OfferTerms.Offer) {
    guard offer.hundredths < 100 else {
      var count = idle.count - 1
      while count >= offer.devices {
        let gain = offer.reward + idle[count - offer.devices] - idle[count]
        if gain > 0 { idle[count] += (offer.weight * gain) >> 16 }
        count -= 1
      }
      return
    }
    let opened = offer.reward + free[100 - offer.hundredths]
    var count = idle.count - 1
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
}
