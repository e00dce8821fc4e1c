/// What the values of free GPUs are worked out from: a basis, and the sums over it.
struct OfferTerms: Equatable, Sendable {
  /// A kind of work as the GPUs of one pool see it.
  struct Part: Hashable {
    var cpu: Int32
    var devices: Int
    var share: Int32
    /// How often it comes, scaled by how few GPUs have room for it. Unit: 256ths of a claim.
    var rate: Int64
  }

  /// Work that is offered to free GPUs, at one price of processor time.
  struct Offer: BitwiseCopyable, Equatable {
    var devices: Int
    /// Share of one GPU in hundredths, rounded up; 100 for whole ones.
    var hundredths: Int
    /// What it earns. Unit: values.
    var reward: Int64
    /// How likely it is among the offers of one step. Unit: 65,536ths.
    var weight: Int64
  }

  let basis: OfferBasis
  /// Claims of all kinds.
  private let claims: Int64
  /// Claims for shares, and for processor time alone.
  private let shareClaims: Int64
  private let hostClaims: Int64
  /// Thousandths of GPUs that all claims ask for.
  let gpuDemand: Int64
  /// How short processors are beside GPUs: 0 not at all … 65,536.
  let shortage: Int64
  private let freeMilli: Int64

  init(_ basis: OfferBasis) {
    self.basis = basis
    freeMilli = basis.freeMilli
    var (claims, shares, hosts) = (Int64(0), Int64(0), Int64(0))
    var (gpu, cpu) = (Int64(0), Int64(0))
    for kind in basis.kinds {
      let count = Int64(kind.popularity)
      claims += count
      gpu += count * kind.milli
      cpu += count * Int64(kind.cpu.value)
      if kind.devices == 0 { hosts += count } else if kind.isShare { shares += count }
    }
    (self.claims, shareClaims, hostClaims, gpuDemand) = (claims, shares, hosts, gpu)
    guard gpu > 0, basis.cpuMilli > 0 else {
      shortage = 0
      return
    }
    let ratio =
      Int128(basis.gpuMilli) * Int128(cpu) * Int128(OfferRule.one) / Int128(gpu)
      / Int128(basis.cpuMilli)
    let beyond = Int64(min(ratio, Int128(2 * OfferRule.one))) - OfferRule.cpuBoundFrom
    shortage = min(max(beyond * OfferRule.one / OfferRule.cpuBoundWidth, 0), OfferRule.one)
  }

  /// An amount where processors are not short, less a part of a cut where they are.
  private func cut(_ amount: Int64, by most: Int64) -> Int64 {
    amount + ((-most * shortage) >> 16)
  }

  /// Steps of offers.
  var steps: Int64 { cut(OfferRule.offers, by: OfferRule.offersCut) / OfferRule.offersPerStep }

  // MARK: offers

  /// The work that may use GPUs of a pool.
  func parts(of pool: Int) -> [Part] {
    var parts: [Part] = []
    for (kind, supply) in zip(basis.kinds, basis.supply)
    where kind.devices > 0 && kind.accepts(pool) {
      let rate = (256 * Int64(kind.popularity) * scale(of: kind, supply: supply)) >> 16
      let part = Part(
        cpu: kind.cpu.value, devices: Int(kind.devices), share: kind.share.value, rate: rate)
      if let last = parts.last, last.cpu == part.cpu, last.devices == part.devices,
        last.share == part.share
      {
        parts[parts.count - 1].rate += rate
      } else {
        parts.append(part)
      }
    }
    return parts
  }

  /// Shares that find room in many places come to one GPU less often. Unit: 65,536ths.
  private func scale(of kind: MixKind, supply: Int64) -> Int64 {
    guard kind.isShare, supply > 0 else { return OfferRule.one }
    let fair = freeMilli * OfferRule.one / 1_000 / supply
    let scale = min(max(fair, OfferRule.rateMin), OfferRule.one)
    return scale + (((OfferRule.one - scale) * shortage) >> 16)
  }

