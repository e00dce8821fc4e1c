import Foundation
import PoolClient
import PoolService
import Testing

/// Emergencies of buckets: asked for by one approver of the policy, opened by another one.
@Suite struct EmergencyTests {
  private static let policy = Documents.policy
    .replacingOccurrences(of: "\"generation\": 1", with: "\"generation\": 2")
    .replacingOccurrences(
      of: "\"tenants\": [",
      with: """
        "emergency": {"approvers": ["human:ann", "human:bob"], "lasts_max_seconds": 3600},
        "tenants": [
        """
    )
    .replacingOccurrences(
      of: "\"burst_gpu_seconds\": 1000,",
      with: "\"burst_gpu_seconds\": 1000, \"emergency_gpu_seconds\": 100,")

  private static func serving(_ body: (Rig) async throws -> Void) async throws {
    try await Rig.serving { rig in
      try await rig.server.activate(Array(policy.utf8), by: "test")
      try await body(rig)
    }
  }

  private static func form(
    _ bucket: String = "acme", reason: String = "the site is down", seconds: Int = 600
  ) -> String {
    #"{"bucket": "\#(bucket)", "reason": "\#(reason)", "for_seconds": \#(seconds)}"#
  }

  private static func row(_ reply: Reply) -> [String: Any] {
    reply.object["emergency"] as? [String: Any] ?? [:]
  }

  private static func isOpen(_ bucket: String, _ client: PoolClient) async throws -> Bool {
    let list = try await client.send("GET", "v1/buckets").object["buckets"] as? [[String: Any]]
    let row = list?.first { $0["bucket"] as? String == bucket }
    return row?["emergency_until_ms"] != nil
  }

  @Test func twoApproversOpenOne() async throws {
    try await Self.serving { rig in
      let root = try rig.root
      let ann = try rig.client(Identity("human:ann", .owner, of: "acme"))
      let bob = try rig.client(Identity("human:bob", .operator))
      let asked = try await ann.send("POST", "v1/emergencies", Self.form(), key: "k")
      #expect(asked.status == 201 && Self.row(asked)["state"] as? String == "asked")
      #expect(Self.row(asked)["tenant"] as? String == "acme")
      let again = try await ann.send("POST", "v1/emergencies", Self.form(), key: "k")
      #expect(again.object["repeated"] as? Bool == true)
      #expect(try await !Self.isOpen("acme", root))
      let path = "v1/emergencies/1/approve"
      #expect(try await ann.send("POST", path).code == "approver_involved")
      // Whoever the policy does not name opens nothing, and it goes on waiting.
      #expect(try await root.send("POST", path).status == 403)
      #expect(try await !Self.isOpen("acme", root))
      let opened = try await bob.send("POST", path)
      #expect(opened.status == 200 && Self.row(opened)["state"] as? String == "open")
      #expect(Self.row(opened)["approved_by"] as? String == "human:bob")
      #expect(try await Self.isOpen("acme", root))
      #expect(try await !Self.isOpen("zeta", root))
      #expect(try await bob.send("POST", path).code == "emergency_closed")
      let log = try await root.send("GET", "v1/decisions").object["decisions"] as? [[String: Any]]
      let steps = (log ?? []).compactMap { row -> String? in
        let op = (row["request"] as? [String: Any])?["op"] as? String ?? ""
        return op.hasPrefix("emergency") ? "\(row["principal"] as? String ?? "") \(op)" : nil
      }
      #expect(steps == ["human:ann emergency.ask", "human:bob emergency.agree"])
    }
  }

