import PoolAllocator
import PoolSimulator

/// A small pool drawn from a seed: at most six devices, one to three tenants.
struct World {
  /// What is scarce.
  enum Theme: Int, CaseIterable {
    /// Credits; devices are many.
    case money
    /// Devices; credits are many.
    case hardware
    /// Both.
    case both
  }

  /// The forms of its devices.
  enum Fleet: Int, CaseIterable {
    case gpus
    case instances
    case cores
  }

  let theme: Theme
  let fleet: Fleet
  var policy = CompiledPolicy()
  var machines: [(enrolment: Enrolment, advertisement: Advertisement)] = []

  static func key(_ kind: UInt64, _ number: Int) -> Key {
    Key(high: kind, low: UInt64(number) + 1)
  }

  static let gigabyte: Int64 = 1 << 30

  init(using random: inout SeededGenerator, theme: Theme, fleet: Fleet) {
    self.theme = theme
    self.fleet = fleet
    drawPolicy(using: &random)
    drawMachines(using: &random)
  }

  // MARK: policy

  private mutating func drawPolicy(using random: inout SeededGenerator) {
    let kind: DeviceKind = fleet == .cores ? .cpu : .gpu
    policy.profiles = [
      ProfileRule(
        key: Self.key(1, 0), kind: kind, weightMilli: Int32(random.within(1...1500)),
        memory: Bytes(80 * Self.gigabyte))
    ]
    policy.slices = (0..<2).map {
      SliceRule(
        key: Self.key(13, $0), profile: Self.key(1, 0), billedMilli: Int32(random.within(1...400)))
    }
    if kind == .cpu { policy.slices = [] }
    policy.pools = [PoolRule(key: Self.key(2, 0), profile: Self.key(1, 0))]
    var shared = LaneRule(key: Self.key(3, 0), pool: 0, leaseMax: .seconds(60))
    shared.sharesAcrossTenants = random.below(2) == 0
    policy.lanes = [shared]
    policy.order = OrderRule(
      ageingStep: [nil, Span(ns: random.within(2_000_000_000...30_000_000_000))][
        Int(random.below(4)) == 0 ? 0 : 1], ceiling: UInt8(random.below(4) == 0 ? 1 : 0))
    let isParking = random.below(4) != 0
    for _ in 0..<4 {
      policy.classes.append(
        ClassRule(
          quantum: Span(ns: random.within(3_000_000_000...25_000_000_000)),
          startWithin: .seconds(random.within(2...9)), killWithin: .seconds(random.within(2...9)),
          emptyBucket: isParking ? .park : .reject,
          overrun: random.below(2) == 0 ? .stop : .debt))
    }
    for rank in 0..<4 {
      policy.services.append(
        ServiceRule(
          key: Self.key(4, rank), tenant: nil, serviceClass: ServiceClass(rank: UInt8(rank))!,
          weightMilli: Int32(random.within(1...2000))))
    }
    // Weights that divide a million, so that the core's counters are exact too.
    for number in 0..<Int(random.within(1...3)) {
      let weight = [500, 1000, 1000, 2000, 2500][Int(random.below(5))]
      policy.tenants.append(
        TenantRule(key: Self.key(5, number), queueMax: 1000, weightMilli: Int32(weight)))
      drawBuckets(of: number, using: &random)
    }
  }

  private mutating func drawBuckets(of tenant: Int, using random: inout SeededGenerator) {
    let root = UInt16(policy.buckets.count)
    policy.buckets.append(drawBucket(tenant, using: &random))
    let kind = random.below(4)
    for number in 0..<2 where kind < 3 {
      var child = drawBucket(tenant, using: &random)
      child.parent = root
      switch kind {
      case 0: child.match = .application(Self.key(14, number))
      case 1: child.match = .serviceClass(ServiceClass(rank: UInt8(number * 2 + 1))!)
      default: child.match = .action(Self.key(11, number))
      }
      policy.buckets.append(child)
    }
  }

