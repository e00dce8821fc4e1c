import Foundation
import PoolAllocator
import StrictJSON
import Testing

@testable import PoolWire

/// What an agent and a leader say, as texts that are right, for tests that make one thing wrong.
enum NodeTalk {
  static let boot = NameTable.key(.boot, "n1 > b7")
  static let claim = NameTable.key(.claim, "acme > c1")
  static let device = NameTable.key(.device, "GPU-1")

  static var message: String {
    """
    {"schema_version": 1, "kind": "node_message", "boot": "\(boot.wire)", "generation": 3,
     "sequence": 9, "started_ns": 123456789, "seen": 8,
     "news": [{"lease": "L-0.1", "fencing": "1.1"},
              {"lease": "L-1.3", "fencing": "1.2", "ending": "never_started"}],
     "report": \(report),
     "answers": {"epoch": 1, "number": 2}}
    """
  }

  static var report: String {
    Documents.node.replacing(
      "\"labels\"",
      with: """
        "note": "x", "rack": "r1", "approved": [{"profile": "cpu", "count": 1}], "boot_id": "b7",
        "generation": 3, "sequence": 9, "complete": true, "living": ["1.1"], "labels"
        """)
  }

  static var reply: String {
    """
    {"schema_version": 1, "kind": "node_reply", "epoch": 2, "generation": 3, "sequence": 9,
     "accepted_generation": 3, "accepted_sequence": 4, "boot": "\(boot.wire)", "started_ns": 5,
     "heard_sequence": 7, "ask": {"epoch": 2, "number": 1},
     "orders": [
      {"lease": "L-0.1", "fencing": "1.1", "op": "start", "within_seconds": 1.000000001,
       "runs_seconds": 60, "kill_within_seconds": 2.5, "claim_key": "\(claim.wire)",
       "tenant": "acme", "claim": "c1",
       "devices": [{"device": "\(device.wire)", "milli": 500, "memory_bytes": 1024}],
       "cpu_milli": 2000, "host_memory_bytes": 4096,
       "restrictions": ["egress-none", "tools-approved"]},
      {"lease": "L-1.1", "fencing": "1.2", "op": "run", "until_seconds": 0.25,
       "kill_within_seconds": 2, "claim_key": "\(claim.wire)", "tenant": "acme", "claim": "c1",
       "devices": [], "cpu_milli": 0, "host_memory_bytes": 0, "restrictions": []},
      {"lease": "L-2.1", "fencing": "1.3", "op": "stop", "within_seconds": 0,
       "kill_within_seconds": 2, "claim_key": "\(claim.wire)", "tenant": "acme", "claim": "c1",
       "devices": [], "cpu_milli": 0, "host_memory_bytes": 0, "restrictions": []}]}
    """
  }

  static func readMessage(_ text: String = message) throws(JSONErrors) -> NodeMessageForm {
    try NodeMessageForm(try JSONDocument(text: text), node: "n1")
  }

  static func readReply(_ text: String = reply) throws(JSONErrors) -> NodeReplyForm {
    try NodeReplyForm(try JSONDocument(text: text))
  }
}

@Suite("What nodes and leaders say")
struct NodeTalkTests {
  @Test("a message is read as it says")
  func message() throws {
    let form = try NodeTalk.readMessage()
    let message = form.message
    #expect(message.boot == NodeTalk.boot && message.generation == 3 && message.sequence == 9)
    #expect(message.started == 123_456_789 && message.seen == 8)
    #expect(message.news.map(\.lease.wire) == ["L-0.1", "L-1.3"])
    #expect(message.news.map(\.fencing.wire) == ["1.1", "1.2"])
    #expect(message.news.map(\.ending) == [nil, .neverStarted])
    #expect(message.answers == ReportAsk(epoch: 1, number: 2))
    let report = try #require(message.report)
    #expect(report.report.boot == message.boot && report.report.sequence == 9)
    #expect(report.living.map(\.wire) == ["1.1"])
    #expect(report.devices.count == 5 && report.isComplete)
    #expect(form.names.name(NodeTalk.device) == "GPU-1")
    #expect(form.names.name(NodeTalk.boot) == "n1 > b7")
  }