  /// What is offered at a price. Kinds of one size are offered as one, or as two where some pay
  /// more for processor time than their bonus; where processors are short, each by itself.
  func offers(_ parts: [Part], price: Int) -> [Offer] {
    var sums: [(part: Part, isBelow: Bool, reward: Int128)] = []
    let bonus = cut(OfferRule.shareBonus, by: OfferRule.shareBonusCut)
    for part in parts {
      let milli = Int64(part.devices) * Int64(part.share)
      let isShare = part.devices == 1 && part.share < 1_000
      let reward =
        ((milli + (isShare ? bonus : 0)) << OfferRule.valueBits)
        - OfferTables.worth(of: part.cpu, price)
      guard reward > 0 else { continue }
      sums.append(
        (part, reward < milli << OfferRule.valueBits, Int128(part.rate) * Int128(reward)))
    }
    guard shortage < OfferRule.cpuBoundHalf else {
      return sums.map { offer($0.part, reward: Int64($0.reward / Int128(max(1, $0.part.rate)))) }
    }
    sums.sort {
      ($0.part.devices, $0.part.share, $0.isBelow ? 0 : 1, $0.part.cpu)
        < ($1.part.devices, $1.part.share, $1.isBelow ? 0 : 1, $1.part.cpu)
    }
    var merged: [(part: Part, isBelow: Bool, reward: Int128)] = []
    for sum in sums {
      if let last = merged.last, last.part.devices == sum.part.devices,
        last.part.share == sum.part.share, last.isBelow == sum.isBelow
      {
        merged[merged.count - 1].part.rate += sum.part.rate
        merged[merged.count - 1].reward += sum.reward
      } else {
        merged.append(sum)
      }
    }
    return merged.filter { $0.part.rate > 0 }.map {
      offer($0.part, reward: Int64($0.reward / Int128($0.part.rate)))
    }
  }

  /// An offer that is as likely as its part of all claims: nearly 1 − e⁻ⁿ for n in a step.
  private func offer(_ part: Part, reward: Int64) -> Offer {
    let expected = OfferRule.offersPerStep * 256 * part.rate / claims
    let weight = 2 * expected * OfferRule.one / (2 * OfferRule.one + expected)
    return Offer(
      devices: part.devices, hundredths: (Int(part.share) + 9) / 10, reward: reward,
      weight: min(OfferRule.one, weight))
  }

  // MARK: scarcity

  /// Claims of a kind that come until the GPUs are in use. Unit: 256ths of a claim.
  func arrivals(of kind: MixKind) -> Int64 {
    let arrivals = Int128(freeMilli) * Int128(kind.popularity) * 256 / Int128(gpuDemand)
    return Int64(min(arrivals, Int128(OfferRule.arrivalsMax)))
  }

  /// The same for a gang that was never seen, less as more of other work was.
  var priorArrivals: Int64 {
    let arrivals =
      Int128(freeMilli) * Int128(claims) / Int128(gpuDemand) * 256
      / Int128(basis.seen + OfferRule.priorClaims)
    return Int64(min(arrivals, Int128(OfferRule.arrivalsMax)))
  }

  /// What room for one claim of a kind is worth beside the offers: next to nothing while there is
  /// plenty, its weight where there is less than will be asked for.
  func scarcity(of kind: MixKind, arrivals: Int64, supply: Int64) -> Int64 {
    let weight: Int64 =
      switch kind.devices {
      case 0: cut(OfferRule.hostWeight, by: OfferRule.hostWeight)
      case 1: kind.isShare ? OfferRule.shareWeight : 0
      default: Int(kind.devices) < OfferRule.gangFrom ? 0 : OfferRule.gangWeight
      }
    guard weight > 0 else { return 0 }
    let load = supply > 0 ? min(OfferRule.one, arrivals * 256 / supply) : OfferRule.one
    let size = kind.devices > 0 ? kind.milli : Int64(kind.cpu.value)
    let full = ((weight * size) << OfferRule.valueBits) >> 10
    let worth = (full * Self.cube(load)) >> 16
    let count = Int64(kind.popularity)
    if kind.devices == 0 { return worth * count / hostClaims }
    return kind.isShare ? worth * count / shareClaims : worth
  }

  /// What insisting on some pools adds to their price, for each set of pools but all. Unit:
  /// 65,536ths of a GPU's own value.
  func demandsByPools() -> [(pools: UInt64, price: Int64)] {
    var demands: [(pools: UInt64, price: Int64)] = []
    for kind in basis.kinds where kind.devices > 0 && kind.pools != basis.pools {
      let milli = Int64(kind.popularity) * kind.milli
      if let row = demands.firstIndex(where: { $0.pools == kind.pools }) {
        demands[row].price += milli
      } else {
        demands.append((kind.pools, milli))
      }
    }
    return demands.map { demand in
      var free: Int64 = 0
      for pool in basis.free.indices where demand.pools & (1 << UInt64(pool)) != 0 {
        free += basis.free[pool]
      }
      var load = OfferRule.one
      if free > 0 {
        let part =
          Int128(freeMilli) * Int128(demand.price) * Int128(OfferRule.one) / Int128(gpuDemand)
          / Int128(free)
        load = Int64(min(part, Int128(OfferRule.one)))
      }
      return (demand.pools, (OfferRule.poolWeight * Self.cube(load)) >> 10)
    }
  }

  private static func cube(_ part: Int64) -> Int64 {
    var cube = OfferRule.one
    for _ in 0..<3 { cube = (cube * part) >> 16 }
    return cube
  }
}

extension MixKind {
  /// Thousandths of GPUs that one claim uses.
  var milli: Int64 { Int64(devices) * Int64(share.value) }
}
