import Foundation
import PoolAllocator
import PoolClient
import PoolStore
import PoolWire
import StrictJSON
import Synchronization
import Testing

@testable import PoolService

/// Streams of events: what is said, to whom, and when it ends.
@Suite struct EventsTests {
  /// The allocator has identities of its own.
  private typealias Identity = PoolService.Identity

  private static let path = "v1/claims/acme/c-1/events"

  private static func token(
    _ rig: Rig, _ identity: Identity = Identity("root", .operator), seconds: Int64 = 600
  ) throws -> String {
    try rig.server.credentials.issue(identity, for: seconds)
  }

  /// A claim of acme that waits, for work of zeta holds all that there is.
  private static func waiting(_ rig: Rig) async throws {
    _ = try await rig.joined()
    let root = try rig.root
    let full = try await root.send(
      "POST", "v1/claims", Documents.claim("full", of: "zeta", milli: 2000))
    #expect(full.status == 201)
    #expect(try await root.send("POST", "v1/claims", Documents.claim("c-1")).status == 202)
  }

  @Test func aClaimIsFollowedToItsEnd() async throws {
    try await Rig.serving { rig in
      var agent = try await rig.joined()
      let root = try rig.root
      let full = try await root.send("POST", "v1/claims", Documents.claim("full", milli: 2000))
      let lease = try #require(full.object["lease"] as? [String: Any])
      _ = try await root.send("POST", "v1/claims", Documents.claim("c-1", milli: 2000))
      var events = try rig.events(Self.path, token: try Self.token(rig))
      let first = try #require(await events.next())
      #expect(first.name == "claim" && first.object["state"] as? String == "queued")
      _ = try await root.send(
        "POST", "v1/leases/\(lease["lease"] ?? "")/complete",
        #"{"fencing": "\#(lease["fencing"] ?? "")", "outcome": "completed"}"#)
      try await agent.turn {
        let leases = try await root.send("GET", "v1/leases").object["leases"]
        return (leases as? [[String: Any]] ?? []).contains { $0["claim"] as? String == "c-1" }
      }
      let granted = try #require(await events.next { $0.object["runs"] != nil })
      #expect(granted.name == "claim")
      _ = try await root.send("DELETE", "v1/claims/acme/c-1")
      let ended = try #require(await events.next { $0.name == "ended" })
      #expect(ended.object["outcome"] as? String == "cancelled")
      let ids = [first, granted, ended].compactMap { $0.id.flatMap { UInt64($0) } }
      #expect(ids.count == 3 && ids == ids.sorted() && Set(ids).count == 3)
      #expect(await events.next() == nil)
    }
  }

  @Test func whoComesBackMissesNothingAndHearsNothingTwice() async throws {
    try await Rig.serving { rig in
      try await Self.waiting(rig)
      let (root, token) = (try rig.root, try Self.token(rig))
      var first = try rig.events(Self.path, token: token)
      let known = try #require(await first.next()?.id)
      first.close()
      // Nothing happened to the claim since, whatever else did.
      _ = try await root.send("POST", "v1/nodes", Documents.node("n-2"))
      var second = try rig.events(Self.path, token: token, after: known)
      _ = try await root.send("DELETE", "v1/claims/acme/c-1")
      var told: [EventReader.Event] = []
      while let event = await second.next() { told.append(event) }
      let ended = try #require(told.last)
      #expect(ended.name == "ended")
      let ids = ([known] + told.compactMap(\.id)).compactMap { UInt64($0) }
      #expect(ids.count == told.count + 1 && ids == ids.sorted() && Set(ids).count == ids.count)
      // Its end is told to those who were away, once.
      var third = try rig.events(Self.path, token: token, after: known)
      #expect(await third.next() == ended)
      #expect(await third.next() == nil)
      var fourth = try rig.events(Self.path, token: token, after: ended.id)
      #expect(await fourth.next() == nil)
      // An id of another journal is none.
      _ = try await root.send("POST", "v1/claims", Documents.claim("c-1"))
      var fifth = try rig.events(Self.path, token: token, after: "999999999")
      #expect(await fifth.next()?.object["claim"] as? String == "c-1")
    }
  }

  @Test func aForeignClaimLooksAbsent() async throws {
    try await Rig.serving { rig in
      try await Self.waiting(rig)
      let foreign = try rig.client(Identity("lead", .owner, of: "zeta"))
      let real = try await foreign.send("GET", Self.path)
      let absent = try await foreign.send("GET", "v1/claims/acme/c-2/events")
      #expect(real.status == 404 && real.body == absent.body)
      let own = try rig.client(Identity("lead", .owner, of: "acme"))
      #expect(try await own.send("GET", "v1/claims/acme/c-2/events").status == 404)
      let node = try rig.client(Identity("node:n-1", .node, of: "n-1"))
      #expect(try await node.send("GET", Self.path).status == 403)
    }
  }

  @Test func aQueueIsFollowedAsTheCallerMaySeeIt() async throws {
    try await Rig.serving { rig in
      try await Self.waiting(rig)
      let lead = Identity("lead", .owner, of: "zeta")
      var own = try rig.events("v1/queue/events", token: try Self.token(rig, lead))
      var all = try rig.events("v1/queue/events", token: try Self.token(rig))
      func claims(_ event: EventReader.Event?) -> [String] {
        let rows = event?.object["waiting"] as? [[String: Any]] ?? []
        return rows.compactMap { $0["claim"] as? String }
      }
      #expect(claims(await own.next()) == [])
      #expect(claims(await all.next()) == ["c-1"])
      _ = try await rig.root.send("POST", "v1/claims", Documents.claim("z-1", of: "zeta"))
      let told = try #require(await own.next())
      #expect(told.name == "queue" && claims(told) == ["z-1"])
      #expect(!told.data.contains("acme"))
      #expect(await all.next { claims($0) == ["c-1", "z-1"] } != nil)
    }
  }

  @Test func aStreamEndsWithTheCredential() async throws {
    try await Rig.serving { rig in
      try await Self.waiting(rig)
      var events = try rig.events(Self.path, token: try Self.token(rig, seconds: 2))
      #expect(await events.next()?.name == "claim")
      let last = try #require(await events.next())
      // Where the caller stands in the journal stays as it was.
      #expect(last.name == "expired" && last.id == nil)
      #expect(await events.next() == nil)
    }
  }

  @Test func aStreamEndsWithTheServer() async throws {
    try await Rig.serving { rig in
      try await Self.waiting(rig)
      var events = try rig.events(Self.path, token: try Self.token(rig))
      #expect(await events.next()?.name == "claim")
      rig.server.decider.endWaits()
      #expect(await events.next() == nil)
      #expect(try await rig.root.send("GET", Self.path).status == 503)
    }
  }

  @Test func aPrincipalHasSixteenStreams() async throws {
    try await Rig.serving { rig in
      try await Self.waiting(rig)
      let token = try Self.token(rig)
      var open: [EventReader] = []
      for _ in 0..<Followers.mostOfOne {
        var events = try rig.events(Self.path, token: token)
        #expect(await events.next()?.name == "claim")
        open.append(events)
      }
      let refused = try await rig.client(token: token).send("GET", Self.path)
      #expect(refused.status == 429 && refused.retryAfter != nil)
      // Another one has its own; and one that ends makes room.
      let other = Identity("lead", .owner, of: "acme")
      var others = try rig.events(Self.path, token: try Self.token(rig, other))
      #expect(await others.next()?.name == "claim")
      open.removeLast().close()
      for _ in 0..<100 {
        var again = try rig.events(Self.path, token: token)
        if await again.next() != nil { return }
        try await Task.sleep(for: .milliseconds(50))
      }
      Issue.record("a stream that its reader left is still counted")
    }
  }

  @Test func nothingIsToldBeforeItIsDurable() async throws {
    try await Rig.inFolder { folder in
      let store = try GatedStore(at: folder)
      let engine = try Engine(on: store) { Issue.record("\($0)") }
      let document = try NodeDocument(try JSONDocument(text: Documents.node()))
      func ask(_ operation: StreamRequest.Operation, as command: Command? = nil) -> Ask {
        Ask(
          operation, called: "test", by: "test", under: engine.vocabulary.1, as: command,
          document: Array("{}".utf8))
      }
      _ = try await engine.ask(ask(.advertise(document), as: .enrol(document.enrolment)))
      store.shut()
      let cordon = ask(.node("n-1", .cordon))
      async let said = engine.ask(cordon)
      try await Task.sleep(for: .milliseconds(100))
      let isTold = Mutex(false)
      let caller = Caller(identity: Identity("root", .operator), expires: nil)
      async let following = {
        let following = try await engine.follow(queueOf: nil, by: caller, after: nil)
        isTold.withLock { $0 = true }
        return following
      }()
      try await Task.sleep(for: .milliseconds(200))
      #expect(!isTold.withLock { $0 })
      store.open()
      #expect(try await said.verdict == .done)
      let words = try #require(try await following).follower.take()
      #expect(String(decoding: words, as: UTF8.self).contains("event: queue"))
      await engine.stop()
    }
  }

  @Test func aSlowReaderGetsTheNewestAlone() {
    let (pulses, pulse) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let follower = Follower(told: 3, pulse)
    for record in [2, 5, 4, 9] {
      follower.tell(StreamEvent(name: .claim, record: UInt64(record), data: Array("{}".utf8)))
    }
    follower.comment()
    follower.end(.expired)
    follower.tell(StreamEvent(name: .claim, record: 10, data: Array("{}".utf8)))
    let text = String(decoding: follower.take(), as: UTF8.self)
    #expect(text.hasPrefix("id: 9\nevent: claim\ndata: {}\n\nevent: expired\ndata: "))
    #expect(follower.take().isEmpty)
    withExtendedLifetime(pulses) {}
  }
}
