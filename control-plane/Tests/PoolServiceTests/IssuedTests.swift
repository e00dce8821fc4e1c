import Foundation
import PoolAllocator
import PoolClient
import Testing

@testable import PoolService

/// What the audit log has of secrets that were given out, and of who was refused.
@Suite struct IssuedTests {
  /// The allocator has identities of its own.
  private typealias Identity = PoolService.Identity

  /// The rows of the audit log that are of an operation.
  private static func rows(_ rig: Rig, _ op: String) async throws -> [[String: Any]] {
    let reply = try await rig.root.send("GET", "v1/decisions", query: ["limit": "1000"])
    let rows = reply.object["decisions"] as? [[String: Any]] ?? []
    return rows.filter { ($0["request"] as? [String: Any])?["op"] as? String == op }
  }

  /// What the only row of an operation says.
  private static func only(
    _ rig: Rig, _ op: String
  ) async throws -> (principal: String?, request: [String: Any]) {
    let rows = try await rows(rig, op)
    #expect(rows.count == 1, "\(op)")
    let row = try #require(rows.first)
    return (row["principal"] as? String, row["request"] as? [String: Any] ?? [:])
  }

  @Test func aCredentialIsWrittenDownWithoutItsSecret() async throws {
    try await Rig.serving { rig in
      let root = try rig.root
      let made = try await root.send(
        "POST", "v1/credentials",
        #"{"principal": "agent:a", "role": "workload", "tenant": "acme", "for_seconds": 60}"#)
      let secret = try #require(made.object["credential"] as? String)
      let (principal, request) = try await Self.only(rig, "credential")
      #expect(principal == "root")
      #expect(request["to"] as? String == "agent:a" && request["role"] as? String == "workload")
      #expect(request["subject"] as? String == "acme" && request["for_seconds"] as? Int == 60)
      #expect(request["secret_mark"] as? String == Digest.mark(secret))
      let all = try await root.send("GET", "v1/decisions").body
      #expect(!String(decoding: all, as: UTF8.self).contains(secret.dropFirst(5)))
    }
  }

  @Test func aNodesCredentialsAreWrittenDown() async throws {
    try await Rig.serving { rig in
      let enrolled = try await rig.root.send("POST", "v1/nodes", Documents.node())
      let join = try #require(enrolled.object["join_credential"] as? String)
      let joined = try await rig.client(token: join).send("POST", "v1/join", "{}")
      let first = try #require(joined.object["credential"] as? String)
      let renewed = try await rig.client(token: first).send("POST", "v1/nodes/n-1/credential")
      let second = try #require(renewed.object["credential"] as? String)
      for (op, by, to, secret) in [
        ("invite", "root", "join:n-1", join), ("join", "join:n-1", "node:n-1", first),
        ("rotate", "node:n-1", "node:n-1", second),
      ] {
        let (principal, request) = try await Self.only(rig, op)
        #expect(principal == by && request["to"] as? String == to, "\(op)")
        #expect(request["secret_mark"] as? String == Digest.mark(secret), "\(op)")
      }
    }
  }

  @Test func aTokenIsWrittenDownWithWhatItAllows() async throws {
    try await Rig.serving { rig in
      let budget = #"{"tenant": "acme", "budget": "b", "limit_gpu_seconds": 1, "for_seconds": 60}"#
      #expect(try await rig.root.send("POST", "v1/delegations", budget).status == 200)
      let owner = try rig.client(Identity("human:lead", .owner, of: "acme"))
      let given = try await owner.send(
        "POST", "v1/delegations/acme/b/token",
        #"{"to": "agent:a", "actions": ["look", "execute"], "for_seconds": 30}"#)
      let secret = try #require(given.object["token"] as? String)
      let (principal, request) = try await Self.only(rig, "token")
      #expect(principal == "human:lead" && request["to"] as? String == "agent:a")
      #expect(request["tenant"] as? String == "acme" && request["budget"] as? String == "b")
      #expect(request["actions"] as? [String] == ["execute", "look"])
      #expect(request["for_seconds"] as? Int == 30)
      #expect(request["secret_mark"] as? String == Digest.mark(secret))
    }
  }

  @Test func whoIsRefusedIsWrittenDown() async throws {
    try await Rig.serving { rig in
      let workload = try rig.client(Identity("agent:a", .workload, of: "acme"))
      for _ in 0..<3 { #expect(try await workload.send("GET", "metrics").status == 403) }
      #expect(try await rig.client(token: "pool_0").send("GET", "v1/queue").status == 401)
      for _ in 0..<200 {
        let rows = try await Self.rows(rig, "denied")
        var times: [String: Int] = [:]
        for row in rows {
          let request = row["request"] as? [String: Any] ?? [:]
          times[row["principal"] as? String ?? "", default: 0] += request["times"] as? Int ?? 0
        }
        if times == ["agent:a": 3, "(unknown)": 1] {
          let first = rows.first { $0["principal"] as? String == "agent:a" }
          let request = first?["request"] as? [String: Any]
          #expect(request?["code"] as? String == "not_authorised")
          #expect(request?["status"] as? Int == 403 && request?["path"] as? String == "/metrics")
          return
        }
        try await Task.sleep(for: .milliseconds(50))
      }
      Issue.record("it was not written down")
    }
  }

  @Test func whoIsRefusedOftenFillsNoDisk() {
    var denials = Denials()
    func denial(_ name: String) -> Denials.Denial {
      Denials.Denial(
        identity: Identity(name, .owner, of: "acme"), code: "not_authorised", status: 403,
        method: "GET", path: "/v1/nodes")
    }
    var firsts = 0
    for turn in 0..<1_000 where denials.note(denial("p-\(turn % 100)")) { firsts += 1 }
    #expect(firsts == 1)
    let asks = denials.take(under: PolicyGeneration(1))
    #expect(asks.count == Denials.most + 1)
    let last = asks.first { $0.principal == "(others)" }
    let text = String(decoding: last?.document ?? [], as: UTF8.self)
    #expect(text.contains("\"times\":\(1_000 - 10 * Denials.most)"), "\(text)")
    #expect(denials.take(under: PolicyGeneration(1)).isEmpty)
  }
}
