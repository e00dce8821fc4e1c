import AgentCore
import Dispatch
import Foundation
import PoolAllocator
import PoolClient
import PoolWire
import StrictJSON
import Testing

/// The production agent with a node of text: what it starts lives until it is told to end.
struct TestAgent {
  private var agent: Agent
  private let client: PoolClient
  private let node: String
  private let document: JSONDocument
  /// Leases that live, by fencing number.
  private(set) var living: [Fencing: String] = [:]

  /// Joins with a join credential.
  init(
    _ node: String, join: String, _ client: (String) -> PoolClient
  ) async throws {
    let text = Documents.node(node)
    let reply = try await client(join).send(
      "POST", "v1/join", #"{"schema_version":1,"kind":"join","node":\#(text)}"#)
    #expect(reply.status == 201)
    let credential = try #require(reply.object["credential"] as? String)
    try self.init(node, client(credential))
  }

  init(_ node: String, _ client: PoolClient) throws {
    self.node = node
    self.client = client
    document = try JSONDocument(text: Documents.node(node))
    let parsed = try NodeDocument(document)
    agent = Agent(record: nil, boot: NameTable.key(.boot, NamePath.join(node, "1")))
    let report = parsed.advertisement.report
    agent.take(
      Inventory(
        enforcement: report.enforcement, cpu: report.cpu, hostMemory: report.hostMemory,
        devices: parsed.advertisement.devices))
  }

  private static var now: BootTime {
    BootTime(ns: Int64(DispatchTime.now().uptimeNanoseconds))
  }

  /// Does what is due, and talks once to the server if there is something to say.
  /// - Returns: whether it talked.
  @discardableResult
  mutating func turn() async throws -> Bool {
    let output = agent.run(at: Self.now)
    if let record = output.record { agent.stored(record.number) }
    for action in output.actions {
      switch action {
      case .start(let order):
        living[order.fencing] = order.lease.wire
        agent.saw(.started, of: order.fencing, at: Self.now)
      case .stop(let fencing), .kill(let fencing):
        living[fencing] = nil
        agent.saw(.exited(.completed), of: fencing, at: Self.now)
      case .inspect(let fencing):
        agent.saw(.exited(.failed), of: fencing, at: Self.now)
      }
    }
    guard let message = output.message else {
      try await Task.sleep(for: .milliseconds(20))
      return false
    }
    var writer = JSONWriter()
    writer.nodeMessage(message, report: document)
    let reply = try await client.send("POST", "v1/nodes/\(node)/messages", writer.text)
    if reply.status == 200 {
      let form = try NodeReplyForm(try JSONDocument(Array(reply.body)))
      agent.take(form.reply, at: Self.now)
    } else {
      #expect(
        reply.status == 204, "\(reply.status): \(String(decoding: reply.body, as: UTF8.self))")
    }
    return true
  }

  /// Talks until something is so; a server holds a reply for 4 s at most.
  mutating func turn(until isSo: () async throws -> Bool) async throws {
    for _ in 0..<200 {
      if try await isSo() { return }
      try await turn()
    }
    Issue.record("it did not come about")
  }
}
