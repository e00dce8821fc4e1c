import Foundation
import GRDB
import PoolAllocator
import PoolLoop
import PoolRecord
import PoolStore
import Testing

/// What a store keeps, and whom it refuses.
@Suite struct StoreTests {
  @Test func whatIsAppendedIsReadBack() throws {
    let scratch = Scratch()
    let pool = try scratch.fill(batches: 20)
    let recovered = try scratch.store().recover()
    #expect(recovered.pool.digest() == pool.digest())
    #expect(recovered.records >= 100)
  }

  @Test func aLeaderGoesOnWhereTheLastOneEnded() throws {
    let scratch = Scratch()
    try scratch.fill(batches: 3)
    let pool = try scratch.fill(batches: 3)
    #expect(try scratch.store().recover().pool.digest() == pool.digest())
  }

  @Test func onlyItsOwnerMayRead() throws {
    let scratch = Scratch()
    try scratch.fill(batches: 1)
    let modes = try ["", "/journal.sqlite", "/lock"].map {
      try FileManager.default.attributesOfItem(atPath: scratch.path + $0)[.posixPermissions]
        as? Int
    }
    #expect(modes == [0o700, 0o600, 0o600])
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o750], ofItemAtPath: scratch.path)
    let refusal = Scratch.refusal { _ = try scratch.store() }
    #expect(refusal?.kind == .unavailable)
    #expect(refusal?.description.contains("chmod 700") == true)
  }

  @Test func oneProcessHasIt() throws {
    let scratch = Scratch()
    let store = try scratch.store()
    #expect(Scratch.refusal { _ = try scratch.store() }?.kind == .inUse)
    withExtendedLifetime(store) {}
  }

  @Test func whatOthersWroteIsRefused() throws {
    let scratch = Scratch()
    try scratch.fill(batches: 1)
    try scratch.edit { try $0.execute(sql: "PRAGMA user_version = 3") }
    let newer = Scratch.refusal { _ = try scratch.store() }
    #expect(newer?.kind == .foreign)
    #expect(newer?.description.contains("shape 3") == true)
    try scratch.edit { try $0.execute(sql: "PRAGMA application_id = 7") }
    #expect(Scratch.refusal { _ = try scratch.store() }?.kind == .foreign)
    let text = Scratch()
    try FileManager.default.createDirectory(
      atPath: text.path, withIntermediateDirectories: false,
      attributes: [.posixPermissions: 0o700])
    try Data(repeating: 65, count: 5_000).write(to: URL(fileURLWithPath: text.file))
    #expect(Scratch.refusal { _ = try text.store() }?.kind == .damaged(record: nil))
  }

  @Test func aLeaderThatWasOvertakenWritesNothing() throws {
    let scratch = Scratch()
    let before = try scratch.fill(batches: 2)
    let store = try scratch.store()
    var loop = Loop(
      after: try store.recover().pool, limits: LoopLimits(),
      at: ClockReading(elapsed: 0, utc: 0))
    try scratch.edit { try $0.execute(sql: "UPDATE head SET leader = leader + 1") }
    let batch = try #require(loop.run(at: ClockReading(elapsed: 1, utc: 1)).batch)
    #expect(Scratch.refusal { try store.append(batch, utc: 1) }?.kind == .overtaken)
    #expect(Scratch.refusal { try store.append(batch, utc: 1) }?.kind == .overtaken)
    #expect(try store.recover().pool.digest() == before.digest())
  }

  @Test func aBatchThatFailedEndsTheStore() throws {
    let scratch = Scratch()
    try scratch.fill(batches: 2)
    let store = try scratch.store()
    var loop = Loop(
      after: try store.recover().pool, limits: LoopLimits(),
      at: ClockReading(elapsed: 0, utc: 0))
    try scratch.edit {
      try $0.execute(
        sql: "CREATE TRIGGER t BEFORE INSERT ON record BEGIN SELECT RAISE(ABORT, 'no'); END")
    }
    let batch = try #require(loop.run(at: ClockReading(elapsed: 1, utc: 1)).batch)
    #expect(Scratch.refusal { try store.append(batch, utc: 1) }?.kind == .unavailable)
    // A sync that failed may succeed the next time though nothing is there: it is not tried again.
    try scratch.edit { try $0.execute(sql: "DROP TRIGGER t") }
    #expect(Scratch.refusal { try store.append(batch, utc: 1) }?.kind == .ended)
  }

  @Test func nothingIsWrittenBeforeRecovery() throws {
    let scratch = Scratch()
    let store = try scratch.store()
    var loop = Loop(
      after: Pool(), limits: LoopLimits(), at: ClockReading(elapsed: 0, utc: 0))
    let batch = try #require(loop.run(at: ClockReading(elapsed: 1, utc: 1)).batch)
    #expect(Scratch.refusal { try store.append(batch, utc: 1) }?.kind == .ended)
  }

  // MARK: answers

  @Test func aNameIsAnsweredAsBefore() throws {
    let scratch = Scratch()
    let pool = try scratch.fill(batches: 4)
    let store = try scratch.store()
    for number in 1...20 as ClosedRange<UInt64> {
      let known = try #require(try store.answer(to: Scratch.name(number)))
      #expect(known.digest == Scratch.name(number).digest)
      #expect(known.answer.decision.verdict == .done)
      #expect(known.answer.decision.node == pool.node(named: Key(high: 5, low: number)))
    }
    #expect(try store.answer(to: Scratch.name(99)) == nil)
    var other = Scratch.name(1)
    other.scope = Key(high: 2, low: 2)
    #expect(try store.answer(to: other) == nil)
  }

  @Test func oldAnswersAreForgotten() throws {
    let scratch = Scratch()
    try scratch.fill(batches: 4)
    let store = try scratch.store()
    #expect(try store.forgetAnswers(before: 3) == 10)
    #expect(try store.answer(to: Scratch.name(10)) == nil)
    #expect(try store.answer(to: Scratch.name(11)) != nil)
    #expect(try store.forgetAnswers(before: 3) == 0)
  }

  // MARK: the record form

  @Test func anExportIsTheRecordForm() throws {
    let scratch = Scratch()
    let pool = try scratch.fill(batches: 30)
    let store = try scratch.store()
    var bytes: [UInt8] = []
    try store.export { bytes += $0 }
    var reader = JournalReader(bytes)
    var folded = try #require(reader.emptyPool)
    #expect(reader.fold(into: &folded) == .complete)
    #expect(folded.digest() == pool.digest())
  }

  @Test func recordsAreDecidedAgain() throws {
    let scratch = Scratch()
    try scratch.fill(batches: 10)
    let found = try scratch.store(engine: 1).verify()
    #expect(found.difference == nil)
    #expect(found.decided >= 50)
    // Another engine may decide otherwise: its records are folded.
    let other = Scratch()
    try other.fill(batches: 10)
    #expect(try other.store(engine: 2).verify().decided == 0)
  }

  @Test("a note stands with its record, in its chain, and is found by its subject")
  func notes() throws {
    let scratch = Scratch()
    let subject = Key(high: 7, low: 8)
    do {
      let store = try scratch.store()
      var loop = Loop(
        after: try store.recover().pool, limits: LoopLimits(),
        at: ClockReading(elapsed: 0, utc: 1_000))
      for number in UInt64(1)...3 { _ = loop.take(Scratch.request(number)) }
      let batch = try #require(loop.run(at: ClockReading(elapsed: 1, utc: 1)).batch)
      let notes = [
        Key(high: 1, low: 1): RequestNote(subject: subject, text: Array("first".utf8)),
        Key(high: 1, low: 3): RequestNote(subject: subject, text: Array("last".utf8)),
      ]
      try store.append(batch, notes: notes, utc: 1)
      #expect(try store.note(of: subject)?.text == Array("last".utf8))
      #expect(try store.note(of: Key(high: 7, low: 9)) == nil)
      let all = try store.notes(after: 0, atMost: 10)
      #expect(all.map(\.sequence) == [2, 4])
      #expect(try store.notes(after: 2, atMost: 10).map(\.sequence) == [4])
      #expect(try store.notes(of: subject, after: 0, atMost: 10).map(\.sequence) == [2, 4])
      #expect(try store.notes(of: subject, after: 2, atMost: 10).map(\.sequence) == [4])
      #expect(try store.notes(of: subject, after: 0, atMost: 1).map(\.sequence) == [2])
      #expect(try store.notes(of: Key(high: 7, low: 9), after: 0, atMost: 10).isEmpty)
    }
    #expect(try scratch.store().recover().records == 4)
    try scratch.edit { try $0.execute(sql: "UPDATE record SET note = NULL WHERE sequence = 4") }
    #expect(
      Scratch.refusal { _ = try scratch.store().recover() }?.kind == .damaged(record: 4))
  }

  @Test("a list of large notes ends early, and goes on behind its last record")
  func largeNotes() throws {
    let scratch = Scratch()
    defer { withExtendedLifetime(scratch) {} }
    let store = try scratch.store()
    let subject = Key(high: 7, low: 8)
    var loop = Loop(
      after: try store.recover().pool, limits: LoopLimits(),
      at: ClockReading(elapsed: 0, utc: 1_000))
    for number in UInt64(1)...3 { _ = loop.take(Scratch.request(number)) }
    let batch = try #require(loop.run(at: ClockReading(elapsed: 1, utc: 1)).batch)
    let note = RequestNote(subject: subject, text: Array(repeating: 0x20, count: 3 << 20))
    let tickets = (UInt64(1)...3).map { Key(high: 1, low: $0) }
    try store.append(
      batch, notes: Dictionary(uniqueKeysWithValues: tickets.map { ($0, note) }), utc: 1)
    #expect(try store.notes(after: 0, atMost: 10).map(\.sequence) == [2, 3])
    #expect(try store.notes(of: subject, after: 3, atMost: 10).map(\.sequence) == [4])
  }
}
