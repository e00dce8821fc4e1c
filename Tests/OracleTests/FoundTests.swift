import PoolAllocator
import Testing

/// What the oracle found in the core, each in its smallest case.
@Suite struct FoundTests {
  /// A lane with one node of some GPUs of 80 GiB, and a tenant with more credits than it can spend.
  private struct Bench {
    var pool = Pool()
    var log = EventLog()
    private var named = 0

    init(gpus: Int) {
      var policy = CompiledPolicy()
      let profile = World.key(1, 0)
      policy.profiles = [
        ProfileRule(
          key: profile, kind: .gpu, weightMilli: 1000, memory: Bytes(80 * World.gigabyte))
      ]
      policy.pools = [PoolRule(key: World.key(2, 0), profile: profile)]
      policy.lanes = [LaneRule(key: World.key(3, 0), pool: 0, leaseMax: .seconds(1000))]
      policy.classes = Array(
        repeating: ClassRule(
          quantum: .seconds(1000), startWithin: .seconds(10), killWithin: .seconds(5),
          emptyBucket: .park, overrun: .stop), count: 4)
      policy.services = (0..<4).map {
        ServiceRule(
          key: World.key(4, $0), tenant: nil, serviceClass: ServiceClass(rank: UInt8($0))!)
      }
      policy.tenants = [TenantRule(key: World.key(5, 0), queueMax: 100)]
      policy.buckets = [
        BucketRule(
          key: World.key(6, 0), tenant: 0, cap: Credits(1 << 50), refillPerSecond: .zero)
      ]
      _ = pool.apply(.begin(epoch: 1), at: .origin, into: &log)
      _ = pool.apply(.activate(PolicyGeneration(1), policy), at: .origin, into: &log)
      let enrolment = Enrolment(
        key: World.key(7, 0), approved: [ApprovedDevices(profile: profile, count: 8)])
      let node = pool.apply(.enrol(enrolment), at: .origin, into: &log).0.node!
      let report = NodeReport(
        boot: World.key(8, 0), generation: 1, sequence: 1, cpu: MilliCPU(8000),
        hostMemory: Bytes(100 * World.gigabyte), enforcement: .none)
      let devices = (0..<gpus).map {
        DeviceReport(
          key: World.key(9, $0), kind: .gpu, profile: profile,
          memory: Bytes(80 * World.gigabyte))
      }
      _ = pool.apply(
        .advertise(node, Advertisement(report: report, devices: devices)), at: .origin,
        into: &log)
    }

    mutating func submit(_ shape: Demand.Shape, rank: Int = 2, runtime: Int64) -> Decision {
      named += 1
      var lanes = LaneSet.none
      lanes.insert(row: 0)
      let spec = ClaimSpec(
        key: World.key(16, named), tenant: World.key(5, 0), service: World.key(4, rank),
        action: World.key(11, 0), modelClass: World.key(12, 0), demand: Demand(shape: shape),
        lanes: lanes, runtimeMax: .seconds(runtime))
      return pool.apply(.submit(spec), at: pool.now, into: &log).0
    }

    mutating func tick() { _ = pool.apply(.tick, at: pool.now, into: &log) }
  }

  /// Seed 279: a share of memory alone did not count as using the device, so that a whole GPU was
  /// promised from the start of those who stay on it.
  @Test func aShareOfMemoryAloneIsOnTheDeviceUntilItLeaves() throws {
    var bench = Bench(gpus: 1)
    let share = Demand.Shape.fraction(MilliGPU(0), Bytes(20 * World.gigabyte))
    #expect(bench.submit(share, runtime: 100).verdict == .admitted)
    let waiting = bench.submit(.whole, runtime: 50)
    #expect(waiting.verdict == .queued)
    bench.tick()
    let pin = bench.pool.claim(try #require(waiting.claim))?.pin
    // Start deadline, runtime, kill deadline of the lease that is there.
    #expect(pin?.starts == Instant(ns: 115_000_000_000))
  }
}
