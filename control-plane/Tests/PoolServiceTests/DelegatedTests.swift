import Foundation
import PoolClient
import PoolIdentity
import PoolService
import Testing

/// What holders of chains may do, and a test for each thing that must not be.
@Suite struct DelegatedTests {
  /// A server with a node that is full, and budgets of acme: `b`, `b-1` given out of it, and `c`.
  private static func serving(_ body: (Rig, PoolClient) async throws -> Void) async throws {
    try await Rig.serving { rig in
      let root = try await rig.filled()
      for (budget, parent, seconds) in [
        ("b", nil, 1_200), ("b-1", "b", 600), ("c", nil, 600),
      ] as [(String, String?, Int)] {
        let reply = try await root.send(
          "POST", "v1/delegations", Self.budget(budget, of: "acme", under: parent, for: seconds))
        #expect(reply.status == 200, "\(reply.object)")
      }
      try await body(rig, root)
    }
  }

  private static func budget(
    _ name: String, of tenant: String, under parent: String?, for seconds: Int
  ) -> String {
    let giver = parent.map { #", "parent": "\#($0)""# } ?? ""
    return """
      {"tenant": "\(tenant)", "budget": "\(name)", "limit_gpu_seconds": 100,
       "for_seconds": \(seconds)\(giver)}
      """
  }

  private static func claim(
    _ name: String, of tenant: String = "acme", by principal: String = "agent:a",
    budget: String? = "b", more: String = ""
  ) -> String {
    let paid = budget.map { #", "budget": "\#($0)""# } ?? ""
    return String(Documents.claim(name, of: tenant, by: principal).dropLast()) + "\(paid)\(more)}"
  }

  /// A token that an owner of acme gives.
  private static func token(
    _ rig: Rig, budget: String = "b", to principal: String = "agent:a",
    _ actions: [Mandate.Action] = Mandate.Action.allCases, more: String = ""
  ) async throws -> String {
    let words = actions.map { "\"\($0.rawValue)\"" }.joined(separator: ",")
    let owner = try rig.client(Identity("human:lead", .owner, of: "acme"))
    let reply = try await owner.send(
      "POST", "v1/delegations/acme/\(budget)/token",
      #"{"to": "\#(principal)", "actions": [\#(words)], "for_seconds": 600\#(more)}"#)
    #expect(reply.status == 201, "\(reply.object)")
    return try #require(reply.object["token"] as? String)
  }

  // MARK: what a token is for

  @Test func aClaimUnderATokenSaysInWhoseNameItIs() async throws {
    try await Self.serving { rig, root in
      let client = rig.client(token: try await Self.token(rig))
      #expect(try await client.send("POST", "v1/claims", Self.claim("c-1")).status == 202)
      let named = Self.claim("c-2", budget: "b-1", more: #", "on_behalf_of": "human:lead""#)
      #expect(try await client.send("POST", "v1/claims", named).status == 202)
      let batch = "{\"claims\": [\(Self.claim("c-3"))]}"
      #expect(try await client.send("POST", "v1/claims/batch", batch).status == 200)
      let rows = try await root.send("GET", "v1/decisions").object["decisions"] as? [[String: Any]]
      let own = (rows ?? []).filter { $0["principal"] as? String == "agent:a" }
      #expect(own.count == 3)
      #expect(own.allSatisfy { $0["on_behalf_of"] as? [String] == ["human:lead"] })
      #expect(try await client.send("DELETE", "v1/claims/acme/c-1").status == 200)
      #expect(try await client.send("GET", "v1/claims/acme/c-2").status == 200)
    }
  }

  @Test func aHolderNarrowsWithoutTheServer() async throws {
    try await Self.serving { rig, root in
      let chain = try Chain(text: try await Self.token(rig))
      var link = chain.last
      link.by = nil
      link.to = "agent:a/b"
      link.budget = "b-1"
      let client = rig.client(token: try chain.narrowed(link).text)
      let own = Self.claim("c-1", by: "agent:a/b", budget: "b-1")
      #expect(try await client.send("POST", "v1/claims", own).status == 202)
      let above = Self.claim("c-2", by: "agent:a/b", budget: "b")
      #expect(try await client.send("POST", "v1/claims", above).status == 403)
      let rows = try await root.send("GET", "v1/decisions").object["decisions"] as? [[String: Any]]
      #expect(rows?.last?["on_behalf_of"] as? [String] == ["human:lead", "agent:a"])
      // A budget that was not given out of the one before it is wider, which the pool alone knows.
      for budget in ["c", "none", "B", "b-1 "] {
        link.budget = budget
        let wrong = try? chain.narrowed(link).text
        let reply = try await rig.client(token: wrong ?? "chain_").send("GET", "v1/queue")
        #expect(reply.status == 401, "\(budget)")
      }
    }
  }

  @Test func aTokenIsThereAfterARestart() async throws {
    try await Rig.inFolder { folder in
      var token = ""
      try await Rig.serving(folder) { rig in
        let reply = try await rig.root.send(
          "POST", "v1/delegations", Self.budget("b", of: "acme", under: nil, for: 600))
        #expect(reply.status == 200)
        token = try await Self.token(rig)
      }
      let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/identity.key")
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
      try await Rig.serving(folder) { (rig) async throws in
        #expect(try await rig.client(token: token).send("GET", "v1/queue").status == 200)
      }
    }
  }

  // MARK: what it does not reach

  @Test func aTokenPaysOutOfItsBudgetAlone() async throws {
    try await Self.serving { rig, _ in
      let client = rig.client(token: try await Self.token(rig))
      for (what, claim) in [
        ("no budget", Self.claim("c", budget: nil)), ("another", Self.claim("c", budget: "c")),
        ("one that begins alike", Self.claim("c", budget: "b-2")),
        ("another's name", Self.claim("c", by: "agent:b")),
        ("a name that begins alike", Self.claim("c", by: "agent:aa")),
        ("another tenant", Self.claim("c", of: "zeta")),
        ("somebody else's behalf", Self.claim("c", more: #", "on_behalf_of": "human:boss""#)),
      ] {
        for path in ["v1/claims", "v1/explain"] {
          #expect(try await client.send("POST", path, claim).status == 403, "\(what)")
        }
        let batch = "{\"claims\": [\(Self.claim("good")), \(claim)]}"
        #expect(try await client.send("POST", "v1/claims/batch", batch).status == 403, "\(what)")
      }
      let queue = try await client.send("GET", "v1/queue").object["waiting"] as? [Any]
      #expect(queue?.isEmpty == true)
    }
  }

  @Test func aTokenHasItsLanesAndItsClass() async throws {
    try await Self.serving { rig, _ in
      for (more, status) in [
        (#", "lanes": ["shared"]"#, 202), (#", "class_max": "P1""#, 202), (#", "lanes": []"#, 403),
        (#", "class_max": "P2""#, 403),
      ] {
        let client = rig.client(token: try await Self.token(rig, more: more))
        let reply = try await client.send("POST", "v1/claims", Self.claim("c-\(more.utf8.count)"))
        #expect(reply.status == status, "\(more)")
      }
    }
  }

  @Test func eachRightIsGivenByItself() async throws {
    try await Self.serving { rig, _ in
      let quote = #"{"quote": "q", "claim": \#(Self.claim("c"))}"#
      let asked: [(Mandate.Action, String, String, String?, [String: String])] = [
        (.look, "GET", "v1/status", nil, [:]), (.look, "GET", "v1/queue", nil, [:]),
        (.look, "GET", "v1/leases", nil, [:]), (.look, "GET", "v1/buckets", nil, [:]),
        (.look, "GET", "v1/claims/acme/none", nil, [:]),
        (.prepare, "POST", "v1/explain", Self.claim("c"), [:]),
        (.prepare, "POST", "v1/quotes", quote, [:]),
        (.prepare, "POST", "v1/claims", Self.claim("c"), ["dry_run": "true"]),
        (.execute, "POST", "v1/claims", Self.claim("c"), [:]),
        (.execute, "POST", "v1/claims", Self.claim("c"), ["dry_run": "false"]),
        (.execute, "POST", "v1/claims/batch", "{\"claims\": [\(Self.claim("d"))]}", [:]),
        (.execute, "DELETE", "v1/claims/acme/none", nil, [:]),
        (.execute, "POST", "v1/leases/L-0.9/renew", #"{"fencing": "1.1"}"#, [:]),
        (.execute, "POST", "v1/leases/L-0.9/checkpoint", #"{"fencing": "1.1"}"#, [:]),
        (
          .execute, "POST", "v1/leases/L-0.9/complete",
          #"{"fencing": "1.1", "outcome": "completed"}"#, [:]
        ),
      ]
      for right in Mandate.Action.allCases {
        let client = rig.client(token: try await Self.token(rig, [right]))
        for (needed, method, path, body, query) in asked {
          let reply = try await client.send(method, path, body, query: query)
          let isMissing = reply.code == "right_missing"
          #expect(isMissing == (needed != right), "\(right): \(method) \(path) \(reply.status)")
          #expect(!isMissing || reply.status == 403)
        }
      }
      let nothing = rig.client(token: try await Self.token(rig, []))
      #expect(try await nothing.send("GET", "v1/queue").status == 403)
    }
  }

  @Test func aTokenServesForNothingElse() async throws {
    try await Self.serving { rig, _ in
      let client = rig.client(token: try await Self.token(rig))
      for (method, path, body) in [
        ("POST", "v1/delegations", Self.budget("x", of: "acme", under: "b", for: 60)),
        ("DELETE", "v1/delegations/acme/b", nil),
        ("POST", "v1/delegations/acme/b/token", #"{"to": "x", "actions": [], "for_seconds": 1}"#),
        ("POST", "v1/claims/acme/c-1/approve", #"{"plan": "p"}"#),
        ("POST", "v1/claims/acme/c-1/deny", nil), ("POST", "v1/credentials", "{}"),
        ("GET", "v1/decisions", nil), ("GET", "v1/policy", nil), ("GET", "metrics", nil),
        ("POST", "v1/nodes/n-1/cordon", nil), ("POST", "v1/join", "{}"),
        ("POST", "v1/nodes/n-1/credential", nil),
      ] as [(String, String, String?)] {
        #expect(try await client.send(method, path, body).status == 403, "\(method) \(path)")
      }
    }
  }

  @Test func aTokenEndsItsOwnWorkAlone() async throws {
    try await Self.serving { rig, _ in
      let one = rig.client(token: try await Self.token(rig))
      let other = rig.client(token: try await Self.token(rig, to: "agent:b"))
      _ = try await one.send("POST", "v1/claims", Self.claim("c-1"))
      // What the same principal asked for outside of the token's budget is none of its.
      let free = try rig.client(Identity("agent:a", .workload, of: "acme"))
      #expect(
        try await free.send("POST", "v1/claims", Self.claim("f-1", budget: nil)).status == 202)
      for (client, claim) in [(other, "c-1"), (one, "f-1")] {
        let foreign = try await client.send("DELETE", "v1/claims/acme/\(claim)")
        let absent = try await client.send("DELETE", "v1/claims/acme/none")
        #expect(foreign.status == 404 && foreign.body == absent.body)
      }
      #expect(try await one.send("DELETE", "v1/claims/acme/c-1").status == 200)
    }
  }

  @Test func aTokenRenewsAndEndsItsOwnLeaseAlone() async throws {
    try await Rig.serving { rig in
      _ = try await rig.joined()
      let root = try rig.root
      let budget = Self.budget("b", of: "acme", under: nil, for: 600)
      #expect(try await root.send("POST", "v1/delegations", budget).status == 200)
      let one = rig.client(token: try await Self.token(rig))
      let other = rig.client(token: try await Self.token(rig, to: "agent:b"))
      let granted = try await one.send("POST", "v1/claims", Self.claim("c-1"))
      let lease = try #require(granted.object["lease"] as? [String: Any])
      let (id, fencing) = (lease["lease"] as? String ?? "", lease["fencing"] as? String ?? "")
      let end = #"{"fencing": "\#(fencing)", "outcome": "completed"}"#
      let foreign = try await other.send("POST", "v1/leases/\(id)/complete", end)
      let absent = try await other.send("POST", "v1/leases/L-0.9/complete", end)
      #expect(foreign.status == 404 && foreign.body == absent.body)
      let renewed = try await one.send(
        "POST", "v1/leases/\(id)/renew", #"{"fencing": "\#(fencing)"}"#)
      // It may be too early to pay, and is not forbidden.
      #expect([200, 409, 429].contains(renewed.status))
      #expect(try await one.send("POST", "v1/leases/\(id)/complete", end).status == 200)
    }
  }

  // MARK: when it does not hold

  @Test func aRevokedBudgetTakesItsTokensWithIt() async throws {
    try await Self.serving { rig, root in
      let above = try await Self.token(rig)
      let below = try await Self.token(rig, budget: "b-1")
      let beside = try await Self.token(rig, budget: "c")
      var link = try Chain(text: above).last
      link.by = nil
      link.budget = "b-1"
      let narrowed = try Chain(text: above).narrowed(link).text
      for token in [above, below, beside, narrowed] {
        #expect(try await rig.client(token: token).send("GET", "v1/queue").status == 200)
      }
      #expect(try await root.send("DELETE", "v1/delegations/acme/b").status == 200)
      for token in [above, below, narrowed] {
        let reply = try await rig.client(token: token).send("GET", "v1/queue")
        #expect(reply.status == 401 && reply.code == "token_refused")
      }
      #expect(try await rig.client(token: beside).send("GET", "v1/queue").status == 200)
    }
  }

  @Test func whatWasMadeUpOrChangedIsRefused() async throws {
    try await Self.serving { rig, _ in
      let file = try String(contentsOfFile: rig.folder + "/identity.key", encoding: .utf8)
      let root = try #require(RootKey(hex: String(file.prefix(64))))
      let good = try Chain(text: try await Self.token(rig)).last
      func answer(_ chain: Chain) async throws -> Int {
        try await rig.client(token: chain.text).send("GET", "v1/queue").status
      }
      func begun(_ change: (inout Link) -> Void) throws -> Chain {
        var link = good
        link.by = "human:lead"
        change(&link)
        return try Chain.begin(link, by: root)
      }
      #expect(try await answer(try begun { _ in }) == 200)
      #expect(try await answer(try begun { $0.expires = 1 }) == 401)
      #expect(try await answer(try begun { $0.audience = "gpupool-2" }) == 401)
      #expect(try await answer(try begun { $0.audience = "gpu" }) == 401)
      #expect(try await answer(try begun { $0.tenant = "acm" }) == 401)
      #expect(try await answer(try begun { $0.tenant = "zeta" }) == 401)
      var made = good
      made.by = "human:lead"
      #expect(try await answer(try Chain.begin(made, by: RootKey())) == 401)
      var wider = good
      wider.by = nil
      wider.expires += 1
      #expect(try await answer(try begun { _ in }.extended(wider)) == 401)
    }
  }

  @Test func aRequestThatIsRepeatedHasOneEffectUnderATokenToo() async throws {
    try await Self.serving { rig, _ in
      let token = try await Self.token(rig)
      let first = try await rig.client(token: token).send(
        "POST", "v1/claims", Self.claim("c-1"), key: "k-1")
      #expect(first.status == 202 && first.object["repeated"] == nil)
      let again = try await rig.client(token: token).send(
        "POST", "v1/claims", Self.claim("c-1"), key: "k-1")
      #expect(again.object["repeated"] as? Bool == true)
      let other = try await rig.client(token: token).send(
        "POST", "v1/claims", Self.claim("c-2"), key: "k-1")
      #expect(other.status == 422)
      // Whoever may not execute learns nothing from a key that was used.
      let looker = rig.client(token: try await Self.token(rig, [.look]))
      let seen = try await looker.send("POST", "v1/claims", Self.claim("c-1"), key: "k-1")
      #expect(seen.status == 403)
    }
  }

  @Test func nobodyApprovesWhatWasAskedForInTheirName() async throws {
    try await Self.serving { rig, _ in
      let client = rig.client(token: try await Self.token(rig))
      _ = try await client.send("POST", "v1/claims", Self.claim("c-1"))
      let lead = try rig.client(Identity("human:lead", .owner, of: "acme"))
      let own = try await lead.send("POST", "v1/claims/acme/c-1/approve", #"{"plan": "p"}"#)
      #expect(own.code == "approver_involved")
      let boss = try rig.client(Identity("human:boss", .owner, of: "acme"))
      let other = try await boss.send("POST", "v1/claims/acme/c-1/approve", #"{"plan": "p"}"#)
      #expect(other.code == "wrong_state")
    }
  }

  // MARK: who gives one

  @Test func aTokenIsGivenForAnOpenBudgetOfTheOwnTenant() async throws {
    try await Self.serving { rig, root in
      let body = #"{"to": "agent:a", "actions": ["look"], "for_seconds": 60}"#
      let owner = try rig.client(Identity("human:lead", .owner, of: "acme"))
      let foreign = try rig.client(Identity("human:lead", .owner, of: "acm"))
      let workload = try rig.client(Identity("agent:a", .workload, of: "acme"))
      let path = "v1/delegations/acme/b/token"
      #expect(try await root.send("POST", path, body).status == 201)
      let given = try await owner.send("POST", path, body)
      #expect(given.status == 201 && given.object["expires_in_seconds"] as? Int == 60)
      #expect(try await workload.send("POST", path, body).status == 403)
      let real = try await foreign.send("POST", path, body)
      let absent = try await foreign.send("POST", "v1/delegations/acme/none/token", body)
      #expect(real.status == 404 && real.body == absent.body)
      #expect(
        try await owner.send("POST", "v1/delegations/acme/none/token", body).status == 404)
      for wrong in [
        body.replacingOccurrences(of: "60", with: "3601"),
        body.replacingOccurrences(of: "60", with: "0"),
        body.replacingOccurrences(of: "look", with: "rule"),
        body.replacingOccurrences(of: "agent:a", with: "a b"),
        body.replacingOccurrences(of: "}", with: #", "lanes": ["share"]}"#),
        body.replacingOccurrences(of: "}", with: #", "class_max": "P9"}"#),
        body.replacingOccurrences(of: "}", with: #", "by": "human:boss"}"#), "{}", "",
      ] { #expect(try await owner.send("POST", path, wrong).status == 400, "\(wrong)") }
      #expect(try await root.send("DELETE", "v1/delegations/acme/b").status == 200)
      #expect(try await owner.send("POST", path, body).status == 409)
    }
  }

  @Test func aTokensClassIsNotAboveThatOfItsBudget() async throws {
    try await Self.serving { rig, root in
      let plain = Self.budget("low", of: "acme", under: nil, for: 60)
      let low = String(plain.dropLast()) + #", "class_max": "P2"}"#
      #expect(try await root.send("POST", "v1/delegations", low).status == 200)
      for (word, status) in [("P1", 400), ("P2", 201), ("P3", 201)] {
        let reply = try await root.send(
          "POST", "v1/delegations/acme/low/token",
          #"{"to": "a", "actions": [], "for_seconds": 9, "class_max": "\#(word)"}"#)
        #expect(reply.status == status, "\(word)")
      }
    }
  }
}
