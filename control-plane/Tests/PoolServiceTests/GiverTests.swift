import Foundation
import PoolAllocator
import PoolClient
import PoolIdentity
import PoolViews
import PoolWire
import Testing

@testable import PoolService

/// What holds of everybody to whom one has handed on, and of decisions that come late.
@Suite struct GiverTests {
  /// The allocator has identities of its own.
  private typealias Identity = PoolService.Identity

  /// A budget of acme, and its tokens.
  private static func serving(_ body: (Rig, PoolClient) async throws -> Void) async throws {
    try await Rig.serving { rig in
      let root = try await rig.filled()
      let budget = #"""
        {"tenant": "acme", "budget": "b", "limit_gpu_seconds": 100, "for_seconds": 600}
        """#
      #expect(try await root.send("POST", "v1/delegations", budget).status == 200)
      try await body(rig, root)
    }
  }

  /// A token that an owner of acme gives.
  private static func token(
    _ rig: Rig, from giver: String, to principal: String
  ) async throws -> String {
    let owner = try rig.client(Identity(giver, .owner, of: "acme"))
    let reply = try await owner.send(
      "POST", "v1/delegations/acme/b/token",
      #"{"to": "\#(principal)", "actions": ["look", "prepare", "execute"], "for_seconds": 600}"#)
    return try #require(reply.object["token"] as? String)
  }

  private static func claim(_ name: String, by principal: String) -> String {
    String(Documents.claim(name, by: principal).dropLast()) + #", "budget": "b"}"#
  }

  /// Who has a token, as the server takes it.
  private static func holder(_ rig: Rig, _ token: String) throws -> Identity {
    let file = try String(contentsOfFile: rig.folder + "/identity.key", encoding: .utf8)
    let root = try #require(RootKey(hex: String(file.prefix(64))))
    let mandate = try Chain(text: token).verified(
      root: root, audience: Server.audience, now: Int64(Date().timeIntervalSince1970))
    return Identity(mandate)
  }

  @Test func whoeverIsSuspendedTakesTheirChainsWithThem() async throws {
    try await Self.serving { rig, root in
      let own = rig.client(token: try await Self.token(rig, from: "human:lead", to: "agent:a"))
      let other = rig.client(token: try await Self.token(rig, from: "human:boss", to: "agent:b"))
      let first = try await own.send("POST", "v1/claims", Self.claim("c-1", by: "agent:a"))
      #expect(first.status == 202)
      let suspend = #"""
        {"identity": "principal", "name": "human:lead", "measure": "suspend", "for_seconds": 600,
         "because": "it asks too much"}
        """#
      #expect(try await root.send("POST", "v1/restrictions", suspend).status == 200)
      let next = Self.claim("c-2", by: "agent:a")
      for (path, body) in [
        ("v1/claims", next), ("v1/explain", next), ("v1/claims/batch", "{\"claims\": [\(next)]}"),
        ("v1/quotes", #"{"quote": "q", "claim": \#(next)}"#),
      ] {
        let refused = try await own.send("POST", path, body)
        #expect(refused.status == 403, "\(path)")
        #expect((refused.object["detail"] as? String)?.contains("human:lead") == true, "\(path)")
      }
      // Whoever was given by somebody else is not concerned.
      let free = try await other.send("POST", "v1/claims", Self.claim("c-3", by: "agent:b"))
      #expect(free.status == 202)
      let lift = #"{"identity": "principal", "name": "human:lead", "measure": "lift"}"#
      #expect(try await root.send("POST", "v1/restrictions", lift).status == 200)
      #expect(try await own.send("POST", "v1/claims", next).status == 202)
    }
  }

  @Test func allWhoHoldFromOneShareWhatIsLimited() async throws {
    try await Self.serving { rig, _ in
      let one = try Self.holder(
        rig, try await Self.token(rig, from: "human:lead", to: "agent:a"))
      let two = try Self.holder(
        rig, try await Self.token(rig, from: "human:lead", to: "agent:b"))
      let other = try Self.holder(
        rig, try await Self.token(rig, from: "human:boss", to: "agent:a"))
      #expect(one.quotaHolder == two.quotaHolder && one.quotaHolder != other.quotaHolder)
      // The giver's own share is the same one, and that of the name in another tenant is not.
      #expect(one.quotaHolder == Identity("human:lead", .owner, of: "acme").quotaHolder)
      #expect(one.quotaHolder != Identity("human:lead", .owner, of: "zeta").quotaHolder)
      let engine = rig.server.decider
      // Streams that nobody reads, whose holders take turns.
      var open: [Following] = []
      for turn in 0..<Followers.mostOfOne {
        let caller = Caller(identity: turn % 2 == 0 ? one : two, expires: nil)
        let following = try await engine.follow(queueOf: "acme", by: caller, after: nil)
        open.append(try #require(following))
      }
      for identity in [one, two] {
        await #expect(throws: Unasked.streamsOfOneFull) {
          _ = try await engine.follow(
            queueOf: "acme", by: Caller(identity: identity, expires: nil), after: nil)
        }
      }
      let free = try await engine.follow(
        queueOf: "acme", by: Caller(identity: other, expires: nil), after: nil)
      #expect(free != nil)
      withExtendedLifetime(open) {}
      // So it is with explanations: what one has used up the other has not.
      var refused = 0
      for turn in 0..<200 {
        let holder = (turn % 2 == 0 ? one : two).quotaHolder
        let isRefused = try await engine.look(explainingTo: holder) { _, why in why != nil }
        if isRefused { refused += 1 }
      }
      #expect(refused > 0)
      let isRefused = try await engine.look(explainingTo: other.quotaHolder) { _, why in
        why != nil
      }
      #expect(!isRefused)
    }
  }

  /// Between the look at a claim and the decision the claim may end, and another one may have its
  /// name: nobody looked at that one.
  @Test func noDecisionFallsOnASuccessor() async throws {
    try await Self.serving { rig, root in
      let engine = rig.server.decider
      let key = ClaimForm.key(tenant: "acme", name: "c-1")
      #expect(try await root.send("POST", "v1/claims", Documents.claim("c-1")).status == 202)
      let first = try await engine.look { $0.pool.claim(named: key) }
      #expect(try await root.send("DELETE", "v1/claims/acme/c-1").status == 200)
      #expect(try await root.send("POST", "v1/claims", Documents.claim("c-1")).status == 202)
      let second = try await engine.look { $0.pool.claim(named: key) }
      #expect(first != nil && second != nil && first != second)
      func decide(on claim: ClaimID?) async throws -> Said {
        var ask = Ask(
          .decide(tenant: "acme", claim: "c-1", by: "human:boss", plan: nil), called: "deny",
          by: "human:boss", under: engine.vocabulary.1, document: Array("{}".utf8))
        ask.subject = claim
        return try await engine.ask(ask)
      }
      await #expect(throws: Unasked.gone) { _ = try await decide(on: first) }
      // This one waits for no approval, which is for the pool to say: it was asked.
      #expect(try await decide(on: second).reasons == [.wrongState])
      let last = try await engine.look { $0.pool.claim(named: key) }
      #expect(last == second)
    }
  }
}
