import Foundation
import PoolAllocator
import PoolWire
import Synchronization
import Testing

/// The whole agent as a process, against a small server of ours.
@Suite("The agent as a daemon", .serialized)
struct DaemonTests {
  /// An agent that joined, reported, and was given a lease on its first GPU.
  private func granted(
    _ lease: String, _ fencing: String, killWithin: Span = .seconds(20)
  ) throws -> (agent: RunningAgent, leader: FakeLeader, server: FakeServer, gpu: Key) {
    let leader = FakeLeader()
    let server = try FakeServer { leader.answer($0) }
    let agent = try RunningAgent()
    try agent.join(server.url)
    try agent.wait("a report") { leader.gpu != nil }
    let gpu = try #require(leader.gpu?.key)
    let long = Span.seconds(600)
    leader.say(
      try leader.order(
        lease, fencing, .start(within: .seconds(60), runs: long), on: gpu, killWithin: killWithin))
    try agent.wait("the lease runs") { leader.heard(fencing) == "running" }
    leader.say(
      try leader.order(lease, fencing, .run(until: long), on: gpu, killWithin: killWithin))
    return (agent, leader, server, gpu)
  }

  /// Has a lease end soon: only another leadership may say that it ends earlier.
  private func end(
    _ lease: String, _ fencing: String, _ agent: RunningAgent, _ leader: FakeLeader, _ gpu: Key
  ) throws {
    let order = try leader.order(lease, fencing, .run(until: .seconds(2)), on: gpu)
    leader.state.withLock { state in
      state.epoch = 2
      state.orders = [order]
    }
    try agent.wait("the next leadership is heard") {
      agent.text("state/agent.json")?.contains("\"epoch\":2") == true
    }
  }

  @Test("a lease is handed out, outlives its agent, and is stopped")
  func life() throws {
    let (agent, leader, server, gpu) = try granted("L-0.1", "1.5")
    defer { server.shutDown() }
    let uuid = try #require(leader.gpu?.uuid)
    let folder = agent.state.appending(path: "leases/1.5")
    let variables = try String(contentsOf: folder.appending(path: "env"), encoding: .utf8)
    #expect(variables.hasPrefix("export CUDA_VISIBLE_DEVICES='\(uuid)'\n"))
    let document = try String(contentsOf: folder.appending(path: "lease.json"), encoding: .utf8)
    #expect(document.contains("\"claim\": \"train\"") && document.contains("\"\(uuid)\""))

    let seen = agent.folder.appending(path: "seen").path
    let work = try agent.exec(
      "L-0.1", "echo $CUDA_VISIBLE_DEVICES $$ >\(seen).new; mv \(seen).new \(seen); sleep 600")
    try agent.wait("the command runs") { agent.text("seen") != nil }
    let words = (agent.text("seen") ?? "").split(separator: " ")
    #expect(words.first.map(String.init) == uuid)
    let pid = try #require(words.last.flatMap { Int32($0) })

    agent.crash()
    #expect(kill(pid, 0) == 0)
    leader.forgetNews()
    try agent.start(server.url)
    try agent.wait("it is known to live") { leader.heard("1.5") == "running" }
    try agent.wait("the next start reports") {
      leader.state.withLock { $0.report?.report.generation == 2 }
    }
    #expect(leader.state.withLock { $0.report?.living.map(\.wire) } == ["1.5"])
    #expect(work.isRunning && kill(pid, 0) == 0)

    // Its table of fencing numbers was kept: an older number is not obeyed.
    leader.say(
      try leader.order("L-0.1", "1.5", .run(until: .seconds(600)), on: gpu),
      try leader.order(
        "L-1.1", "1.4", .start(within: .seconds(60), runs: .seconds(60)), on: gpu))
    try agent.wait("an old number is refused") {
      agent.errors.contains("order 1.4 is not obeyed: a device has seen a higher fencing number")
    }

    leader.say(try leader.order("L-0.1", "1.5", .stop(within: .seconds(60)), on: gpu))
    try agent.wait("it is over") { leader.heard("1.5") == "failed" }
    #expect(try agent.code(work) == 10)
    #expect(kill(pid, 0) != 0)
    leader.say()
    try agent.wait("its folder is gone") { agent.leaseFolders.isEmpty }
    #expect(leader.heard("1.4") == nil)
    #expect(leader.state.withLock { $0.problems } == [])
    #expect(!agent.errors.contains("secret") && !agent.errors.contains(FakeLeader.joinSecret))
  }

  @Test("work that ends by itself ends its lease", arguments: [(0, "completed"), (3, "failed")])
  func work(code: Int32, ending: String) throws {
    let (agent, leader, server, _) = try granted("L-0.1", "1.1")
    defer { server.shutDown() }
    let work = try agent.exec("L-0.1", "exit \(code)")
    #expect(try agent.code(work) == code)
    try agent.wait("the lease is over") { leader.heard("1.1") == ending }
    let late = try agent.exec("L-0.1", "true")
    #expect(try agent.code(late) == 10)
  }

  @Test("signals go on to the command")
  func signals() throws {
    let (agent, leader, server, _) = try granted("L-0.1", "1.1")
    defer { server.shutDown() }
    let ready = agent.folder.appending(path: "ready").path
    let work = try agent.exec(
      "L-0.1", "trap 'exit 5' TERM; touch \(ready); while :; do sleep 0.05; done")
    try agent.wait("the command runs") { agent.text("ready") != nil }
    kill(work.pid, SIGTERM)
    #expect(try agent.code(work) == 5)
    try agent.wait("the lease is over") { leader.heard("1.1") == "failed" }
  }

