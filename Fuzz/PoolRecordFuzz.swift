// Properties: no bytes crash the reader; it ends where it says; what it accepts is written to the
// same bytes again, so nothing has two forms.
//
// Checksums would keep a fuzzer out of the bodies. So the first byte of an input says what is done
// with the rest: 0 reads it as a journal, an odd number as one body under sound checksums, another
// even number lays it as changes over a body of a real journal.
import PoolAllocator
import PoolRecord

/// libFuzzer's entry point; other return values than 0 are reserved.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPoolRecord(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let kind = input.first else { return 0 }
  let rest = Array(input[1...])
  if kind == 0 {
    read(rest)
  } else if kind % 2 == 1 {
    read(journal.header + sealed(rest))
  } else {
    read(journal.header + sealed(changed(journal.bodies[Int(kind) % journal.bodies.count], rest)))
  }
  return 0
}

private func read(_ bytes: [UInt8]) {
  var reader = JournalReader(bytes)
  var writer: JournalWriter?
  var again: [UInt8] = []
  if let header = reader.header { writer = JournalWriter(header, into: &again) }
  while let record = reader.next() {
    do {
      try writer?.append(record, to: &again)
    } catch {
      fatalError("what was read is too long to write")
    }
  }
  guard let ending = reader.ending else { fatalError("reading did not end") }
  guard reader.offset <= bytes.count, again == Array(bytes[..<reader.offset]) else {
    fatalError("\(again) is written for \(bytes[..<reader.offset])")
  }
  switch ending {
  case .complete: if reader.offset != bytes.count { fatalError("bytes are left") }
  case .torn(let tail): if tail.offset != reader.offset { fatalError("\(tail)") }
  case .damaged(let damage): if damage.offset != reader.offset { fatalError("\(damage)") }
  }
}

/// Three bytes for each change: place from the last change on, and what is put there.
private func changed(_ body: [UInt8], _ changes: [UInt8]) -> [UInt8] {
  var body = body
  var place = 0
  for index in stride(from: 0, to: changes.count - 2, by: 3) {
    place += Int(changes[index]) | Int(changes[index + 1] & 3) << 8
    guard place < body.count else { break }
    switch changes[index + 1] >> 6 {
    case 0: body.remove(at: place)
    case 1: body.insert(changes[index + 2], at: place)
    default: body[place] = changes[index + 2]
    }
  }
  return body
}

/// A frame around a body, as the first record of the journal.
private func sealed(_ body: [UInt8]) -> [UInt8] {
  func bytes(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
  }
  let sum = Checksum.of(body, body.indices)
  var frame = Array("PREC".utf8) + [1, 2, 0, 0]
  frame += bytes(UInt64(body.count), 4) + bytes(UInt64(sum), 4) + bytes(1, 8)
  frame += bytes(UInt64(Checksum.of(frame, frame.indices, after: journal.seed)), 4)
  return frame + body
}

/// A small real journal: its header, the checksum that its records begin with, and their bodies.
private let journal: (header: [UInt8], seed: UInt32, bodies: [[UInt8]]) = {
  var pool = Pool()
  var header: [UInt8] = []
  let identity = Key(high: 1, low: 2)
  var writer = JournalWriter(JournalHeader(identity: identity, from: pool), into: &header)
  let seed = Checksum.of(header, 0..<24)
  var log = EventLog()
  var bodies: [[UInt8]] = []
  for (index, command) in commands.enumerated() {
    let now = Instant(ns: Int64(index) * 1_000_000_000)
    let (decision, progress) = pool.apply(command, at: now, into: &log)
    let record = Record(
      sequence: 0, engine: 0, now: now, origin: Origin(principal: identity), command: command,
      decision: decision, progress: progress, log: log)
    var frame: [UInt8] = []
    do { try writer.append(record, to: &frame) } catch { fatalError("\(error)") }
    bodies.append(Array(frame[28...]))
  }
  return (header, seed, bodies)
}()

private var commands: [Command] {
  func key(_ space: UInt64) -> Key { Key(high: space, low: 0) }
  var policy = CompiledPolicy()
  policy.profiles = [
    ProfileRule(key: key(2), kind: .gpu, weightMilli: 1000, memory: Bytes(1 << 30))
  ]
  policy.pools = [PoolRule(key: key(4), profile: key(2))]
  policy.lanes = [LaneRule(key: key(5), pool: 0, leaseMax: .seconds(4_000))]
  policy.classes = (0..<4).map { _ in
    ClassRule(
      quantum: .seconds(60), startWithin: .seconds(30), killWithin: .seconds(20),
      emptyBucket: .park, overrun: .stop)
  }
  policy.tenants = [TenantRule(key: key(6), queueMax: 10)]
  policy.buckets = [
    BucketRule(key: key(12), tenant: 0, cap: Credits(1 << 40), refillPerSecond: Credits(1))
  ]
  policy.services = [ServiceRule(key: key(7), tenant: nil, serviceClass: .p1)]
  policy.quotes = QuoteRule(lasts: .seconds(40), lastsMax: .seconds(80), perTenant: 4)
  let node = NodeID(row: 0, generation: 1)
  let claim = ClaimSpec(
    key: key(100), tenant: key(6), service: key(7), action: key(8), modelClass: key(11),
    demand: Demand(shape: .whole), lanes: LaneSet(bits: 1), runtimeMax: .seconds(600))
  let report = NodeReport(
    boot: key(20), generation: 1, sequence: 1, cpu: MilliCPU(8000), hostMemory: Bytes(1 << 36),
    enforcement: .cgroup)
  let gpu = DeviceReport(key: key(21), kind: .gpu, profile: key(2), memory: Bytes(1 << 30))
  var second = claim
  second.key = key(101)
  return [
    .begin(epoch: 1),
    .enrol(Enrolment(key: key(1), approved: [ApprovedDevices(profile: key(2), count: 1)])),
    .activate(PolicyGeneration(1), policy),
    .advertise(node, Advertisement(report: report, devices: [gpu])),
    .quote(key(60), claim, lasts: nil), .submit(claim), .submit(second),
    .delegate(
      DelegationSpec(
        key: key(30), tenant: key(6), limit: Credits(5), expires: Instant(ns: 1 << 50))),
    .release(LeaseID(row: 0, generation: 1), Fencing(raw: 1 << 40 | 1), .completed), .tick,
    .confirmEmpty(LeaseID(row: 0, generation: 1), Fencing(raw: 1 << 40 | 1)), .tick,
  ]
}
