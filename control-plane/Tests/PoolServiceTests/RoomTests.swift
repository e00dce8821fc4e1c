import Foundation
import PoolAllocator
import PoolLoop
import PoolStore
import PoolWire
import StrictJSON
import Synchronization
import Testing

@testable import PoolService

/// A disk on which the room can be set.
private final class ShortStore: JournalStore {
  let store: SQLiteStore
  let left = Mutex<Int64>(.max)

  init(_ folder: String) throws { store = try SQLiteStore(at: folder, engine: Server.engine) }

  var room: Int64? { left.withLock { $0 } }
  func close() { store.close() }
  func recover() throws(StoreError) -> Recovered { try store.recover() }
  func append(
    _ batch: borrowing Batch, notes: [Key: RequestNote], utc: Int64
  ) throws(StoreError) { try store.append(batch, notes: notes, utc: utc) }
  func note(of subject: Key) throws(StoreError) -> RequestNote? { try store.note(of: subject) }
  func notes(
    after sequence: UInt64, atMost limit: Int
  ) throws(StoreError) -> [(sequence: UInt64, note: RequestNote)] {
    try store.notes(after: sequence, atMost: limit)
  }
  func answer(to name: RequestName) throws(StoreError) -> KnownAnswer? {
    try store.answer(to: name)
  }
  func forgetAnswers(before utc: Int64) throws(StoreError) -> Int {
    try store.forgetAnswers(before: utc)
  }
  func export(_ visit: (borrowing [UInt8]) throws -> Void) throws { try store.export(visit) }
}

@Suite struct RoomTests {
  @Test func nothingNewIsTakenInWhereRoomIsShort() async throws {
    try await Rig.inFolder { folder in
      let store = try ShortStore(folder)
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
      store.left.withLock { $0 = Engine.roomLeast }
      try await Task.sleep(for: .milliseconds(1_100))
      #expect(try await engine.ask(enrol).verdict == .rejected)
      await engine.stop()
    }
  }
}
