import PoolAllocator
import Testing

@testable import PoolRecord

/// Recovery folds what is written; verifying decides it again.
@Suite struct ReplayTests {
  @Test func foldingIsTheLiveState() throws {
    for seed in 0..<UInt64(Scale.cases(release: 60, debug: 6)) {
      let life = Life(seed: seed, steps: 120)
      var reader = JournalReader(life.bytes)
      var pool = try #require(reader.emptyPool)
      #expect(reader.fold(into: &pool) == .complete)
      #expect(pool.digest() == life.pool.digest())
      // What is recovered goes on like the live one.
      var (live, log, again) = (life.pool, EventLog(), EventLog())
      let later = pool.now + .seconds(30)
      for _ in 0..<20 {
        _ = live.apply(.tick, at: later, into: &log)
        _ = pool.apply(.tick, at: later, into: &again)
        #expect(text(Array(log.events)) == text(Array(again.events)))
      }
    }
  }

  @Test func verifyingFindsNothing() throws {
    for seed in 0..<UInt64(Scale.cases(release: 60, debug: 6)) {
      let life = Life(seed: seed, steps: 120)
      var reader = JournalReader(life.bytes)
      var pool = try #require(reader.emptyPool)
      let found = reader.verify(into: &pool, engine: 3)
      #expect(found.difference == nil)
      #expect(found.decided == life.records.count)
      #expect(found.ending == .complete)
      #expect(pool.digest() == life.pool.digest())
    }
  }

  /// A later engine may decide otherwise: what an earlier one decided is folded.
  @Test func recordsOfOtherEnginesAreFolded() throws {
    let life = Life(seed: 4, steps: 60)
    var (bytes, tampered) = ([UInt8](), 0)
    var writer = JournalWriter(
      JournalHeader(identity: Life.key(0, 1), from: Pool(limits: Life.limits)), into: &bytes)
    for (index, record) in life.records.enumerated() {
      var record = record
      record.engine = index < 40 ? 2 : 3
      // The old engine answered this otherwise.
      if index < 40, record.decision.verdict == .done {
        record.decision.price = Credits(5)
        tampered += 1
      }
      try writer.append(record, to: &bytes)
    }
    var reader = JournalReader(bytes)
    var pool = try #require(reader.emptyPool)
    let found = reader.verify(into: &pool, engine: 3)
    #expect(tampered > 0)
    #expect(found.difference == nil)
    #expect(found.folded == 40)
    #expect(found.decided == life.records.count - 40)
    #expect(pool.digest() == life.pool.digest())
  }

  /// Whatever is put into one record under a sound checksum, verifying names it.
  @Test func verifyingNamesTheFirstDifference() throws {
    let life = Life(seed: 5, steps: 60)
    func verify(_ changed: Int, _ change: (inout Record) -> Void) throws -> String {
      var bytes: [UInt8] = []
      var writer = JournalWriter(
        JournalHeader(identity: Life.key(0, 1), from: Pool(limits: Life.limits)), into: &bytes)
      for (index, record) in life.records.enumerated() {
        var record = record
        if index == changed { change(&record) }
        try writer.append(record, to: &bytes)
      }
      var reader = JournalReader(bytes)
      var pool = try #require(reader.emptyPool)
      let found = reader.verify(into: &pool, engine: 3)
      guard let difference = found.difference else { return "none" }
      #expect(found.ending == nil)
      #expect(difference.sequence == UInt64(changed) + 1)
      #expect(found.decided == changed + 1)
      return difference.description
    }
    let place = try #require(life.records.firstIndex { $0.log.postings.count > 0 })
    #expect(try verify(place) { _ in } == "none")
    #expect(try verify(place) { $0.decision.price = Credits(1) }.contains("the answer was"))
    #expect(
      try verify(place) { $0.progress = .more }.contains("more was due, decided again it is not"))
    #expect(
      try verify(place) { $0.log.events.append(.epochBegun(9)) }.contains(
        "was epochBegun(9), decided again it is nothing"))
    #expect(try verify(0) { $0.command = .begin(epoch: 2) }.contains("event 1 was epochBegun(1)"))
    #expect(
      try verify(place) { record in
        let postings = Array(record.log.postings)
        record.log.postings = LogRows()
        for var posting in postings {
          posting.refilled = Credits(posting.refilled.value + 1)
          record.log.postings.append(posting)
        }
      }.contains("the rows that they point to are not"))
    #expect(
      try verify(place) { record in
        var log = EventLog()
        log.begin(at: record.log.at + .seconds(1))
        record.log = log
      }.contains("event 1 was nothing"))
  }

  @Test func aJournalGoesOnFromItsOwnPoolAlone() throws {
    let life = Life(seed: 6, steps: 10)
    var reader = JournalReader(life.bytes)
    var pool = life.pool
    let ending = reader.fold(into: &pool)
    guard case .damaged(let damage) = ending else {
      Issue.record("\(ending)")
      return
    }
    #expect(damage.fault == .startsElsewhere)
    #expect(damage.description.contains("start from the snapshot that the journal was begun with"))
    #expect(pool.digest() == life.pool.digest())
    var bytes: [UInt8] = []
    _ = JournalWriter(JournalHeader(identity: Life.key(0, 1), from: life.pool), into: &bytes)
    #expect(JournalReader(bytes).emptyPool == nil)
    var next = JournalReader(bytes)
    #expect(next.fold(into: &pool) == .complete)
  }
}
