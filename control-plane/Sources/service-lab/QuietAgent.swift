import AgentCore
import Dispatch
import PoolAllocator
import PoolService
import PoolWire
import StrictJSON

/// An agent that says that its node is there, and starts nothing.
struct QuietAgent {
  private var agent: Agent
  private let node: String
  private let document: JSONDocument

  /// - Parameter text: the node's document.
  init(_ node: String, _ text: String) throws {
    self.node = node
    document = try JSONDocument(text: text)
    let parsed = try NodeDocument(document)
    agent = Agent(record: nil, boot: NameTable.key(.boot, NamePath.join(node, "1")))
    let report = parsed.advertisement.report
    agent.take(
      Inventory(
        enforcement: report.enforcement, cpu: report.cpu, hostMemory: report.hostMemory,
        devices: parsed.advertisement.devices))
  }

  /// The last member of a reply that has any.
  private static let orders = Array(#","orders":["#.utf8)

  private static var now: BootTime {
    BootTime(ns: Int64(DispatchTime.now().uptimeNanoseconds))
  }

  /// Says what is due, and hears the reply.
  mutating func talk(to engine: Engine) async throws {
    let output = agent.run(at: Self.now)
    if let record = output.record { agent.stored(record.number) }
    guard let message = output.message else { return }
    var writer = JSONWriter()
    writer.nodeMessage(message, report: document)
    let form = try NodeMessageForm(try JSONDocument(writer.bytes), node: node)
    var reply: [UInt8]
    do throws(Unasked) {
      reply = try await engine.hear(form, from: node)
    } catch {
      // A later message is replied to instead; anything else is told with the next one.
      return
    }
    // Orders are read on the nodes of a cluster, not where the server is measured.
    if let orders = reply.firstRange(of: Self.orders) {
      reply.replaceSubrange(orders.lowerBound..., with: [UInt8(ascii: "}")])
    }
    agent.take(try NodeReplyForm(try JSONDocument(reply)).reply, at: Self.now)
  }
}
