import Foundation
import PoolClient
import PoolRecord
import PoolService
import PoolStore
import Testing

/// What callers may not get by asking in a wrong way, once or again.
@Suite struct HostileTests {
  private static func keys(_ reply: Reply, _ list: String, _ key: String) -> [String] {
    (reply.object[list] as? [[String: Any]] ?? []).compactMap { $0[key] as? String }
  }

  private static func text(_ reply: Reply) -> String { String(decoding: reply.body, as: UTF8.self) }

  @Test func whatIsRefusedForItsParametersHasNoEffect() async throws {
    try await Rig.serving { rig in
      let root = try await rig.filled()
      for (index, query) in [
        ["wait": "99"], ["wait": "soon"], ["dry_run": "1"], ["dry_run": "yes"], ["dry_run": ""],
      ].enumerated() {
        let reply = try await root.send(
          "POST", "v1/claims", Documents.claim("c-\(index)"), query: query)
        #expect(reply.status == 400, "\(query)")
      }
      let batch = "{\"claims\": [\(Documents.claim("b-1"))]}"
      let many = try await root.send("POST", "v1/claims/batch", batch, query: ["dry_run": "true"])
      #expect(many.status == 400)
      let dry = try await root.send(
        "DELETE", "v1/claims/acme/c-1", query: ["dry_run": "true"])
      #expect(dry.status == 400)
      #expect(Self.keys(try await root.send("GET", "v1/queue"), "waiting", "claim").isEmpty)
    }
  }

