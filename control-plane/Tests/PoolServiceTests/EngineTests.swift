import Foundation
import PoolAllocator
import PoolLoop
import PoolRecord
import PoolService
import PoolStore
import PoolViews
import PoolWire
import StrictJSON
import Synchronization
import Testing

/// What is said, and when, where the disk is slow or full.
@Suite struct EngineTests {
  private static func ask(
    _ text: String, as command: Command? = nil, key: UInt64? = nil
  ) throws -> Ask {
    let name = key.map {
      RequestName(
        scope: Key(high: 1, low: 1), key: Key(high: 0, low: $0), digest: Key(high: 0, low: $0))
    }
    let stream = try StreamRequest(
      try JSONDocument(text: text), vocabulary: PolicyVocabulary())
    return Ask(
      stream.operation, called: stream.op, by: "test", under: PolicyGeneration(0), as: command,
      name: name, document: Array(text.utf8))
  }

  private static func enrol() throws -> Ask {
    let text = #"{"op": "advertise", "node": \#(Documents.node())}"#
    let document = try NodeDocument(try JSONDocument(text: Documents.node()))
    return try ask(text, as: .enrol(document.enrolment))
  }

  private static func serving(
    failed: @escaping @Sendable (StoreError) -> Void = { Issue.record("\($0)") },
    _ body: (Engine, GatedStore) async throws -> Void
  ) async throws {
    try await Rig.inFolder { folder in
      let store = try GatedStore(at: folder)
      let engine = try Engine(on: store, failed: failed)
      let said = try await engine.ask(try enrol())
      #expect(said.verdict == .done)
      try await body(engine, store)
      await engine.stop()
    }
  }

  @Test func aLookAtWhatIsLostIsToldSo() async throws {
    let failures = Mutex(0)
    try await Self.serving(failed: { _ in failures.withLock { $0 += 1 } }) { engine, store in
      store.shut()
      let cordon = try Self.ask(#"{"op": "cordon", "node": "n-1"}"#)
      let said = Task { try await engine.ask(cordon) }
      try await Task.sleep(for: .milliseconds(100))
      let seen = Task { try await engine.look { $0.pool.now } }
      try await Task.sleep(for: .milliseconds(100))
      store.open(failing: true)
      await #expect(throws: Unasked.ending) { try await said.value }
      await #expect(throws: Unasked.ending) { try await seen.value }
      await #expect(throws: Unasked.ending) { try await engine.look { $0.pool.now } }
      await #expect(throws: Unasked.ending) {
        try await engine.await("c", of: "acme", by: "test", seconds: 1)
      }
    }
    #expect(failures.withLock { $0 } == 1)
  }

  @Test func aRepetitionShowsNothingThatIsNotDurable() async throws {
    try await Self.serving { engine, store in
      let cordon = try Self.ask(#"{"op": "cordon", "node": "n-1"}"#, key: 7)
      _ = try await engine.ask(cordon)
      store.shut()
      // The answer to the repetition waits for nothing of its own, but is written down with this.
      async let other = engine.ask(try Self.ask(#"{"op": "uncordon", "node": "n-1"}"#))
      try await Task.sleep(for: .milliseconds(100))
      let isSaid = Mutex(false)
      async let again = {
        let said = try await engine.ask(cordon)
        isSaid.withLock { $0 = true }
        return said
      }()
      try await Task.sleep(for: .milliseconds(200))
      #expect(!isSaid.withLock { $0 })
      store.open()
      #expect(try await again.isRepeat)
      #expect(try await other.verdict == .done)
    }
  }

  @Test func requestsThatComeTogetherAreReadUnderThePolicyOfTheirTurn() async throws {
    try await Self.serving { engine, _ in
      let policy = try PolicyDocument(try JSONDocument(text: Documents.policy))
      func ask(_ operation: StreamRequest.Operation, _ op: String, _ text: String) -> Ask {
        Ask(
          operation, called: op, by: "test", under: PolicyGeneration(0),
          document: Array(#"{"op": "\#(op)", "\#(op)": \#(text)}"#.utf8))
      }
      func claim(_ name: String) throws -> Ask {
        let text = Documents.claim(name)
        let form = try JSONDocument(text: text).decode {
          try ClaimForm.read($0, vocabulary: policy.vocabulary)
        }
        return ask(.claim(form), "claim", text)
      }
      let said = try await engine.ask(all: [
        try claim("a"), try claim("b"), ask(.policy(policy), "policy", Documents.policy),
        try claim("c"), try claim("d"),
      ])
      // Without a policy all is denied; with this one the lane is known, and has no node.
      #expect(
        try said.map { try $0.get().verdict } == [
          .rejected, .rejected, .done, .infeasible, .infeasible,
        ])
    }
  }

  /// A server that goes on from an image decides what one decides that never stopped.
  @Test func whatComesAfterAnImageIsDecidedTheSame() async throws {
    try await Rig.inFolder { folder in
      for round in 0..<4 {
        let store = try SQLiteStore(at: folder, engine: 1)
        let engine = try Engine(on: store, imageEvery: 3) { Issue.record("\($0)") }
        if round == 0 { _ = try await engine.ask(try Self.enrol()) }
        for turn in 0..<5 {
          let op = turn % 2 == 0 ? "cordon" : "uncordon"
          let said = try await engine.ask(try Self.ask(#"{"op": "\#(op)", "node": "n-1"}"#))
          #expect(said.verdict == .done)
        }
        await engine.stop()
        #expect(FileManager.default.fileExists(atPath: folder + "/state.image"))
      }
      let found = try SQLiteStore(at: folder, engine: 1).verify()
      #expect(found.difference == nil && found.decided > 20)
    }
  }

  @Test func allOldAnswersAreForgottenNotAPartAMinute() async throws {
    try await Rig.inFolder { folder in
      let store = try GatedStore(at: folder)
      store.old.withLock { $0 = 5 * SQLiteStore.forgottenAtOnce + 1 }
      let engine = try Engine(on: store) { Issue.record("\($0)") }
      // Its first batch begins it, and no other one is needed.
      _ = try await engine.ask(try Self.enrol())
      for _ in 0..<500 where store.old.withLock({ $0 }) > 0 {
        try await Task.sleep(for: .milliseconds(10))
      }
      #expect(store.old.withLock { $0 } == 0)
      await engine.stop()
    }
  }

  @Test func aNodeTellsNoMoreNamesThanAreHeld() throws {
    var book = Book()
    var pool = Pool()
    var log = EventLog()
    let first = try NodeDocument(try JSONDocument(text: Documents.node()))
    _ = pool.apply(.enrol(first.enrolment), at: .origin, into: &log)
    let node = try #require(pool.node(named: first.key))
    var last = NameTable()
    for round in 0..<(2 * Book.toldMax / 8) {
      last = NameTable()
      for device in 0..<8 { try last.intern(.device, "d-\(round)-\(device)") }
      try book.learn(last, from: node)
      // What is told again is held once.
      try book.learn(last, from: node)
    }
    #expect(book.names.count <= Book.toldMax)
    #expect(book.names.name(NameTable.key(.device, "d-\(2 * Book.toldMax / 8 - 1)-7")) != nil)
  }
}
