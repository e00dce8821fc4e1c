import Dispatch
import Foundation
import Glibc
import PoolClient
import PoolService
import Testing

/// A connection to a port of this machine, by hand.
private final class Line: Sendable {
  private let socket: CInt

  init(_ port: Int) throws {
    socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(status == 0)
    var span = timeval(tv_sec: 12, tv_usec: 0)
    setsockopt(
      socket, SOL_SOCKET, SO_RCVTIMEO, &span, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(socket) }

  /// - Returns: whether the other side still takes it.
  @discardableResult
  func send(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return Glibc.send(socket, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count
  }

  /// The first line of what comes; nil where nothing does, or the connection ends.
  func answer() async -> String? { await head().first }

  /// The lines of what comes; nobody else waits for them.
  func head() async -> [String] {
    await withCheckedContinuation { next in
      DispatchQueue.global().async { next.resume(returning: self.lines()) }
    }
  }

  private func lines() -> [String] {
    var bytes = [UInt8](repeating: 0, count: 16_384)
    let count = recv(socket, &bytes, bytes.count, 0)
    guard count > 0 else { return [] }
    return String(decoding: bytes[..<count], as: UTF8.self)
      .split(separator: "\r\n").map { String($0) }
  }
}

/// Nobody holds a connection by sending slowly, or makes the server keep much.
@Suite struct PaceTests {
  @Test func aHeadThatIsNotSentEndsTheConnection() async throws {
    try await Rig.serving { rig in
      let line = try Line(rig.port)
      line.send("GET /healthz HTTP/1.1\r\nhost: a\r\n")
      #expect(await line.answer() == "HTTP/1.1 408 Request Timeout")
      #expect(await line.answer() == nil)
    }
  }

  @Test func aHeadThatIsSentInDropsEndsTheConnection() async throws {
    try await Rig.serving { rig in
      let line = try Line(rig.port)
      line.send("GET /healthz HTTP/1.1\r\n")
      var drops = 0
      while drops < 60, line.send("x-\(drops): 1\r\n") {
        drops += 1
        try await Task.sleep(for: .milliseconds(200))
      }
      #expect(drops < 60)
      #expect(await line.answer() == "HTTP/1.1 408 Request Timeout")
    }
  }

  @Test func aBodyThatIsSentInDropsEndsTheConnection() async throws {
    try await Rig.serving { rig in
      let line = try Line(rig.port)
      let token = try rig.server.credentials.issue(Identity("root", .operator), for: 600)
      line.send(
        "POST /v1/claims HTTP/1.1\r\nhost: a\r\nauthorization: Bearer \(token)\r\n"
          + "content-length: 5000\r\n\r\n{")
      #expect(await line.answer() == "HTTP/1.1 408 Request Timeout")
    }
  }

  /// A connection that did something before is held to the same, and one that rests is not.
  @Test func aConnectionThatRestsIsKept() async throws {
    try await Rig.serving { rig in
      let line = try Line(rig.port)
      line.send("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
      #expect(await line.answer() == "HTTP/1.1 200 OK")
      try await Task.sleep(for: .seconds(6))
      line.send("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
      #expect(await line.answer() == "HTTP/1.1 200 OK")
      line.send("GET /healthz HTTP/1.1\r\n")
      #expect(await line.answer() == "HTTP/1.1 408 Request Timeout")
    }
  }

  @Test func headersAreFewAndShort() async throws {
    try await Rig.serving { rig in
      for headers in [
        (0..<101).map { "x-\($0): 1\r\n" }.joined(),
        "x: \(String(repeating: "a", count: 17_000))\r\n",
      ] {
        let line = try Line(rig.port)
        line.send("GET /healthz HTTP/1.1\r\nhost: a\r\n\(headers)\r\n")
        let answer = await line.answer()
        #expect(answer == nil || answer?.hasPrefix("HTTP/1.1 4") == true, "\(answer ?? "")")
      }
    }
  }

  /// What a tenant has left is said beside a refusal for want of it.
  @Test func aRefusalSaysWhatTheBucketHolds() async throws {
    try await Rig.serving(isPolicyDirect: true) { rig in
      let policy = Documents.policy
        .replacingOccurrences(of: "\"generation\": 1", with: "\"generation\": 2")
        .replacingOccurrences(of: "\"park\"", with: "\"reject\"")
        .replacingOccurrences(
          of: "{\"burst_gpu_seconds\": 1000, \"refill_gpu_seconds_per_hour\": 3600}",
          with: "{\"burst_gpu_seconds\": 2, \"refill_gpu_seconds_per_hour\": 3.6}")
      let reply = try await rig.root.send("PUT", "v1/policy", policy)
      #expect(reply.status == 200, "\(String(decoding: reply.body, as: UTF8.self))")
      // A quantum of half a core is 0.6 GPU-seconds: the bucket has three, and room for no more.
      _ = try await rig.joined()
      var answers: [[String]] = []
      for number in 0..<5 {
        answers.append(try await Self.asked(rig, Documents.claim("c-\(number)", milli: 500)))
      }
      let refused = try #require(answers.first { $0[0].hasPrefix("HTTP/1.1 429") }, "\(answers)")
      let headers = refused.map { $0.lowercased() }
      #expect(headers.contains { $0.hasPrefix("retry-after: ") })
      #expect(
        headers.contains("ratelimit-policy: \"acme\";q=2;w=2000;qu=\"gpu-seconds\""),
        "\(headers)")
      #expect(headers.contains { $0.hasPrefix("ratelimit: \"acme\";r=0;t=") }, "\(headers)")
    }
  }

  /// Asks for a claim by hand.
  /// - Returns: the first line of the answer, and its headers.
  private static func asked(_ rig: Rig, _ body: String) async throws -> [String] {
    let token = try rig.server.credentials.issue(Identity("root", .operator), for: 600)
    let line = try Line(rig.port)
    line.send(
      "POST /v1/claims HTTP/1.1\r\nhost: a\r\nauthorization: Bearer \(token)\r\n"
        + "content-length: \(body.utf8.count)\r\n\r\n\(body)")
    return await line.head()
  }
}