  @Test func nobodyAgreesWithACredentialOfWhoAsked() async throws {
    try await Self.serving { rig in
      let ann = try rig.client(Identity("human:ann", .operator))
      #expect(try await ann.send("POST", "v1/emergencies", Self.form()).status == 201)
      let made = try await ann.send(
        "POST", "v1/credentials", #"{"principal": "human:bob", "role": "operator"}"#)
      let bob = rig.client(token: try #require(made.object["credential"] as? String))
      let path = "v1/emergencies/1/approve"
      #expect(try await bob.send("POST", path).code == "approver_involved")
      let other = try rig.client(Identity("human:bob", .operator))
      #expect(try await other.send("POST", path).status == 200)
    }
  }

  /// Owners of one tenant have the same names of requests.
  @Test func anotherOwnersKeyIsNotOnesOwn() async throws {
    try await Self.serving { rig in
      let ann = try rig.client(Identity("human:ann", .owner, of: "acme"))
      let bob = try rig.client(Identity("human:bob", .owner, of: "acme"))
      #expect(try await ann.send("POST", "v1/emergencies", Self.form(), key: "k").status == 201)
      let other = try await bob.send("POST", "v1/emergencies", Self.form(), key: "k")
      #expect(other.code == "idempotency_key_reused")
      // Each repetition is of its own request, also where another one asked for the same.
      #expect(try await ann.send("POST", "v1/emergencies", Self.form(), key: "l").status == 201)
      let again = try await ann.send("POST", "v1/emergencies", Self.form(), key: "k")
      #expect(again.object["repeated"] as? Bool == true && Self.row(again)["number"] as? Int == 1)
    }
  }

  @Test func itIsThereAfterARestart() async throws {
    try await Rig.inFolder { folder in
      try await Rig.serving(folder) { rig in
        try await rig.server.activate(Array(Self.policy.utf8), by: "test")
        let ann = try rig.client(Identity("human:ann", .operator))
        for bucket in ["acme", "zeta"] {
          let reply = try await ann.send("POST", "v1/emergencies", Self.form(bucket))
          #expect(reply.status == 201)
        }
        let bob = try rig.client(Identity("human:bob", .operator))
        #expect(try await bob.send("POST", "v1/emergencies/1/approve").status == 200)
      }
      try await Rig.serving(folder) { rig in
        let bob = try rig.client(Identity("human:bob", .operator))
        let reply = try await bob.send("GET", "v1/emergencies")
        let rows = reply.object["emergencies"] as? [[String: Any]] ?? []
        #expect(rows.map { $0["state"] as? String } == ["open", "asked"])
        #expect(try await Self.isOpen("acme", bob))
        #expect(try await bob.send("POST", "v1/emergencies/2/approve").status == 200)
      }
    }
  }

  @Test func nobodyElseAsksForOne() async throws {
    try await Self.serving { rig in
      let ann = try rig.client(Identity("human:ann", .owner, of: "acme"))
      let lead = try rig.client(Identity("human:lead", .owner, of: "acme"))
      let agent = try rig.client(Identity("human:ann", .workload, of: "acme"))
      let other = try rig.client(Identity("human:bob", .owner, of: "zeta"))
      #expect(try await lead.send("POST", "v1/emergencies", Self.form()).status == 403)
      #expect(try await agent.send("POST", "v1/emergencies", Self.form()).status == 403)
      #expect(try await other.send("POST", "v1/emergencies", Self.form()).status == 404)
      #expect(try await ann.send("POST", "v1/emergencies", Self.form("acm")).status == 404)
      for wrong in [
        Self.form(reason: "down"), Self.form(seconds: 0), Self.form(seconds: 3_601),
        #"{"bucket": "acme", "for_seconds": 60}"#,
      ] { #expect(try await ann.send("POST", "v1/emergencies", wrong).status == 400) }
      #expect(try await ann.send("POST", "v1/emergencies", Self.form()).status == 201)
      // Another tenant's owner learns of none.
      #expect(try await other.send("POST", "v1/emergencies/1/approve").status == 404)
      let list = try await other.send("GET", "v1/emergencies").object["emergencies"] as? [Any]
      #expect(list?.isEmpty == true)
      #expect(try await agent.send("GET", "v1/emergencies").status == 403)
    }
  }
}
