import Foundation
import PoolAllocator
import PoolWire
import StrictJSON
import Synchronization
import Testing

@testable import PoolService

/// What is taken in where the disk is nearly full.
@Suite struct RoomTests {
  @Test func nothingNewIsTakenInWhereRoomIsShort() async throws {
    try await Rig.inFolder { folder in
      let store = try GatedStore(at: folder)
      let engine = try Engine(on: store) { Issue.record("\($0)") }
      let document = try NodeDocument(try JSONDocument(text: Documents.node()))
      let enrol = Ask(
        .advertise(document), called: "enrol", by: "test", under: engine.vocabulary.1,
        as: .enrol(document.enrolment), document: Array("{}".utf8))
      let cordon = Ask(
        .node("n-1", .cordon), called: "cordon", by: "test", under: engine.vocabulary.1,
        document: Array("{}".utf8))
      #expect(try await engine.ask(enrol).verdict == .done)
      store.left.withLock { $0 = Engine.roomLeast - 1 }
      // It is looked at once a second.
      try await Task.sleep(for: .milliseconds(1_100))
      await #expect(throws: Unasked.diskFull) { _ = try await engine.ask(enrol) }
      #expect(try await engine.ask(cordon).verdict == .done)
      let holder = PoolService.Identity("lead", .operator)
      await #expect(throws: Unasked.diskFull) {
        try await engine.record("credential", "pool_0", of: holder, for: 60, by: "test")
      }
      try await engine.record("rotate", "pool_0", of: holder, for: 60, by: "test")
      store.left.withLock { $0 = Engine.roomLeast }
      try await Task.sleep(for: .milliseconds(1_100))
      #expect(try await engine.ask(enrol).verdict == .rejected)
      await engine.stop()
    }
  }
}
