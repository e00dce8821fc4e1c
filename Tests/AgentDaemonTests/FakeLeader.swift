import Foundation
import PoolAllocator
import PoolWire
import StrictJSON
import Synchronization

/// As much of a leader as one node needs: it takes reports in, and orders what a test says.
final class FakeLeader: Sendable {
  struct State {
    var epoch: UInt32 = 1
    var secret = "first-secret"
    var lasts = 3600
    /// What is answered in place of anything else; nil: what is right.
    var refusesWith: Int?
    var orders: [LeaseOrder] = []
    /// The report that is in force.
    var report: Advertisement?
    var names = NameTable()
    var asked: UInt64 = 0
    /// Every piece of news that was heard, in its order.
    var news: [LeaseNews] = []
    var secretsSeen: Set<String> = []
    var joins = 0
    var problems: [String] = []
  }

  static let joinSecret = "join-me-once"
  let state = Mutex(State())

  func answer(_ request: FakeServer.Request) -> FakeServer.Response {
    let answer = state.withLock { state in
      state.secretsSeen.insert(request.secret)
      if let status = state.refusesWith {
        return FakeServer.Response(
          status: status, body: "{\"title\":\"no\",\"detail\":\"not that one\"}")
      }
      switch request.path {
      case "/v1/join": return Self.join(request, &state)
      case "/v1/nodes/n1/credential": return Self.renew(request, &state)
      case "/v1/nodes/n1/messages": return Self.message(request, &state)
      default: return FakeServer.Response(status: 404)
      }
    }
    // As a leader does that has nothing to say; or the agent would ask without a pause.
    if request.path.hasSuffix("messages") { usleep(100_000) }
    return answer
  }

  private static func credential(_ state: State) -> String {
    """
    {"node":"n1","credential":"\(state.secret)","expires_in_seconds":\(state.lasts)}
    """
  }

  private static func join(
    _ request: FakeServer.Request, _ state: inout State
  ) -> FakeServer.Response {
    guard request.secret == joinSecret, state.joins == 0 else {
      return FakeServer.Response(status: 401)
    }
    let text = String(decoding: request.body, as: UTF8.self)
    guard text.hasPrefix("{\"schema_version\":1,\"kind\":\"join\",\"node\":{") else {
      state.problems.append(text)
      return FakeServer.Response(status: 400)
    }
    state.joins += 1
    return FakeServer.Response(status: 201, body: credential(state))
  }

  private static func renew(
    _ request: FakeServer.Request, _ state: inout State
  ) -> FakeServer.Response {
    guard request.secret == state.secret else { return FakeServer.Response(status: 401) }
    state.secret = "second-secret"
    state.lasts = 3600
    return FakeServer.Response(status: 200, body: credential(state))
  }

  private static func message(
    _ request: FakeServer.Request, _ state: inout State
  ) -> FakeServer.Response {
    guard request.secret == state.secret || request.secret == "first-secret" else {
      return FakeServer.Response(status: 401)
    }
    let form: NodeMessageForm
    do {
      form = try NodeMessageForm(JSONDocument(Array(request.body)), node: "n1")
    } catch {
      state.problems.append("\(error)")
      return FakeServer.Response(status: 400)
    }
    let message = form.message
    state.news += message.news
    let ask = ReportAsk(epoch: state.epoch, number: max(state.asked, 1))
    if let report = message.report, message.answers == ask || isKnown(message, state) {
      state.report = report
      state.names = form.names
    }
    var reply = NodeReply(
      epoch: state.epoch, generation: message.generation, sequence: message.sequence,
      acceptedGeneration: state.report?.report.generation ?? 0,
      acceptedSequence: state.report?.report.sequence ?? 0)
    (reply.boot, reply.started) = (message.boot, message.started)
    if isKnown(message, state) {
      reply.orders = state.orders
    } else {
      state.asked = max(state.asked, 1)
      reply.ask = ask
    }
    var names = NameTable()
    _ = try? names.intern(.claim, "acme > train")
    var writer = JSONWriter(.compact)
    writer.nodeReply(reply, names: names)
    return FakeServer.Response(status: 200, body: writer.text)
  }

  private static func isKnown(_ message: NodeMessage, _ state: State) -> Bool {
    state.report?.report.boot == message.boot
      && state.report?.report.generation == message.generation
  }

  // MARK: what a test says and asks

  /// The first GPU that was reported.
  var gpu: (key: Key, uuid: String)? {
    state.withLock { state in
      guard let key = state.report?.devices.first(where: { $0.kind == .gpu })?.key,
        let uuid = state.names.name(key)
      else { return nil }
      return (key, uuid)
    }
  }

  /// An order for the first GPU.
  func order(
    _ lease: String, _ fencing: String, _ verb: LeaseOrder.Verb, on gpu: Key,
    killWithin: Span = .seconds(20)
  ) throws -> LeaseOrder {
    guard let lease = LeaseID(wire: lease), let fencing = Fencing(wire: fencing) else {
      throw CocoaError(.coderInvalidValue)
    }
    var order = LeaseOrder(
      lease: lease, fencing: fencing, verb: verb, killWithin: killWithin,
      devices: [DeviceShare(device: gpu, milli: .whole, memory: .zero)])
    order.claim = NameTable.key(.claim, "acme > train")
    order.cpu = MilliCPU(2000)
    return order
  }

  func say(_ orders: LeaseOrder...) {
    state.withLock { $0.orders = orders }
  }

  /// What was heard of a lease last: "running", or how it ended; nil: nothing.
  func heard(_ fencing: String) -> String? {
    state.withLock { state in
      state.news.last { $0.fencing.wire == fencing }.map { $0.ending?.word ?? "running" }
    }
  }

  func forgetNews() { state.withLock { $0.news = [] } }
}