  @Test("a message is written as it is read")
  func messageRoundTrip() throws {
    let first = try NodeTalk.readMessage()
    let plain = try JSONDocument(
      text: Documents.node.replacing(
        "\"labels\"", with: "\"boot_id\": \"b7\", \"labels\""))
    var writer = JSONWriter(.compact)
    writer.nodeMessage(first.message, report: plain)
    let second = try NodeTalk.readMessage(writer.text)
    #expect(second.message.news == first.message.news)
    #expect(second.message.answers == first.message.answers)
    #expect(second.message.started == first.message.started)
    let (one, two) = (first.message.report, second.message.report)
    #expect("\(String(describing: one?.report))" == "\(String(describing: two?.report))")
    #expect(one?.living == two?.living)
    #expect(one?.devices == two?.devices)
    #expect(try Self.schemaKeys(writer.text).isSubset(of: Self.schemaKeys(NodeTalk.message)))
  }

  private static func schemaKeys(_ text: String) throws -> Set<String> {
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
    return Set((value as? [String: Any] ?? [:]).keys)
  }

  @Test("a message without a report says nothing of the node")
  func signOfLife() throws {
    let message = NodeMessage(boot: NodeTalk.boot, generation: 1, sequence: 1, seen: 0)
    var writer = JSONWriter(.compact)
    writer.nodeMessage(message, report: nil)
    let form = try NodeTalk.readMessage(writer.text)
    #expect(form.message.report == nil && form.message.answers == nil && form.names.count == 0)
    #expect(form.message.news.isEmpty && form.message.seen == 0)
  }

  @Test(
    "a message that contradicts itself is refused",
    arguments: [
      ("\"name\": \"n1\"", "\"name\": \"n2\"", "the report is of \"n2\", not of \"n1\""),
      ("\"boot_id\": \"b7\"", "\"boot_id\": \"b8\"", "the report is of another boot"),
      ("\"sequence\": 9, \"complete\"", "\"sequence\": 8, \"complete\"", "another sequence"),
      (
        "\"generation\": 3, \"sequence\": 9, \"complete\"",
        "\"generation\": 2, \"sequence\": 9, \"complete\"", "another generation"
      ),
      ("\"seen\": 8", "\"seen\": -1", "out of range"),
      ("\"seen\": 8,", "\"seen\": 8, \"x\": 1,", "unknown key"),
      ("node_message", "node_reply", "of another kind"),
      ("never_started", "lost", "unknown value"),
      ("\"L-1.3\"", "\"1.3\"", "no lease id"),
      ("\"number\": 2", "\"number\": 0", "out of range"),
      (NodeTalk.boot.wire, String(NodeTalk.boot.wire.dropLast()), "no key"),
      (NodeTalk.boot.wire, NodeTalk.boot.wire.uppercased(), "no key"),
    ])
  func badMessage(old: String, new: String, problem: String) throws {
    let text = NodeTalk.message
    let place = try #require(text.range(of: old))
    let changed = text.replacingCharacters(in: place, with: new)
    do {
      _ = try NodeTalk.readMessage(changed)
      Issue.record("\(new) was read")
    } catch {
      #expect("\(error)".contains(problem), "\(error)")
    }
  }

  @Test("an answer without a report is refused")
  func answersNothing() throws {
    let text = """
      {"schema_version": 1, "kind": "node_message", "boot": "\(NodeTalk.boot.wire)",
       "generation": 3, "sequence": 9, "started_ns": 0, "seen": 0, "news": [],
       "answers": {"epoch": 1, "number": 1}}
      """
    #expect(throws: JSONErrors.self) { try NodeTalk.readMessage(text) }
  }

