import Foundation
import PoolClient
import PoolService
import Testing

/// Who may do what: a test for each thing that must not be.
@Suite struct IdentityTests {
  @Test func nobodyIsAnsweredWithoutACredential() async throws {
    try await Rig.serving { rig in
      for token in ["", "pool_", "pool_" + String(repeating: "0", count: 64)] {
        for path in ["v1/status", "v1/nodes", "v1/queue", "v1/leases", "metrics"] {
          #expect(try await rig.client(token: token).send("GET", path).status == 401)
        }
        let asked = try await rig.client(token: token).send(
          "POST", "v1/claims", Documents.claim("c"))
        #expect(asked.status == 401)
      }
      // Those that say nothing of the pool.
      #expect(try await rig.client(token: "").send("GET", "healthz").status == 200)
    }
  }

  @Test(arguments: [
    ("http://127.0.0.1:7070", true), ("http://localhost:7070", true),
    ("https://pool.example:7070", true), ("http://127.0.0.1.example.org", false),
    ("http://127.example.org", false), ("http://10.0.0.1:7070", false),
  ])
  func aCredentialGoesOverTLSOrToThisMachine(server: String, isTaken: Bool) async throws {
    try await Rig.inFolder { file in
      let text = #"{"schema_version":1,"kind":"client","server":"\#(server)","token":"t"}"#
      try Data(text.utf8).write(to: URL(fileURLWithPath: file))
      #expect(((try? ClientConfiguration(file: file)) != nil) == isTaken)
    }
  }

  @Test func aCredentialEnds() async throws {
    try await Rig.serving { rig in
      let token = try rig.server.credentials.issue(Identity("late", .operator), for: -1)
      #expect(try await rig.client(token: token).send("GET", "v1/status").status == 401)
    }
  }

  @Test func aRoleDoesWhatItIsFor() async throws {
    try await Rig.serving { rig in
      let workload = try rig.client(Identity("agent:a", .workload, of: "acme"))
      let owner = try rig.client(Identity("lead", .owner, of: "acme"))
      let node = try rig.client(Identity("node:n-1", .node, of: "n-1"))
      for client in [workload, owner, node] {
        #expect(try await client.send("PUT", "v1/policy", Documents.policy).status == 403)
        #expect(try await client.send("POST", "v1/nodes", Documents.node()).status == 403)
        #expect(try await client.send("POST", "v1/nodes/n-1/fence").status == 403)
        #expect(try await client.send("GET", "metrics").status == 403)
      }
      #expect(try await node.send("GET", "v1/status").status == 403)
      #expect(try await node.send("POST", "v1/claims", Documents.claim("c")).status == 403)
      let budget = #"{"tenant": "acme", "budget": "b", "limit_gpu_seconds": 1, "for_seconds": 60}"#
      #expect(try await workload.send("POST", "v1/delegations", budget).status == 403)
    }
  }

  @Test func aWorkloadAsksInItsOwnNameForItsOwnTenant() async throws {
    try await Rig.serving { rig in
      let client = try rig.client(Identity("agent:a", .workload, of: "acme"))
      let other = Documents.claim("c", by: "agent:b")
      #expect(try await client.send("POST", "v1/claims", other).status == 403)
      let foreign = Documents.claim("c", of: "zeta")
      #expect(try await client.send("POST", "v1/claims", foreign).status == 403)
      // A tenant whose name begins like another's is another one.
      let prefix = try rig.client(Identity("agent:a", .workload, of: "acm"))
      #expect(try await prefix.send("POST", "v1/claims", Documents.claim("c")).status == 403)
    }
  }