  @Test("without a server a lease ends when its time is over, whether its work likes it or not")
  func unreachable() throws {
    let (agent, leader, server, gpu) = try granted("L-0.1", "1.1", killWithin: .seconds(4))
    let ready = agent.folder.appending(path: "ready").path
    let work = try agent.exec(
      "L-0.1", "trap '' TERM; touch \(ready); while :; do sleep 0.05; done")
    try agent.wait("the command runs") { agent.text("ready") != nil }
    try end("L-0.1", "1.1", agent, leader, gpu)
    server.shutDown()
    #expect(try agent.code(work) == 10)
    #expect(agent.errors.contains("lease L-0.1 (1.1) is asked to end"))
    #expect(agent.errors.contains("lease L-0.1 (1.1) is killed"))
  }

  @Test("the credential is renewed before it ends")
  func renewal() throws {
    let leader = FakeLeader()
    leader.state.withLock { $0.lasts = 3 }
    let server = try FakeServer { leader.answer($0) }
    defer { server.shutDown() }
    let agent = try RunningAgent()
    try agent.join(server.url)
    try agent.wait("it uses another secret") {
      leader.state.withLock { $0.secretsSeen.contains("second-secret") }
    }
    let kept = try String(contentsOf: agent.state.appending(path: "credential"), encoding: .utf8)
    #expect(kept.contains("second-secret"))
    let mode =
      try FileManager.default.attributesOfItem(
        atPath: agent.state.appending(path: "credential").path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test("a credential follows no server to another", arguments: [301, 302, 307, 308])
  func redirect(status: Int) throws {
    let asked = Mutex(0)
    let other = try FakeServer { _ in
      asked.withLock { $0 += 1 }
      return FakeServer.Response(status: 500)
    }
    defer { other.shutDown() }
    let url = other.url
    let server = try FakeServer { request in
      FakeServer.Response(status: status, location: url + request.path)
    }
    defer { server.shutDown() }
    let agent = try RunningAgent()
    try agent.join(server.url)
    #expect(try agent.code(agent.process) == 1)
    #expect(agent.errors.contains("it answers \(status)"))
    #expect(asked.withLock { $0 } == 0)
  }

  @Test("an answer that makes no sense is no answer")
  func nonsense() throws {
    let (agent, leader, server, gpu) = try granted("L-0.1", "1.1")
    defer { server.shutDown() }
    leader.state.withLock { $0.refusesWith = 200 }
    try agent.wait("it says so") { agent.errors.contains("its reply cannot be read") }
    leader.state.withLock { $0.refusesWith = nil }
    try agent.wait("it goes on") { agent.errors.contains("the server answers again") }
    leader.say(try leader.order("L-0.1", "1.1", .stop(within: .seconds(60)), on: gpu))
    try agent.wait("it obeys again") { leader.heard("1.1") == "failed" }
  }

  @Test("a join credential that is not taken ends it with 7")
  func refusedJoin() throws {
    let leader = FakeLeader()
    leader.state.withLock { $0.joins = 1 }
    let server = try FakeServer { leader.answer($0) }
    defer { server.shutDown() }
    let agent = try RunningAgent()
    try agent.join(server.url)
    #expect(try agent.code(agent.process) == 7)
    #expect(agent.errors.contains("have another one made for node \"n1\""))
    #expect(!agent.errors.contains(FakeLeader.joinSecret))
  }

  @Test("a credential that is taken back ends it with 7, once no lease lives")
  func refusedMessages() throws {
    let (agent, leader, server, gpu) = try granted("L-0.1", "1.1")
    defer { server.shutDown() }
    try end("L-0.1", "1.1", agent, leader, gpu)
    leader.state.withLock { $0.refusesWith = 401 }
    #expect(try agent.code(agent.process) == 7)
    #expect(agent.errors.contains("lease L-0.1 (1.1) is asked to end"))
    #expect(agent.errors.contains("--join-file"))
    let again = try RunningAgent()
    try again.start(server.url)
    #expect(try again.code(again.process) == 7)
  }

  @Test("a damaged record, or a folder that another agent has, is refused")
  func refusals() throws {
    let (agent, _, server, _) = try granted("L-0.1", "1.1")
    defer { server.shutDown() }
    let second = try RunningAgent()
    try FileManager.default.createSymbolicLink(at: second.state, withDestinationURL: agent.state)
    try second.start(server.url)
    #expect(try second.code(second.process) == 1)
    #expect(second.errors.contains("another agent has the folder"))
    agent.crash()
    let file = agent.state.appending(path: "agent.json")
    let bytes = try Data(contentsOf: file)
    try bytes.prefix(bytes.count / 2).write(to: file)
    try agent.start(server.url)
    #expect(try agent.code(agent.process) == 1)
    #expect(agent.errors.contains("agent.json is damaged"))
    #expect(agent.errors.contains("then move the file away"))
    // Without its agent nobody starts anything.
    #expect(try agent.code(agent.exec("L-0.1", "true")) == 10)
  }

  @Test(
    "the credential goes over TLS, or to this machine",
    arguments: [
      "http://example.org", "http://127.0.0.1.example.org", "ftp://localhost", "https://",
      "http://user@127.0.0.1", "https://h?x",
    ])
  func plainText(url: String) throws {
    let agent = try RunningAgent()
    try agent.start(url)
    #expect(try agent.code(agent.process) == 2)
  }
}
