import PoolAllocator
import PoolSimulator

extension World {
  /// A random claim, now and then one that must be refused.
  func claim(_ number: Int, using random: inout SeededGenerator) -> ClaimSpec {
    let demand = demand(using: &random)
    var lanes = LaneSet.none
    lanes.insert(row: 0)
    let isLong = random.below(40) == 0
    var spec = ClaimSpec(
      key: Self.key(16, number),
      tenant: Self.key(5, Int(random.below(UInt64(policy.tenants.count)))),
      service: Self.key(4, Int(random.below(4))), action: Self.key(11, Int(random.below(3))),
      modelClass: Self.key(12, 0), demand: demand, lanes: lanes,
      runtimeMax: Span(ns: random.within(1_000_000_000...(isLong ? 90 : 40) * 1_000_000_000)))
    spec.application = Self.key(14, Int(random.below(3)))
    spec.workflow = spec.key
    if random.below(4) == 0 { spec.maxWait = .seconds(random.within(5...60)) }
    switch random.below(60) {
    case 0: spec.tenant = Self.key(5, 9)
    case 1: spec.service = Self.key(4, 9)
    default: break
    }
    return spec
  }

  private func demand(using random: inout SeededGenerator) -> Demand {
    var demand = Demand(shape: .whole)
    switch fleet {
    case .gpus:
      if random.below(2) == 0 {
        demand.shape = .fraction(
          MilliGPU(Int32(random.within(0...1000))),
          Bytes(random.within(1...(random.below(8) == 0 ? 90 : 60)) * Self.gigabyte))
      }
    case .instances:
      if random.below(4) > 0 { demand.shape = .slice(Self.key(13, Int(random.below(2)))) }
    case .cores: demand.shape = .cpuOnly
    }
    if demand.shape != .cpuOnly {
      demand.devices = [1, 1, 1, 1, 2, 2, 3, 4][Int(random.below(8))]
      demand.sharing = drawSharing(demand.shape, using: &random)
    }
    if theme != .money, random.below(3) == 0 { demand.members = UInt16(random.within(2...3)) }
    let proximities = Proximity.allCases
    if random.below(4) == 0 {
      demand.together = proximities[Int(random.below(UInt64(proximities.count)))]
    }
    if random.below(6) == 0 {
      demand.prefer = proximities[Int(random.below(UInt64(proximities.count)))]
    }
    if demand.shape == .cpuOnly {
      demand.cpu = MilliCPU(Int32(random.within(1...5000)))
    } else if random.below(3) == 0 {
      demand.cpu = MilliCPU(Int32(random.within(1...9000)))
    }
    if random.below(3) == 0 { demand.hostMemory = Bytes(random.within(1...150) * Self.gigabyte) }
    if random.below(3) == 0 { demand.enforcement = Enforcement(rawValue: UInt8(random.below(3)))! }
    return demand
  }

  private func drawSharing(
    _ shape: Demand.Shape, using random: inout SeededGenerator
  ) -> Sharing {
    let all: [Sharing] = [.anyTenant, .ownTenant, .mig, .wholeDevice]
    let most =
      switch shape {
      case .whole: 4
      case .slice: 3
      case .fraction, .cpuOnly: 2
      }
    return all[Int(random.below(random.below(30) == 0 ? 4 : UInt64(most)))]
  }
}
