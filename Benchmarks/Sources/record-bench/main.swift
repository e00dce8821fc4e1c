import PoolAllocator
import PoolRecord
import Workload

// record-bench [CYCLES [ROUNDS]]: what the bytes of a journal cost for each record, beside a bare
// copy of as many bytes, in one process and one thread; medians of several rounds, taken in turn.
// A cycle is a claim that is submitted and granted, started, released and reported empty.

let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let cycles = arguments.first ?? 20_000
let rounds = arguments.dropFirst().first ?? 7
let clock = ContinuousClock()

/// Time of some work. Unit: nanoseconds for each record.
func measure(_ count: Int, _ work: () -> Void) -> Double {
  let time = clock.measure(work).components
  return (Double(time.seconds) * 1e9 + Double(time.attoseconds) / 1e9) / Double(count)
}

func median(_ values: [Double]) -> Int { Int(values.sorted()[values.count / 2] + 0.5) }

/// 64 nodes of 8 GPUs, and the records of their life.
func life() -> (JournalHeader, [Record]) {
  var pool = Pool()
  var records: [Record] = []
  let header = JournalHeader(identity: key(200, 0), from: pool)
  var now = Instant(ns: 1_000_000_000)
  @discardableResult
  func apply(_ command: Command) -> (Decision, EventLog) {
    var log = EventLog()
    let (decision, progress) = pool.apply(command, at: now, into: &log)
    now = now + Span(ns: 50_000)
    let sequence = UInt64(records.count) + 1
    records.append(
      Record(
        sequence: sequence, engine: 1, now: now,
        origin: Origin(principal: key(102, 0), request: key(201, records.count)),
        command: command, decision: decision, progress: progress, log: log))
    return (decision, log)
  }
  apply(.begin(epoch: 1))
  apply(.activate(PolicyGeneration(1), policy()))
  for number in 0..<64 {
    let approved = [ApprovedDevices(profile: key(2, 0), count: 8)]
    guard let node = apply(.enrol(Enrolment(key: key(1, number), approved: approved))).0.node
    else { fatalError("a node is enrolled") }
    let report = NodeReport(
      boot: key(80, number), generation: 1, sequence: 1, cpu: MilliCPU(128_000),
      hostMemory: Bytes(1024 << 30), enforcement: .cgroup)
    let devices = (0..<8).map {
      DeviceReport(
        key: key(20, number * 8 + $0), kind: .gpu, profile: key(2, 0), memory: Bytes(80 << 30))
    }
    apply(.advertise(node, Advertisement(report: report, devices: devices)))
  }
  for cycle in 0..<cycles {
    let demand = Demand(shape: .whole, cpu: MilliCPU(8_000), hostMemory: Bytes(64 << 30))
    let claim = ClaimSpec(
      key: key(100, cycle), tenant: key(6, 0), service: key(7, 0), action: key(8, 0),
      modelClass: key(10, 0), demand: demand, lanes: LaneSet(bits: 1), runtimeMax: .seconds(3_600))
    let (decision, log) = apply(.submit(claim))
    guard let lease = decision.lease, let fencing = log.grants.first?.fencing else {
      fatalError("a claim is granted")
    }
    apply(.confirmStarted(lease, fencing))
    apply(.release(lease, fencing, .completed))
    apply(.confirmEmpty(lease, fencing))
  }
  return (header, records)
}

func policy() -> CompiledPolicy {
  var policy = CompiledPolicy()
  policy.profiles = [
    ProfileRule(key: key(2, 0), kind: .gpu, weightMilli: 1000, memory: Bytes(80 << 30))
  ]
  policy.pools = [PoolRule(key: key(4, 0), profile: key(2, 0))]
  policy.lanes = [LaneRule(key: key(5, 0), pool: 0, leaseMax: .seconds(86_400))]
  policy.classes = (0..<4).map { _ in
    ClassRule(
      quantum: .seconds(600), startWithin: .seconds(60), killWithin: .seconds(30),
      emptyBucket: .park, overrun: .stop)
  }
  policy.services = [ServiceRule(key: key(7, 0), tenant: nil, serviceClass: .p2)]
  policy.tenants = [TenantRule(key: key(6, 0), queueMax: 1000)]
  policy.buckets = [
    BucketRule(
      key: key(11, 0), tenant: 0, cap: Credits(Credits.limit),
      refillPerSecond: Credits(1_000_000_000))
  ]
  return policy
}

let (header, records) = life()
var bytes: [UInt8] = []
var (writes, reads, folds, sums, copies): ([Double], [Double], [Double], [Double], [Double]) =
  ([], [], [], [], [])
for _ in 0..<rounds {
  bytes.removeAll(keepingCapacity: true)
  var writer = JournalWriter(header, into: &bytes)
  writes.append(
    measure(records.count) {
      for record in records {
        do { try writer.append(record, to: &bytes) } catch { fatalError("\(error)") }
      }
    })
  var reader = JournalReader(bytes)
  var count = 0
  reads.append(measure(records.count) { while reader.next() != nil { count += 1 } })
  guard reader.ending == .complete, count == records.count else { fatalError("all is read") }
  reader = JournalReader(bytes)
  guard var pool = reader.emptyPool else { fatalError("the journal begins with an empty pool") }
  folds.append(
    measure(records.count) {
      if reader.fold(into: &pool) != .complete { fatalError("all is folded") }
    })
  var sum: UInt32 = 0
  sums.append(measure(records.count) { sum = Checksum.of(bytes, bytes.indices) })
  var copy = [UInt8](repeating: UInt8(truncatingIfNeeded: sum), count: bytes.count)
  copies.append(
    measure(records.count) { copy.replaceSubrange(copy.indices, with: bytes) })
  guard copy.last == bytes.last else { fatalError("a copy is equal") }
}
print("records of a journal, one thread, \(rounds) rounds of \(records.count), medians in ns each")
print("  bytes   write    read  read+fold  checksum  floor (copy of the bytes)")
func column(_ value: Int, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - "\(value)".count)) + "\(value)"
}
print(
  column(bytes.count / records.count, 7) + column(median(writes), 8) + column(median(reads), 8)
    + column(median(folds), 11) + column(median(sums), 10) + column(median(copies), 7))
