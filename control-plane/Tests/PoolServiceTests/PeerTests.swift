import Foundation
import Glibc
import PoolStore
import Testing

@testable import PoolClient
@testable import PoolService

/// Who asks through a Unix socket is who the kernel says.
@Suite struct PeerTests {
  /// A server that listens at a socket, too, once its file is as it stays.
  private static func serving(
    _ peers: SocketPeers, _ body: (Rig, String) async throws -> Void
  ) async throws {
    try await Rig.inFolder { folder in
      let path = folder + "/pool.sock"
      try await Rig.serving(folder, socket: try LocalSocket(path, peers)) { rig in
        for _ in 0..<500 where Self.mode(path) != 0o660 {
          try await Task.sleep(for: .milliseconds(10))
        }
        #expect(Self.mode(path) == 0o660)
        try await body(rig, path)
      }
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  private static func mode(_ path: String) -> Int? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return (attributes?[.posixPermissions] as? NSNumber)?.intValue
  }

  private static func peers(_ text: String) async throws -> SocketPeers {
    var read: SocketPeers?
    try await Rig.inFolder { file in
      let document = #"{"schema_version": 1, "kind": "socket_peers", "peers": [\#(text)]}"#
      try Data(document.utf8).write(to: URL(fileURLWithPath: file))
      read = try SocketPeers(file: file)
    }
    return try #require(read)
  }

  // MARK: a caller without a library

  /// A socket of this process with an address.
  private static func open(
    _ path: String, _ take: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) -> CInt? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { take(file, $0, length) }
    }
    if result == 0 { return file }
    close(file)
    return nil
  }

  private static func exchange(_ path: String, _ request: String) -> String {
    guard let file = Self.open(path, { connect($0, $1, $2) }) else { return "" }
    defer { close(file) }
    let bytes = Array(request.utf8)
    guard write(file, bytes, bytes.count) == bytes.count else { return "" }
    var answer: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = read(file, &part, part.count)
      guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
      answer += part[..<count]
    }
  }

  /// Asks through a socket.
  /// - Returns: the status and the whole answer.
  private static func ask(
    _ path: String, _ target: String, with headers: String = ""
  ) async -> (status: Int, text: String) {
    let request = "GET \(target) HTTP/1.1\r\nHost: pool\r\nConnection: close\r\n\(headers)\r\n"
    let text = await withCheckedContinuation { next in
      DispatchQueue.global().async { next.resume(returning: Self.exchange(path, request)) }
    }
    return (Int(text.dropFirst(9).prefix(3)) ?? 0, text)
  }

  // MARK: who asks

  @Test func aUserOfThisMachineIsKnown() async throws {
    let own = #"{"uid": \#(getuid()), "principal": "human:own", "role": "operator"}"#
    try await Self.serving(try await Self.peers(own)) { (rig, path) async throws in
      #expect(await Self.ask(path, "/healthz").status == 200)
      let seen = await Self.ask(path, "/v1/decisions")
      #expect(seen.status == 200 && seen.text.contains(#""principal":"test""#))
      // Through the other door nobody is known by being here.
      #expect(try await rig.client(token: "").send("GET", "v1/decisions").status == 401)
    }
  }

  @Test func aUserHasTheRoleOfTheirRow() async throws {
    let own = #"{"uid": \#(getuid()), "principal": "a", "role": "owner", "tenant": "acme"}"#
    try await Self.serving(try await Self.peers(own)) { _, path in
      #expect(await Self.ask(path, "/v1/queue").status == 200)
      #expect(await Self.ask(path, "/v1/decisions").status == 403)
      #expect(await Self.ask(path, "/v1/claims/zeta/c").status == 404)
    }
  }

  @Test func aUserWhoIsNotNamedIsNobody() async throws {
    let other = #"{"uid": \#(getuid() + 1), "principal": "other", "role": "operator"}"#
    for peers in [other, ""] {
      try await Self.serving(try await Self.peers(peers)) { _, path in
        #expect(await Self.ask(path, "/v1/queue").status == 401)
        #expect(await Self.ask(path, "/healthz").status == 200)
      }
    }
  }

  @Test func whoShowsACredentialIsWhoseItIs() async throws {
    let own = SocketPeers(own: Identity("human:own", .operator))
    try await Self.serving(own) { (rig, path) async throws in
      for wrong in ["Bearer pool_0", "Bearer chain_0", "Bearer ", "Basic eDp5"] {
        let reply = await Self.ask(path, "/v1/queue", with: "Authorization: \(wrong)\r\n")
        #expect(reply.status == 401, "\(wrong)")
      }
      let token = try rig.server.credentials.issue(
        Identity("lead", .owner, of: "acme"), for: 60)
      let bearer = "Authorization: Bearer \(token)\r\n"
      #expect(await Self.ask(path, "/v1/queue", with: bearer).status == 200)
      #expect(await Self.ask(path, "/v1/decisions", with: bearer).status == 403)
    }
  }

  @Test(arguments: [
    #"{"uid": 1, "principal": "a", "role": "owner"}"#,
    #"{"uid": 1, "principal": "a", "role": "operator", "tenant": "acme"}"#,
    #"{"uid": 1, "principal": "a", "role": "node", "tenant": "n-1"}"#,
    #"{"uid": -1, "principal": "a", "role": "operator"}"#,
    #"{"uid": 4294967295, "principal": "a", "role": "operator"}"#,
    #"{"uid": "1", "principal": "a", "role": "operator"}"#,
    #"{"uid": 1, "gid": 1, "principal": "a", "role": "operator"}"#,
    """
    {"uid": 1, "principal": "a", "role": "operator"},
    {"uid": 1, "principal": "b", "role": "operator"}
    """,
  ])
  func aWrongDocumentIsRefused(peers: String) async throws {
    await #expect(throws: StoreError.self) { try await Self.peers(peers) }
  }

  @Test func aServerThatSaysNothingIsGivenUp() async throws {
    try await Rig.inFolder { path in
      let file = try #require(Self.open(path) { bind($0, $1, $2) })
      defer { close(file) }
      #expect(listen(file, 1) == 0)
      do throws(ClientError) {
        _ = try await SocketLine(path: path).ask(
          "GET", "/healthz", [], nil, within: .milliseconds(50))
        Issue.record("nobody is there to answer")
      } catch {
        guard case .unreachable(let what) = error else {
          Issue.record("\(error)")
          return
        }
        #expect(what.hasPrefix(path) && what.contains("no answer within"), "\(what)")
      }
    }
  }

  // MARK: the file

  @Test func onlyASocketThatNobodyHasIsRemoved() async throws {
    try await Rig.inFolder { path in
      let own = try LocalSocket(path, SocketPeers(own: Identity("own", .operator)))
      try own.clear()
      // What a server leaves behind that was killed.
      let file = try #require(Self.open(path) { bind($0, $1, $2) })
      #expect(listen(file, 1) == 0)
      #expect(throws: StoreError.self) { try own.clear() }
      close(file)
      #expect(FileManager.default.fileExists(atPath: path))
      try own.clear()
      #expect(!FileManager.default.fileExists(atPath: path))
      try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: StoreError.self) { try own.clear() }
      #expect(FileManager.default.fileExists(atPath: path))
    }
    let long = "/tmp/" + String(repeating: "x", count: 108)
    #expect(throws: StoreError.self) {
      try LocalSocket(long, SocketPeers(own: Identity("own", .operator)))
    }
  }
}