  private func drawBucket(_ tenant: Int, using random: inout SeededGenerator) -> BucketRule {
    let isRich = theme == .hardware
    // A GPU of weight 1.000 costs a million credits a second.
    let cap = isRich ? 1 << 50 : random.within(1_000_000...60_000_000)
    var rule = BucketRule(
      key: Self.key(6, tenant * 100 + policy.buckets.count), tenant: UInt16(tenant),
      cap: Credits(cap), refillPerSecond: Credits(random.within(0...1_500_000)))
    if random.below(3) == 0, !isRich { rule.opening = Credits(random.within(0...cap)) }
    if random.below(2) == 0 { rule.debtMax = Credits(random.within(0...5_000_000)) }
    return rule
  }

  /// The same names with other rates, caps, quanta and weights.
  func another(using random: inout SeededGenerator) -> CompiledPolicy {
    var new = policy
    for index in new.buckets.indices where theme != .hardware {
      new.buckets[index].cap = Credits(random.within(1_000_000...60_000_000))
      new.buckets[index].refillPerSecond = Credits(random.within(0...1_500_000))
      new.buckets[index].opening = .zero
    }
    for index in new.classes.indices {
      new.classes[index].quantum = Span(ns: random.within(3_000_000_000...25_000_000_000))
    }
    for index in new.tenants.indices {
      new.tenants[index].weightMilli = [500, 1000, 2000][Int(random.below(3))]
    }
    return new
  }

  // MARK: machines

  private mutating func drawMachines(using random: inout SeededGenerator) {
    let count = Int(random.within(1...3))
    let enforced = Enforcement(rawValue: UInt8(random.below(3)))!
    for number in 0..<count {
      var devices: [DeviceReport] = []
      switch fleet {
      case .gpus: addGPUs(Int(random.within(1...Int64(6 / count))), number, &devices, &random)
      case .instances: addBoard(6 / count, number, &devices, &random)
      case .cores:
        for set in 0..<Int(random.within(1...2)) {
          devices.append(
            DeviceReport(
              key: Self.key(9, number * 100 + set), kind: .cpu, profile: Self.key(1, 0),
              capacity: MilliGPU(Int32(random.within(1...8)) * 1000), memory: .zero))
          devices[set].numa = UInt16(set)
        }
      }
      let cpu = fleet == .cores ? devices.reduce(0) { $0 + $1.capacity.value } : 16_000
      let report = NodeReport(
        boot: Self.key(8, number), generation: 1, sequence: 1, cpu: MilliCPU(cpu),
        hostMemory: Bytes(256 * Self.gigabyte), enforcement: enforced)
      let rack = random.below(3) == 0 ? nil : Self.key(15, Int(random.below(2)))
      machines.append(
        (
          Enrolment(
            key: Self.key(7, number), rack: rack,
            approved: [ApprovedDevices(profile: Self.key(1, 0), count: 8)]),
          Advertisement(report: report, devices: devices)
        ))
    }
  }

  private func addGPUs(
    _ count: Int, _ node: Int, _ devices: inout [DeviceReport], _ random: inout SeededGenerator
  ) {
    for number in 0..<count {
      var gpu = DeviceReport(
        key: Self.key(9, node * 100 + number), kind: .gpu, profile: Self.key(1, 0),
        memory: Bytes(random.within(78...80) * Self.gigabyte))
      gpu.island = UInt8(number / 2)
      gpu.numa = UInt16(number / 3)
      devices.append(gpu)
    }
  }

  /// A partitioned board with its instances, and a GPU beside it.
  private func addBoard(
    _ count: Int, _ node: Int, _ devices: inout [DeviceReport], _ random: inout SeededGenerator
  ) {
    addGPUs(count > 2 ? 2 : 1, node, &devices, &random)
    devices[0].isPartitioned = true
    for number in 0..<max(1, count - 2) {
      var instance = DeviceReport(
        key: Self.key(10, node * 100 + number), kind: .slice, profile: Self.key(1, 0),
        memory: Bytes(10 * Self.gigabyte))
      instance.parent = devices[0].key
      instance.slice = Self.key(13, Int(random.below(2)))
      instance.slots = SlotMask(bits: 1 << UInt16(number))
      instance.island = devices[0].island
      instance.numa = devices[0].numa
      devices.append(instance)
    }
  }
}
