import Foundation
import Testing

/// What the agent says to systemd, where that started it.
@Suite("The agent under a supervisor")
struct SupervisorTests {
  /// A socket as systemd gives it.
  private final class Ear {
    let path: String
    private let socket: Int32

    init(in folder: URL) throws {
      path = folder.appending(path: "notify").path
      socket = Foundation.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      let bytes = Array(path.utf8)
      try #require(bytes.count < MemoryLayout.size(ofValue: address.sun_path))
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
      let length = socklen_t(MemoryLayout<sockaddr_un>.size)
      let isBound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) == 0 }
      }
      try #require(isBound)
    }

    deinit { close(socket) }

    /// The next word, if one was said.
    func next() -> String? {
      var bytes = [UInt8](repeating: 0, count: 256)
      let count = recv(socket, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
    }
  }

  @Test("it says that it is ready, and then that it gets on", arguments: [false, true])
  func words(isWatched: Bool) throws {
    let leader = FakeLeader()
    let server = try FakeServer { leader.answer($0) }
    defer { server.shutDown() }
    let agent = try RunningAgent()
    let ear = try Ear(in: agent.folder)
    var variables = ["NOTIFY_SOCKET": ear.path]
    if isWatched { variables["WATCHDOG_USEC"] = "30000000" }
    try agent.join(server.url, variables: variables)
    var first: String?
    try agent.wait("the first word") {
      first = ear.next()
      return first != nil
    }
    #expect(first == "READY=1")
    #expect(agent.text("state/credential") != nil)
    if isWatched {
      var second: String?
      try agent.wait("a sign of life") {
        second = ear.next()
        return second != nil
      }
      #expect(second == "WATCHDOG=1")
    } else {
      try agent.wait("a report") { leader.gpu != nil }
      #expect(ear.next() == nil)
    }
  }
}

/// The units that come with the programs.
@Suite("Units of systemd")
struct UnitTests {
  @Test(
    "a unit has a watchdog, and is shut off from what it does not need",
    arguments: ["pool-agent", "pool-server"])
  func unit(name: String) throws {
    let file = RunningAgent.root.appending(path: "packaging/\(name).service")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.contains("Type=notify"))
    #expect(lines.contains { $0.hasPrefix("WatchdogSec=") })
    for line in [
      "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes",
      "RestrictNamespaces=yes", "SystemCallArchitectures=native",
    ] {
      #expect(lines.contains { $0 == line }, "\(name): \(line)")
    }
  }
}