  @Test func whatIsForeignLooksAbsent() async throws {
    try await Rig.serving { rig in
      let root = try rig.root
      _ = try await root.send("POST", "v1/nodes", Documents.node())
      let there = try await root.send("POST", "v1/claims", Documents.claim("c-1"))
      #expect(there.status == 202 || there.status == 422)
      let foreign = try rig.client(Identity("lead", .owner, of: "zeta"))
      for (method, path) in [
        ("GET", "v1/claims/acme/c-1"), ("DELETE", "v1/claims/acme/c-1"),
        ("DELETE", "v1/delegations/acme/b-1"),
      ] {
        let real = try await foreign.send(method, path)
        let absent = try await foreign.send(
          method, path.replacingOccurrences(of: "-1", with: "-2"))
        #expect(real.status == 404)
        #expect(real.body == absent.body)
      }
      let lease = try await foreign.send(
        "POST", "v1/leases/L-0.1/complete", #"{"fencing": "1.1", "outcome": "completed"}"#)
      #expect(lease.status == 404)
      let seen = try await foreign.send("GET", "v1/status")
      #expect(!String(decoding: seen.body, as: UTF8.self).contains("acme"))
    }
  }

  @Test func aJoinCredentialIsSpentOnce() async throws {
    try await Rig.serving { rig in
      let reply = try await rig.root.send("POST", "v1/nodes", Documents.node())
      let join = try #require(reply.object["join_credential"] as? String)
      let client = rig.client(token: join)
      // It is for nothing else.
      #expect(try await client.send("GET", "v1/status").status == 403)
      let first = try await client.send("POST", "v1/join", "{}")
      #expect(first.status == 201)
      // The reply may be lost: it is exchanged again, and what was handed out before is void.
      let second = try await client.send("POST", "v1/join", "{}")
      #expect(second.status == 201)
      let (one, two) = (first.object["credential"], second.object["credential"])
      let old = rig.client(token: one as? String ?? "")
      #expect(try await old.send("POST", "v1/nodes/n-1/messages", "{}").status == 401)
      // Once what it was exchanged for is used, it is void itself.
      let new = rig.client(token: two as? String ?? "")
      #expect(try await new.send("POST", "v1/nodes/n-1/messages", "{}").status == 400)
      #expect(try await client.send("POST", "v1/join", "{}").status == 401)
      #expect(try await new.send("POST", "v1/nodes/n-1/messages", "{}").status == 400)
    }
  }

  @Test func anAgentSpeaksForItsOwnNode() async throws {
    try await Rig.serving { rig in
      let client = try rig.client(Identity("node:n-1", .node, of: "n-1"))
      #expect(try await client.send("POST", "v1/nodes/n-2/messages", "{}").status == 404)
      #expect(try await client.send("POST", "v1/nodes/n-2/credential").status == 404)
      #expect(try await client.send("POST", "v1/nodes/n-1/messages", "{}").status == 400)
    }
  }

  @Test func anOperatorMakesCredentials() async throws {
    try await Rig.serving { rig in
      let root = try rig.root
      let made = try await root.send(
        "POST", "v1/credentials",
        #"{"principal": "agent:a", "role": "workload", "tenant": "acme", "for_seconds": 60}"#)
      #expect(made.status == 201)
      let client = rig.client(token: made.object["credential"] as? String ?? "")
      #expect(try await client.send("GET", "v1/queue").status == 200)
      #expect(try await client.send("POST", "v1/credentials", "{}").status == 403)
      for wrong in [
        #"{"principal": "a", "role": "workload", "tenant": "acme", "for_seconds": 3601}"#,
        #"{"principal": "a", "role": "workload"}"#,
        #"{"principal": "a", "role": "operator", "tenant": "acme"}"#,
        #"{"principal": "a", "role": "node", "tenant": "acme"}"#,
      ] { #expect(try await root.send("POST", "v1/credentials", wrong).status == 400) }
    }
  }

  @Test func theAuditLogSaysWhoAsked() async throws {
    try await Rig.serving { rig in
      let root = try rig.root
      _ = try await root.send("POST", "v1/nodes", Documents.node())
      _ = try await root.send("POST", "v1/nodes/n-1/cordon")
      let list = try await root.send("GET", "v1/decisions").object["decisions"]
      let rows = try #require(list as? [[String: Any]])
      #expect(rows.map { $0["principal"] as? String } == ["test", "root", "root", "root"])
      let ops = rows.map { ($0["request"] as? [String: Any])?["op"] as? String }
      #expect(ops == ["policy", "advertise", "invite", "cordon"])
      let one = try await root.send("GET", "v1/decisions", query: ["limit": "1"]).object
      #expect((one["decisions"] as? [Any])?.count == 1)
      let last = rows.last?["request"] as? [String: Any]
      #expect(last?["op"] as? String == "cordon" && last?["node"] as? String == "n-1")
      let policy = try await root.send("GET", "v1/policy").object["request"] as? [String: Any]
      #expect((policy?["policy"] as? [String: Any])?["generation"] as? Int == 1)
    }
  }

  @Test func credentialsAreKeptAsHashes() async throws {
    try await Rig.serving { rig in
      let token = try rig.server.credentials.issue(Identity("root", .operator), for: 60)
      let file = try String(contentsOfFile: rig.folder + "/credentials.json", encoding: .utf8)
      #expect(!file.contains(token.dropFirst(5)))
      let attributes = try FileManager.default.attributesOfItem(
        atPath: rig.folder + "/credentials.json")
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }
  }
}
