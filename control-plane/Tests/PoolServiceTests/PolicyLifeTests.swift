import Foundation
import PoolAllocator
import PoolClient
import PoolRecord
import PoolStore
import Testing

@testable import PoolService

/// How policies come into force over HTTP.
@Suite struct PolicyLifeTests {
  /// The allocator has identities of its own.
  private typealias Identity = PoolService.Identity

  /// The policy of the tests, changed in something that one other operator may approve.
  private static let ordinary = Documents.policy.replacingOccurrences(
    of: "\"services\": [",
    with: """
      "services": [{"name": "more", "tenant": "acme", "class": "P2", "owner": "acme-team"},
      """)
  /// As above, in what urgent work may rest on.
  private static let guarded = Documents.policy.replacingOccurrences(
    of: "\"lease_max_seconds\": 3600", with: "\"lease_max_seconds\": 1800")
  private static let proposals = "v1/policy/proposals"

  private static func body(_ policy: String, at moment: String? = nil) -> String {
    let terms = moment.map { #""activate_at": "\#($0)", "# } ?? ""
    return """
      {\(terms)"reason": "as agreed", "policy": \(policy),
       "checks": {"tests": 2, "report_sha256": "\(String(repeating: "0a", count: 32))",
       "warnings": ["one"]}}
      """
  }

  private static func propose(
    _ policy: String, by client: PoolClient, at moment: String? = nil, key: String? = nil
  ) async throws -> (number: Int, hash: String) {
    let reply = try await client.send("POST", proposals, body(policy, at: moment), key: key)
    #expect(reply.status == 201, "\(String(decoding: reply.body, as: UTF8.self))")
    let row = proposal(reply)
    return (
      try #require(row["number"] as? Int), try #require(row["sha256"] as? String)
    )
  }

  private static func approve(
    _ one: (number: Int, hash: String), by client: PoolClient, key: String? = nil
  ) async throws -> Reply {
    try await client.send(
      "POST", "\(proposals)/\(one.number)/approve", #"{"sha256": "\#(one.hash)"}"#,
      key: key)
  }

  private static func proposal(_ reply: Reply) -> [String: Any] {
    reply.object["proposal"] as? [String: Any] ?? [:]
  }

  private static func state(_ reply: Reply) -> String {
    proposal(reply)["state"] as? String ?? "none"
  }

  private static func state(_ number: Int, _ client: PoolClient) async throws -> String {
    state(try await client.send("GET", "\(proposals)/\(number)"))
  }

  private static func generations(_ client: PoolClient) async throws -> [[String: Any]] {
    let reply = try await client.send("GET", "v1/policy/generations")
    return reply.object["generations"] as? [[String: Any]] ?? []
  }

  /// Waits until a proposal came into force.
  private static func isActive(_ number: Int, _ client: PoolClient) async throws -> Bool {
    for _ in 0..<200 {
      if try await state(number, client) == "active" { return true }
      try await Task.sleep(for: .milliseconds(50))
    }
    return false
  }

  // MARK: from a proposal to a generation

  @Test func anotherOperatorApprovesAndItIsInForce() async throws {
    try await Rig.serving { rig in
      let (ann, bob) = (
        try rig.client(Identity("ann", .operator)), try rig.client(Identity("bob", .operator))
      )
      let one = try await Self.propose(Self.ordinary, by: ann)
      let shown = try await bob.send("GET", "\(Self.proposals)/\(one.number)")
      #expect(Self.state(shown) == "proposed")
      #expect(Self.proposal(shown)["approvals_needed"] as? Int == 1)
      let policy = try #require(shown.object["policy"] as? [String: Any])
      #expect(policy["generation"] == nil && (policy["services"] as? [Any])?.count == 3)
      #expect(try await Self.approve(one, by: ann).code == "approver_involved")
      let approved = try await Self.approve(one, by: bob)
      #expect(approved.status == 200 && Self.state(approved) == "active")
      #expect(Self.proposal(approved)["generation"] as? Int == 2)
      #expect(rig.server.decider.vocabulary.1 == PolicyGeneration(2))
      let rows = try await Self.generations(ann)
      #expect(rows.map { $0["generation"] as? Int } == [2, 1])
      #expect(rows[0]["proposer"] as? String == "ann")
      #expect(rows[0]["approvers"] as? [String] == ["bob"])
      #expect(rows[0]["sha256"] as? String == one.hash)
      #expect(rows.allSatisfy { $0["signed"] as? Bool == true })
      #expect((rows[0]["entry"] as? String)?.contains(one.hash) == true)
      // Every step is in the journal, by whom it was.
      let log = try await ann.send("GET", "v1/decisions").object["decisions"] as? [[String: Any]]
      let steps = (log ?? []).compactMap { row -> String? in
        let op = (row["request"] as? [String: Any])?["op"] as? String ?? ""
        return op.hasPrefix("policy") ? "\(row["principal"] as? String ?? "") \(op)" : nil
      }
      #expect(
        steps == [
          "test policy", "ann policy.propose", "bob policy.approve", "pool-server policy",
        ])
    }
  }