  @Test("a reply is read as it says, and written as it is read")
  func reply() throws {
    let form = try NodeTalk.readReply()
    let orders = try #require(form.reply.orders)
    #expect(form.reply.epoch == 2 && form.reply.sequence == 9 && form.reply.heardSequence == 7)
    #expect(form.reply.acceptedGeneration == 3 && form.reply.acceptedSequence == 4)
    #expect(form.reply.boot == NodeTalk.boot && form.reply.started == 5)
    #expect(form.reply.ask == ReportAsk(epoch: 2, number: 1))
    #expect(
      orders.map(\.verb) == [
        .start(within: Span(ns: 1_000_000_001), runs: .seconds(60)),
        .run(until: Span(ns: 250_000_000)), .stop(within: .zero),
      ])
    #expect(orders[0].killWithin == Span(ns: 2_500_000_000))
    #expect(orders[0].claim == NodeTalk.claim)
    #expect(form.names.name(NodeTalk.claim) == "acme > c1")
    #expect(
      orders[0].devices == [
        DeviceShare(device: NodeTalk.device, milli: MilliGPU(500), memory: Bytes(1024))
      ])
    #expect(orders[0].cpu == MilliCPU(2000) && orders[0].hostMemory == Bytes(4096))
    #expect(orders[0].restrictions == 0b100_0001)
    var writer = JSONWriter(.pretty)
    writer.nodeReply(form.reply, names: form.names)
    var again = JSONWriter(.pretty)
    let second = try NodeTalk.readReply(writer.text)
    again.nodeReply(second.reply, names: second.names)
    #expect(writer.text == again.text)
    var source = JSONWriter(.pretty)
    source.value(try JSONDocument(text: NodeTalk.reply).root)
    #expect(writer.text == source.text)
  }

  @Test("a claim whose name is not known is told by its key; an empty reply has no orders")
  func bareReply() throws {
    let form = try NodeTalk.readReply()
    var writer = JSONWriter(.compact)
    writer.nodeReply(form.reply, names: NameTable())
    #expect(!writer.text.contains("tenant"))
    #expect(try NodeTalk.readReply(writer.text).reply.orders?[0].claim == NodeTalk.claim)
    writer = JSONWriter(.compact)
    writer.nodeReply(NodeReply(epoch: 1, generation: 1, sequence: 1), names: NameTable())
    let bare = try NodeTalk.readReply(writer.text).reply
    #expect(bare.orders == nil && bare.ask == nil && bare.boot == nil && bare.started == nil)
    #expect(bare.acceptedGeneration == 0 && bare.heardSequence == 0)
  }

  @Test(
    "a reply that is not exact is refused",
    arguments: [
      ("\"within_seconds\": 1.000000001", "\"within_seconds\": 1.0000000001", "no span"),
      ("\"within_seconds\": 1.000000001", "\"within_seconds\": -1", "no span"),
      ("\"within_seconds\": 1.000000001", "\"within_seconds\": \"1\"", "without quotes"),
      ("\"runs_seconds\": 60, ", "", "missing key \"runs_seconds\""),
      ("\"until_seconds\": 0.25", "\"within_seconds\": 0.25", "missing key \"until_seconds\""),
      ("\"op\": \"stop\"", "\"op\": \"end\"", "unknown value"),
      ("\"fencing\": \"1.2\"", "\"fencing\": \"1.1\"", "two orders have this number"),
      ("\"claim\": \"c1\"", "\"claim\": \"c2\"", "not the key of the claim"),
      ("\"tenant\": \"acme\", \"claim\": \"c1\"", "\"tenant\": \"acme\"", "go together"),
      ("tools-approved", "tools-all", "no restriction of this name"),
      (NodeTalk.device.wire, "GPU-1", "no key"),
      ("\"heard_sequence\": 7, ", "", "missing key \"heard_sequence\""),
    ])
  func badReply(old: String, new: String, problem: String) throws {
    let text = NodeTalk.reply.replacing("\n ", with: " ").replacing("  ", with: " ")
    let place = try #require(text.range(of: old), "\(old) is not there")
    let changed = text.replacingCharacters(in: place, with: new)
    do {
      _ = try NodeTalk.readReply(changed)
      Issue.record("\(new) was read")
    } catch {
      #expect("\(error)".contains(problem), "\(error)")
    }
  }

  @Test("one text per key")
  func keys() {
    for key in [Key(high: 0, low: 0), Key(high: 1, low: .max), NodeTalk.device] {
      #expect(Key(wire: key.wire) == key && key.wire.count == 32)
    }
    #expect(Key(wire: "+" + String(repeating: "0", count: 31)) == nil)
    #expect(Key(wire: "") == nil)
    #expect(NamePath.parts("a > b")?.last == "b" && NamePath.parts("a") == nil)
    #expect(NamePath.parts("a > b > c") == nil)
  }

  @Test("every ending has one word", arguments: LeaseEnding.allCases)
  func endings(ending: LeaseEnding) {
    #expect(LeaseEnding(word: ending.word) == ending)
  }
}