  @Test func aTenantLearnsNoNameOfAnother() async throws {
    try await Rig.serving { rig in
      let owner = try rig.client(Identity("lead", .owner, of: "acme"))
      func asked(_ claim: String) async throws -> Reply {
        try await owner.send("POST", "v1/claims", claim)
      }
      // Neither from hints, nor from whether a name is refused as unknown or as another's.
      let wrong = Documents.claim("c").replacingOccurrences(of: "\"work\"", with: "\"NAME\"")
      let there = try await asked(wrong.replacingOccurrences(of: "NAME", with: "other"))
      let absent = try await asked(wrong.replacingOccurrences(of: "NAME", with: "othar"))
      #expect(there.status == 400 && absent.status == 400)
      #expect(
        Self.text(there).replacingOccurrences(of: "other", with: "othar") == Self.text(absent))
      let foreign = try await asked(Documents.claim("c", of: "zeta"))
      let nobody = try await asked(Documents.claim("c", of: "nobody"))
      #expect(foreign.status == 403 && nobody.status == 403)
      #expect(foreign.body == nobody.body)
      for path in ["v1/explain", "v1/claims/batch"] {
        let body = Documents.claim("c", of: "nobody")
        let reply = try await owner.send(
          "POST", path, path == "v1/explain" ? body : "{\"claims\": [\(body)]}")
        #expect(reply.status == 403, "\(path)")
      }
      // Its own names are still told.
      let near = try await asked(wrong.replacingOccurrences(of: "NAME", with: "wrok"))
      #expect(Self.text(near).contains("work"))
      #expect(!Self.text(near).contains("other"))
    }
  }

  @Test func aKeyIsOfOneRequestAlsoInBatches() async throws {
    try await Rig.serving { rig in
      let root = try await rig.filled()
      func batch(_ names: [String], _ key: String) async throws -> Reply {
        let claims = names.map { Documents.claim($0) }.joined(separator: ",")
        return try await root.send(
          "POST", "v1/claims/batch", "{\"claims\": [\(claims)]}", key: key)
      }
      #expect(try await batch(["a-1", "a-2"], "k-1").status == 200)
      // Another batch under the key has no part that is taken.
      #expect(try await batch(["a-1", "a-2", "a-3"], "k-1").status == 422)
      let single = try await root.send("POST", "v1/claims", Documents.claim("a-4"), key: "k-1")
      #expect(single.status == 422)
      _ = try await root.send("POST", "v1/claims", Documents.claim("a-5"), key: "k-2")
      #expect(try await batch(["a-6"], "k-2").status == 422)
      let again = try await batch(["a-1", "a-2"], "k-1")
      let answers = again.object["answers"] as? [[String: Any]] ?? []
      #expect(answers.allSatisfy { $0["repeated"] as? Bool == true } && answers.count == 2)
      let waiting = Self.keys(try await root.send("GET", "v1/queue"), "waiting", "claim")
      #expect(Set(waiting) == ["a-1", "a-2", "a-5"])
    }
  }

  @Test func aWorkloadEndsItsOwnWorkAlone() async throws {
    try await Rig.serving { rig in
      _ = try await rig.filled()
      let (one, other) = (
        try rig.client(Identity("agent:a", .workload, of: "acme")),
        try rig.client(Identity("agent:b", .workload, of: "acme"))
      )
      _ = try await one.send("POST", "v1/claims", Documents.claim("c-1"))
      let foreign = try await other.send("DELETE", "v1/claims/acme/c-1")
      let absent = try await other.send("DELETE", "v1/claims/acme/c-2")
      #expect(foreign.status == 404 && foreign.body == absent.body)
      #expect(try await one.send("DELETE", "v1/claims/acme/c-1", key: "k").status == 200)
      // The reply may have been lost, and the claim is gone.
      let again = try await one.send("DELETE", "v1/claims/acme/c-1", key: "k")
      #expect(again.status == 200 && again.object["repeated"] as? Bool == true)
      let owner = try rig.client(Identity("lead", .owner, of: "acme"))
      _ = try await one.send("POST", "v1/claims", Documents.claim("c-3"))
      #expect(try await owner.send("DELETE", "v1/claims/acme/c-3").status == 200)
    }
  }

  @Test func nobodyApprovesWhatTheyAskedForInAnothersName() async throws {
    try await Rig.serving { rig in
      let (lead, other) = (
        try rig.client(Identity("lead", .owner, of: "acme")),
        try rig.client(Identity("boss", .owner, of: "acme"))
      )
      _ = try await rig.filled()
      _ = try await lead.send("POST", "v1/claims", Documents.claim("c-1", by: "agent:a"))
      let own = try await lead.send("POST", "v1/claims/acme/c-1/approve", #"{"plan": "p"}"#)
      #expect(own.object["type"] as? String == "urn:gpupool:problem:approver_involved")
      let denied = try await lead.send("POST", "v1/claims/acme/c-1/deny")
      #expect(denied.object["type"] as? String == "urn:gpupool:problem:approver_involved")
      // This claim waits for no approval: that is for the pool to say.
      let reply = try await other.send("POST", "v1/claims/acme/c-1/approve", #"{"plan": "p"}"#)
      #expect(reply.object["type"] as? String == "urn:gpupool:problem:wrong_state")
    }
  }

  @Test func aNodeGathersNoCredentials() async throws {
    try await Rig.serving { rig in
      _ = try await rig.root.send("POST", "v1/nodes", Documents.node())
      let first = try rig.client(Identity("node:n-1", .node, of: "n-1"))
      var tokens: [String] = []
      for _ in 0..<4 {
        let reply = try await first.send("POST", "v1/nodes/n-1/credential")
        tokens.append(try #require(reply.object["credential"] as? String))
      }
      var holding: [Bool] = []
      for token in tokens {
        let reply = try await rig.client(token: token).send("POST", "v1/nodes/n-1/messages", "{}")
        holding.append(reply.status == 400)
      }
      #expect(holding == [false, false, false, true])
      #expect(try await first.send("POST", "v1/nodes/n-1/messages", "{}").status == 400)
    }
  }

  @Test func namesAreThereAfterARestartThoughThePolicyLostThem() async throws {
    try await Rig.inFolder { folder in
      try await Rig.serving(folder, isPolicyDirect: true) { rig in
        let root = try await rig.filled()
        #expect(try await root.send("POST", "v1/claims", Documents.claim("c-1")).status == 202)
        let factor =
          #"{"tenant": "acme", "service": "work", "model_class": "odd", "correction": 1.5}"#
        #expect(try await root.send("POST", "v1/corrections", factor).status == 200)
        let budget =
          #"{"tenant": "acme", "budget": "b", "limit_gpu_seconds": 9, "for_seconds": 600}"#
        #expect(try await root.send("POST", "v1/delegations", budget).status == 200)
        let policy = Documents.policy
          .replacingOccurrences(of: #""generation": 1"#, with: #""generation": 2"#)
          .replacingOccurrences(of: #""name": "work""#, with: #""name": "new-work""#)
          .replacingOccurrences(of: #""zeta""#, with: #""eta""#)
        #expect(try await root.send("PUT", "v1/policy", policy).status == 200)
      }
      try await Rig.serving(folder) { rig in
        let status = try await rig.root.send("GET", "v1/status")
        let pool = try #require(status.object["pool"] as? [String: Any])
        let correction = (pool["corrections"] as? [[String: Any]])?.first
        #expect(correction?["model_class"] as? String == "odd")
        #expect(correction?["service"] as? String == "work")
        let buckets = (pool["buckets"] as? [[String: Any]] ?? []).compactMap {
          $0["bucket"] as? String
        }
        #expect(buckets.contains("zeta"))
        #expect(!Self.text(status).contains("\"#"), "\(Self.text(status))")
        // What was read under the earlier policy still has its names, and ends.
        let gone = try await rig.root.send("DELETE", "v1/claims/acme/c-1")
        #expect([200, 404].contains(gone.status))
      }
      #expect(try SQLiteStore(at: folder, engine: Server.engine).verify().difference == nil)
    }
  }
}
