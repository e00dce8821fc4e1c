// A scheduler of your own around the allocator: one node, one tenant, two claims.
import PoolAllocator

/// Names stay outside the pool: it knows 128-bit keys. A number is enough here.
func key(_ number: UInt64) -> Key { Key(high: 0, low: number) }

let profile = key(1)
let lane = key(2)
let tenant = key(3)
let service = key(4)

// What tenants may use: one pool of GPUs with one shared lane, one tenant with a bucket.
var policy = CompiledPolicy()
policy.profiles = [
  ProfileRule(key: profile, kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30))
]
policy.pools = [PoolRule(key: key(5), profile: profile)]
policy.lanes = [LaneRule(key: lane, pool: 0, leaseMax: .seconds(3600))]
policy.classes = (0..<4).map { _ in
  ClassRule(
    quantum: .seconds(60), startWithin: .seconds(30), killWithin: .seconds(30),
    emptyBucket: .park, overrun: .stop)
}
policy.tenants = [TenantRule(key: tenant, queueMax: 10)]
policy.buckets = [
  BucketRule(
    key: key(6), tenant: 0, cap: Credits(600_000_000), refillPerSecond: Credits(100_000))
]
policy.services = [ServiceRule(key: service, tenant: tenant, serviceClass: .p1)]

// A node with one GPU, as its agent reports it.
let gpu = DeviceReport(key: key(7), kind: .gpu, profile: profile, memory: Bytes(80 << 30))
let report = NodeReport(
  boot: key(8), generation: 1, sequence: 1, cpu: MilliCPU(16_000), hostMemory: Bytes(64 << 30),
  enforcement: .none)

var pool = Pool()
var log = EventLog()
var now = Instant.origin

@MainActor func apply(_ command: Command) -> Decision {
  pool.apply(command, at: now, into: &log).0
}

_ = apply(.begin(epoch: 1))
_ = apply(.activate(PolicyGeneration(1), policy))
let enrolled = apply(
  .enrol(
    Enrolment(key: key(9), approved: [ApprovedDevices(profile: profile, count: 1)])))
if let node = enrolled.node {
  _ = apply(.advertise(node, Advertisement(report: report, devices: [gpu])))
}

for number in UInt64(10)...11 {
  let claim = ClaimSpec(
    key: key(number), tenant: tenant, service: service, action: key(12), modelClass: key(13),
    demand: Demand(shape: .whole), lanes: pool.laneSet(named: [lane]), runtimeMax: .seconds(300))
  let decision = apply(.submit(claim))
  let why = decision.reasons.indices.map { "\(log.reasons[$0].code)" }.joined(separator: " ")
  print("claim \(number): \(decision.verdict) \(why)")
}
