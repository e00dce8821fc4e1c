import Foundation
import PoolAllocator
import StrictJSON
import Testing

@testable import PoolWire

@Suite("What documents mean")
struct DocumentTests {
  @Test("a policy says the same to the core")
  func policy() throws {
    let document = try Documents.policyDocument()
    let policy = document.policy
    #expect(document.generation == PolicyGeneration(7))
    #expect(policy.profiles.map(\.weightMilli) == [1, 1000])
    #expect(policy.profiles[1].memory == Bytes(80 << 30))
    #expect(policy.lanes.map(\.reserved) == [500, 0, 0, 2000])
    #expect(policy.lanes.map { Int($0.pool) } == [0, 0, 1, 1])
    #expect(policy.lanes[3].lending == .reclaimable(within: .seconds(300), atMost: 1000))
    #expect(policy.lanes[0].lending == .never)
    #expect(policy.lanes.map(\.cell) == [1, 1, 1, 2])
    #expect(policy.tenants.first { $0.key == NameTable.key(.tenant, "acme") }?.borrowingMax == 2000)
    #expect(policy.lanes[0].admits == ClassSet(bits: 0b11))
    #expect(policy.lanes[0].owner == NameTable.key(.tenant, "acme"))
    #expect(LeaseRestriction.words(policy.lanes[0].restrictions) == ["egress-none", "tools-none"])
    #expect(policy.lanes[1].leaseMax == Span(ns: 3_600_500_000_000))
    #expect(policy.lanes[1].sharesAcrossTenants && !policy.lanes[0].sharesAcrossTenants)
    #expect(policy.pools[1].label == NameTable.key(.label, "sxm"))
    #expect(policy.classes.map(\.emptyBucket) == [.reject, .park, .park, .park])
    #expect(policy.classes[3].quantum == Span(ns: 1_000_000))
    #expect(policy.tenants.map(\.queueMax) == [5, .max])
    #expect(policy.services.map(\.weightMilli) == [1000, 2500])
    #expect(policy.costs[0].retryMilli == 1100)
    #expect(policy.services.map(\.approval) == [nil, 0])
    #expect(policy.approvals[0].actions == [NameTable.key(.action, "send")])
    #expect(
      policy.approvals[0].approvers
        == ["human:ann", "human:bob"].map { NameTable.key(.principal, $0) })
    #expect(policy.approvals[0].lasts == .seconds(900))
    let quotes = QuoteRule(lasts: .seconds(45), lastsMax: .seconds(900), perTenant: 20)
    #expect(policy.quotes == quotes)
    #expect(policy.emergency?.lastsMax == .seconds(3600))
    #expect(policy.emergency?.approvers == policy.approvals[0].approvers)
    #expect(document.vocabulary.serviceOwners == ["chat": "team-a", "write": "team-b"])
  }

  @Test("GPU-seconds become credits exactly, and buckets a tree")
  func buckets() throws {
    let buckets = try Documents.policyDocument().policy.buckets
    #expect(buckets.map(\.cap.value) == [600_000_000, 6_000_000, 1_000_000, 10_000_000])
    #expect(buckets.map(\.refillPerSecond.value) == [100_000, 500_000, 0, 0])
    #expect(buckets.map(\.opening.value) == [1_000_001, 6_000_000, 1_000_000, 10_000_000])
    #expect(buckets[0].debtMax == Credits(3_000_000))
    #expect(buckets.map(\.emergency.value) == [60_000_000, 0, 0, 0])
    #expect(buckets.map(\.parent) == [nil, 0, 1, nil])
    #expect(buckets.map(\.tenant) == [0, 0, 0, 1])
    #expect(buckets[1].match == .application(NameTable.key(.application, "acme > chat")))
    #expect(buckets[2].match == .serviceClass(.p1))
  }

  @Test("the core takes what the reader accepts")
  func activation() throws {
    var pool = Pool()
    var log = EventLog()
    let document = try Documents.policyDocument()
    let (decision, _) = pool.apply(
      .activate(document.generation, document.policy), at: .origin, into: &log)
    #expect(decision.verdict == .done)
    let node = try NodeDocument(JSONDocument(text: Documents.node))
    let (enrolled, _) = pool.apply(.enrol(node.enrolment), at: .origin, into: &log)
    let id = try #require(enrolled.node)
    let (taken, _) = pool.apply(
      .advertise(id, node.numbered(1).advertisement), at: .origin, into: &log)
    #expect(taken.verdict == .done)
    let claims = try ClaimsDocument(
      JSONDocument(text: Documents.claims), vocabulary: document.vocabulary)
    let spec = claims.claims[0].spec(in: pool, at: pool.now)
    #expect(spec.lanes.count == 2)
    let (answer, _) = pool.apply(.submit(spec), at: .origin, into: &log)
    #expect(answer.verdict == .admitted)
  }

  @Test("a node's instances have their board, slots and approval")
  func node() throws {
    let node = try NodeDocument(JSONDocument(text: Documents.node))
    let devices = node.advertisement.devices
    #expect(devices.map(\.kind) == [.cpu, .gpu, .gpu, .slice, .slice])
    #expect(devices[0].capacity == MilliGPU(8000))
    #expect(devices.map(\.island) == [0, 0, 3, 3, 3])
    #expect(devices[2].isPartitioned && !devices[1].isPartitioned)
    #expect(devices[3].slots == SlotMask(bits: 0b11) && devices[4].slots == SlotMask(bits: 0b100))
    #expect(devices[3].parent == NameTable.key(.device, "GPU-2"))
    #expect(devices[3].slice == NameTable.key(.slice, "h100 > 1g"))
    #expect(devices[3].memory == Bytes(10_468_982_784) && devices[4].memory == devices[3].memory)
    let approved = (0..<node.enrolment.approved.count).map { node.enrolment.approved[$0].count }
    #expect(approved == [1, 2])
    #expect(!node.hasSequence)
  }

  @Test(
    "forms of a demand",
    arguments: [
      ("\"gpus\": 8", Demand.Shape.whole, UInt8(8)),
      (
        "\"gpu_milli\": 500, \"gpu_memory_gib\": 0.001, \"count\": 2",
        .fraction(MilliGPU(500), Bytes(1_073_741)), 2
      ),
      ("\"mig\": \"1g\", \"count\": 3", .slice(NameTable.key(.slice, "h100 > 1g")), 3),
      ("\"cpu_milli\": 1", .cpuOnly, 1),
    ])
  func demand(text: String, shape: Demand.Shape, devices: UInt8) throws {
    let claims = try Documents.changed("claims", "\"cpu_milli\": 250", text)
    let form = try ClaimsDocument(
      JSONDocument(text: claims), vocabulary: Documents.policyDocument().vocabulary
    ).claims[0]
    #expect(form.demand.shape == shape)
    #expect(form.demand.devices == devices)
    #expect(form.demand.hostMemory == Bytes(1 << 29))
  }

  @Test("the same words in another tenant are other names")
  func scopes() {
    #expect(
      ClaimForm.key(tenant: "a", name: "x") != ClaimForm.key(tenant: "b", name: "x"))
    #expect(NameTable.key(.tenant, "x") != NameTable.key(.lane, "x"))
  }

  @Test("a stream request of every kind")
  func requests() throws {
    let vocabulary = try Documents.policyDocument().vocabulary
    let claim = try JSONDocument(text: Documents.claims)
    _ = claim
    for line in [
      #"{"op":"tick"}"#, #"{"op":"status","id":"7","at_ms":1.5}"#,
      #"{"op":"started","lease":"L-0.1","fencing":"1.1"}"#,
      #"{"op":"complete","lease":"L-0.1","fencing":"1.1","outcome":"failed","empty":true}"#,
      #"{"op":"cancel","tenant":"a","claim":"b"}"#, #"{"op":"fence","node":"n"}"#,
      #"{"op":"drain","node":"n","grace_seconds":5}"#,
      "{\"op\":\"advertise\",\"node\":\(Documents.node)}",
      "{\"op\":\"policy\",\"policy\":\(Documents.policy)}",
      #"{"op":"restrict","identity":"tenant","name":"a","measure":"lift"}"#,
      #"{"op":"signal","tenant":"acme","service":"chat","correction":0.1}"#,
      #"{"op":"signal","tenant":"acme","service":"chat","model_class":"m","correction":10}"#,
      #"{"op":"signal","tenant":"gone","service":"gone","correction":"none"}"#,
      #"{"op":"restrict","identity":"workflow","tenant":"t","name":"a","measure":"suspend","#
        + #""for_seconds":5,"by":"ops","because":"a loop"}"#,
      #"{"op":"restrict","identity":"principal","name":"a","measure":"throttle","#
        + #""live_claims_max":2,"for_seconds":5,"by":"ops","because":"a loop"}"#,
    ] {
      let request = try StreamRequest(JSONDocument(text: line), vocabulary: vocabulary)
      #expect(StreamRequest.operations.contains(request.op))
    }
    let timed = try StreamRequest(
      JSONDocument(text: #"{"op":"tick","at_ms":1.5}"#), vocabulary: vocabulary)
    #expect(timed.at == Instant(ns: 1_500_000))
  }

  @Test(
    "bad requests",
    arguments: [
      (#"{"op":"tik"}"#, "nearest known op is \"tick\""), (#"{"lease":"L-0.1"}"#, "missing key"),
      (#"{"op":"tick","at_ms":-1}"#, "out of range"), (#"{"op":"tick","x":1}"#, "unknown key"),
      (#"{"op":"renew","lease":"L-0","fencing":"1.1"}"#, "this is no lease id"),
      (#"{"op":"renew","lease":"L-0.1","fencing":1}"#, "expected a string"),
      (#"{"op":"renew","lease":"L-0.1","fencing":"16777216.1"}"#, "no fencing number"),
      (#"{"op":"restrict","identity":"workflow","name":"w","measure":"lift"}"#, "add tenant"),
      (#"{"op":"restrict","identity":"tenant","name":"w","measure":"suspend"}"#, "needs measure"),
      (#"{"op":"signal","tenant":"acme","service":"chat"}"#, "missing key"),
      (#"{"op":"signal","tenant":"acme","service":"chat","correction":0.099}"#, "out of range"),
      (#"{"op":"signal","tenant":"acme","service":"chat","correction":10.001}"#, "out of range"),
      (#"{"op":"signal","tenant":"acme","service":"chat","correction":"off"}"#, "\"none\""),
      (#"{"op":"signal","tenant":"acm","service":"chat","correction":1}"#, "tenant is \"acme\""),
      (#"{"op":"signal","tenant":"acme","service":"chta","correction":1}"#, "is \"chat\""),
      ("", "$"), ("{", "$"), ("[]", "expected an object"),
    ])
  func badRequest(line: String, error: String) {
    let errors = Documents.errors("stream", line)
    #expect(errors.contains { $0.contains(error) }, "\(errors)")
  }
}