  @Test func whatTouchesUrgentWorkNeedsTwoOthers() async throws {
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      let bob = try rig.client(Identity("bob", .operator))
      let eve = try rig.client(Identity("eve", .operator))
      let one = try await Self.propose(Self.guarded, by: ann)
      #expect(Self.state(try await Self.approve(one, by: bob)) == "proposed")
      #expect(Self.state(try await Self.approve(one, by: bob)) == "proposed")
      #expect(Self.state(try await Self.approve(one, by: eve)) == "active")
    }
  }

  @Test func theSameRequestIsOneProposal() async throws {
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      let bob = try rig.client(Identity("bob", .operator))
      let one = try await Self.propose(Self.ordinary, by: ann, key: "k")
      let again = try await ann.send("POST", Self.proposals, Self.body(Self.ordinary), key: "k")
      #expect(again.status == 201 && again.object["repeated"] as? Bool == true)
      #expect(Self.proposal(again)["number"] as? Int == one.number)
      let other = try await ann.send("POST", Self.proposals, Self.body(Self.guarded), key: "k")
      #expect(other.code == "idempotency_key_reused")
      #expect(Self.state(try await Self.approve(one, by: bob, key: "a")) == "active")
      let twice = try await Self.approve(one, by: bob, key: "a")
      #expect(twice.status == 200 && twice.object["repeated"] as? Bool == true)
      // It was answered once, so it is answered again, whatever is in force since.
      let late = try await ann.send("POST", Self.proposals, Self.body(Self.ordinary), key: "k")
      #expect(late.status == 201 && Self.state(late) == "active")
      let new = try await ann.send("POST", Self.proposals, Self.body(Self.ordinary))
      #expect(new.code == "nothing_changes")
    }
  }

  /// A repetition shows what the first request made, whatever was proposed since.
  @Test func aRepetitionShowsItsOwnProposal() async throws {
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      let one = try await Self.propose(Self.ordinary, by: ann, key: "a")
      #expect(try await ann.send("POST", "\(Self.proposals)/\(one.number)/withdraw").status == 200)
      let two = try await Self.propose(Self.ordinary, by: ann, key: "b")
      #expect(two.number == one.number + 1)
      let again = try await ann.send("POST", Self.proposals, Self.body(Self.ordinary), key: "a")
      #expect(again.object["repeated"] as? Bool == true && Self.state(again) == "withdrawn")
      #expect(Self.proposal(again)["number"] as? Int == one.number)
    }
  }

  @Test func warningsStandInTheProposalAndAreCountedInTheList() async throws {
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      let one = try await Self.propose(Self.ordinary, by: ann)
      let list = try await ann.send("GET", Self.proposals).object["proposals"] as? [[String: Any]]
      let counted = list?.first?["checks"] as? [String: Any]
      #expect(counted?["warning_count"] as? Int == 1 && counted?["warnings"] == nil)
      let shown = try await ann.send("GET", "\(Self.proposals)/\(one.number)")
      let checks = Self.proposal(shown)["checks"] as? [String: Any]
      #expect(checks?["warnings"] as? [String] == ["one"])
    }
  }

  @Test func aLimitThatIsOnlyObservedIsProposed() async throws {
    let policy = Documents.policy.replacingOccurrences(
      of: "\"queue_max\": 5000",
      with: #""classes": {"shadow": ["P1"], "enforced": ["P1", "P2"]}, "queue_max": 5000"#)
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      _ = try await Self.propose(policy, by: ann)
    }
  }

  @Test func nobodyApprovesWithACredentialOfTheProposer() async throws {
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      let one = try await Self.propose(Self.ordinary, by: ann)
      let form = #"{"principal": "bob", "role": "operator"}"#
      let made = try await ann.send("POST", "v1/credentials", form)
      let bob = rig.client(token: try #require(made.object["credential"] as? String))
      #expect(try await Self.approve(one, by: bob).code == "approver_involved")
      for name in ["pool-server", "file:/etc/policy.json", "(others)", "(unknown)"] {
        let form = #"{"principal": "\#(name)", "role": "operator"}"#
        #expect(try await ann.send("POST", "v1/credentials", form).status == 400, "\(name)")
      }
      let other = try await rig.root.send("POST", "v1/credentials", form)
      let free = rig.client(token: try #require(other.object["credential"] as? String))
      #expect(Self.state(try await Self.approve(one, by: free)) == "active")
    }
  }

  @Test func anApprovalIsOfWhatWasSeen() async throws {
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      let bob = try rig.client(Identity("bob", .operator))
      let one = try await Self.propose(Self.ordinary, by: ann)
      let wrong = (one.number, String(repeating: "f", count: 64))
      #expect(try await Self.approve(wrong, by: bob).code == "hash_mismatch")
      let path = "\(Self.proposals)/\(one.number)/approve"
      let short = #"{"sha256": "\#(one.hash.prefix(12))"}"#
      #expect(try await bob.send("POST", path, short).status == 400)
      #expect(try await bob.send("POST", path, "{}").status == 400)
      let absent = (99, one.hash)
      #expect(try await Self.approve(absent, by: bob).status == 404)
      let odd = try await bob.send("GET", "\(Self.proposals)/x")
      #expect(odd.status == 404)
    }
  }

  @Test func aPolicyInBetweenMakesAProposalStale() async throws {
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      let bob = try rig.client(Identity("bob", .operator))
      let one = try await Self.propose(Self.ordinary, by: ann)
      let two = try await Self.propose(Self.guarded, by: ann)
      _ = try await Self.approve(one, by: bob)
      #expect(try await Self.state(two.number, ann) == "stale")
      #expect(try await Self.approve(two, by: bob).code == "proposal_stale")
      let list = try await ann.send("GET", Self.proposals).object["proposals"] as? [[String: Any]]
      #expect(list?.map { $0["state"] as? String } == ["active", "stale"])
    }
  }

  @Test func whatIsWithdrawnIsNotApproved() async throws {
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      let bob = try rig.client(Identity("bob", .operator))
      let one = try await Self.propose(Self.ordinary, by: ann)
      let path = "\(Self.proposals)/\(one.number)/withdraw"
      #expect(try await bob.send("POST", path, "{}").code == "body_unexpected")
      #expect(Self.state(try await bob.send("POST", path)) == "withdrawn")
      #expect(try await Self.approve(one, by: bob).code == "proposal_closed")
      #expect(rig.server.decider.vocabulary.1 == PolicyGeneration(1))
    }
  }

  @Test func aRollBackIsANewGenerationWithOldContent() async throws {
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      let bob = try rig.client(Identity("bob", .operator))
      _ = try await Self.approve(try await Self.propose(Self.ordinary, by: ann), by: bob)
      let reply = try await bob.send("POST", "v1/policy/rollback", #"{"to": 1}"#)
      #expect(reply.status == 201)
      let row = Self.proposal(reply)
      #expect(row["restores_generation"] as? Int == 1)
      let number = try #require(row["number"] as? Int)
      let hash = try #require(row["sha256"] as? String)
      // Nobody rolls back alone.
      #expect(try await Self.approve((number, hash), by: bob).code == "approver_involved")
      #expect(Self.state(try await Self.approve((number, hash), by: ann)) == "active")
      let rows = try await Self.generations(ann)
      #expect(rows.map { $0["generation"] as? Int } == [3, 2, 1])
      #expect(rows[0]["sha256"] as? String == rows[2]["sha256"] as? String)
      let third = try await ann.send("GET", "v1/policy/generations/3").object["request"]
      let policy = (third as? [String: Any])?["policy"] as? [String: Any]
      #expect(policy?["generation"] as? Int == 3)
      #expect((policy?["services"] as? [Any])?.count == 2)
      #expect(try await ann.send("POST", "v1/policy/rollback", #"{"to": 9}"#).status == 404)
      let same = try await ann.send("POST", "v1/policy/rollback", #"{"to": 1}"#)
      #expect(same.code == "nothing_changes")
      #expect(try await ann.send("GET", "v1/policy/generations/9").status == 404)
    }
  }

  // MARK: time, and restarts

  @Test func itComesIntoForceAtItsTime() async throws {
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      let bob = try rig.client(Identity("bob", .operator))
      let far = UTC.text(SystemClock.utc + 400 * 86_400)
      let late = try await ann.send("POST", Self.proposals, Self.body(Self.ordinary, at: far))
      #expect(late.status == 400)
      let soon = UTC.text(SystemClock.utc + 2)
      let one = try await Self.propose(Self.ordinary, by: ann, at: soon)
      _ = try await Self.approve(one, by: bob)
      #expect(try await Self.isActive(one.number, ann))
      let row = try #require(try await Self.generations(ann).first)
      #expect((row["at"] as? String ?? "") >= soon)
    }
  }

  @Test func whatIsScheduledIsThereAfterARestart() async throws {
    try await Rig.inFolder { folder in
      var one = (number: 0, hash: "")
      let moment = UTC.text(SystemClock.utc + 3_600)
      try await Rig.serving(folder) { rig in
        let ann = try rig.client(Identity("ann", .operator))
        one = try await Self.propose(Self.ordinary, by: ann, at: moment)
        let bob = try rig.client(Identity("bob", .operator))
        #expect(Self.state(try await Self.approve(one, by: bob)) == "scheduled")
      }
      try await Rig.serving(folder) { rig in
        let ann = try rig.client(Identity("ann", .operator))
        let reply = try await ann.send("GET", "\(Self.proposals)/\(one.number)")
        #expect(Self.state(reply) == "scheduled")
        #expect(Self.proposal(reply)["activate_at"] as? String == moment)
        #expect(Self.proposal(reply)["sha256"] as? String == one.hash)
        #expect(rig.server.decider.vocabulary.1 == PolicyGeneration(1))
      }
    }
  }

  /// What fell due while no server ran is put in force when one begins.
  @Test func whatIsDueIsInForceAfterARestart() async throws {
    try await Rig.inFolder { folder in
      var one = (number: 0, hash: "")
      try await Rig.serving(folder) { rig in
        let ann = try rig.client(Identity("ann", .operator))
        one = try await Self.propose(Self.ordinary, by: ann)
        // As if the server ended right behind the approval.
        let act = Act.policy(.approve(proposal: Int64(one.number), hash: one.hash))
        let said = try await rig.server.decider.ask(
          Ask(act, by: "bob", under: PolicyGeneration(1)))
        #expect(said.verdict == .done)
      }
      for _ in 0..<2 {
        try await Rig.serving(folder) { rig in
          let ann = try rig.client(Identity("ann", .operator))
          #expect(try await Self.isActive(one.number, ann))
          let rows = try await Self.generations(ann)
          #expect(rows.map { $0["generation"] as? Int } == [2, 1])
          #expect(rows.allSatisfy { $0["signed"] as? Bool == true })
        }
      }
      #expect(try SQLiteStore(at: folder, engine: Server.engine).verify().difference == nil)
    }
  }

  @Test func aLeaseKeepsTheGenerationThatAdmittedIt() async throws {
    try await Rig.serving { rig in
      let root = try await rig.filledHalf()
      let bob = try rig.client(Identity("bob", .operator))
      _ = try await Self.approve(try await Self.propose(Self.ordinary, by: root), by: bob)
      let next = try await root.send("POST", "v1/claims", Documents.claim("c-2"))
      #expect(next.object["policy_generation"] as? Int == 2)
      let leases = try await root.send("GET", "v1/leases").object["leases"] as? [[String: Any]]
      let found = (leases ?? []).map { row in
        "\(row["claim"] as? String ?? "") \(row["policy_generation"] as? Int ?? 0)"
      }
      #expect(found.sorted() == ["c-1 1", "c-2 2"])
    }
  }

  // MARK: who may not

  @Test func onlyOperatorsDecideOnPolicies() async throws {
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      let one = try await Self.propose(Self.ordinary, by: ann)
      for identity in [
        Identity("lead", .owner, of: "acme"), Identity("agent:a", .workload, of: "acme"),
        Identity("node:n-1", .node, of: "n-1"),
      ] {
        let client = try rig.client(identity)
        let posts = [
          (Self.proposals, Self.body(Self.guarded)), ("v1/policy/rollback", #"{"to": 1}"#),
          ("\(Self.proposals)/\(one.number)/approve", #"{"sha256": "\#(one.hash)"}"#),
          ("\(Self.proposals)/\(one.number)/withdraw", ""),
        ]
        for (path, body) in posts {
          let reply = try await client.send("POST", path, body.isEmpty ? nil : body)
          #expect(reply.status == 403, "\(path)")
        }
        for path in [Self.proposals, "\(Self.proposals)/1", "v1/policy/generations"] {
          #expect(try await client.send("GET", path).status == 403, "\(path)")
        }
      }
      let restriction = """
        {"identity": "principal", "name": "bob", "measure": "suspend", "for_seconds": 600,
         "because": "left"}
        """
      #expect(try await ann.send("POST", "v1/restrictions", restriction).status == 200)
      let bob = try rig.client(Identity("bob", .operator))
      #expect(try await Self.approve(one, by: bob).status == 403)
      let own = try await bob.send("POST", Self.proposals, Self.body(Self.ordinary))
      #expect(own.status == 403 && own.code == "not_authorised")
      #expect(try await Self.state(one.number, ann) == "proposed")
    }
  }

  @Test func whatCannotBeReadIsNotProposed() async throws {
    try await Rig.serving { rig in
      let ann = try rig.client(Identity("ann", .operator))
      let wrong = Self.guarded.replacingOccurrences(of: "\"class\": \"P1\"", with: "\"class\": 1")
      for body in [
        Self.body(wrong), Self.body("7"), "{\"policy\": \(Self.guarded)}",
        Self.body(Self.guarded, at: "tomorrow"),
        Self.body(Self.guarded).replacingOccurrences(
          of: "\"0a0a", with: "\"zz0a"),
      ] {
        let reply = try await ann.send("POST", Self.proposals, body)
        #expect(reply.status == 400 && reply.code == "document_in_error")
      }
      let list = try await ann.send("GET", Self.proposals).object["proposals"] as? [Any]
      #expect(list?.isEmpty == true)
    }
  }

  @Test func aPolicyInForceIsNotReplacedByOneAlone() async throws {
    let next = Self.guarded.replacingOccurrences(
      of: "\"generation\": 1", with: "\"generation\": 7")
    try await Rig.serving { rig in
      let reply = try await rig.root.send("PUT", "v1/policy", next)
      #expect(reply.status == 409 && reply.code == "proposal_needed")
      #expect(try await rig.server.activate(Array(next.utf8), by: "f", onlyFirst: true) == false)
    }
    try await Rig.serving(isPolicyDirect: true) { rig in
      let root = try rig.root
      #expect(try await root.send("PUT", "v1/policy", next).status == 200)
      let rows = try await Self.generations(root)
      #expect(rows.map { $0["generation"] as? Int } == [7, 1])
      #expect(rows[0]["proposer"] as? String == "root")
      #expect((rows[0]["approvers"] as? [Any])?.isEmpty == true)
      #expect(rows[0]["proposal"] == nil)
      // The numbers go on behind it.
      let one = try await Self.propose(Self.ordinary, by: root)
      let (bob, eve) = (
        try rig.client(Identity("bob", .operator)), try rig.client(Identity("eve", .operator))
      )
      _ = try await Self.approve(one, by: bob)
      #expect(Self.proposal(try await Self.approve(one, by: eve))["generation"] as? Int == 8)
    }
  }
}
