import Foundation
import GRDB
import PoolAllocator
import PoolInsight
import PoolLoop
import PoolRecord
import PoolStore
import Testing

/// The state that is kept beside the journal: it makes a server begin sooner, and changes nothing.
@Suite struct ImageTests {
  /// A journal of which the first half is in an image.
  /// - Returns: the pool behind its end, and how many records are in the image.
  private func half(_ scratch: Scratch) throws -> (pool: Pool, records: UInt64) {
    let pool = try scratch.fill(batches: 8)
    let store = try scratch.store()
    let recovered = try store.recover()
    #expect(recovered.pool.digest() == pool.digest())
    store.keep(image: recovered.pool.image(), usage: recovered.usage.image())
    store.close()
    #expect(FileManager.default.fileExists(atPath: scratch.path + "/state.image"))
    return (try scratch.fill(batches: 8), recovered.records)
  }

  @Test func whatIsReadFromItIsWhatIsFolded() throws {
    let scratch = Scratch()
    let (pool, _) = try half(scratch)
    let read = try scratch.store().recover()
    #expect(read.pool.digest() == pool.digest())
    try FileManager.default.removeItem(atPath: scratch.path + "/state.image")
    let folded = try scratch.store().recover()
    #expect(folded.pool.digest() == pool.digest())
    #expect(folded.records == read.records && folded.origin == read.origin)
    #expect(try scratch.store().verify().difference == nil)
  }

  /// A record that is in it is not folded: here nobody could.
  @Test func whatIsInItIsNotFolded() throws {
    let scratch = Scratch()
    let (pool, records) = try half(scratch)
    try scratch.edit {
      try $0.execute(
        sql: "UPDATE record SET bytes = zeroblob(length(bytes)) WHERE sequence = ?",
        arguments: [Int64(records) - 3])
    }
    let store = try scratch.store()
    #expect(try store.recover().pool.digest() == pool.digest())
    // It is looked at all the same, and nothing is taken any more once it was.
    var loop = Loop(after: pool, limits: LoopLimits(), at: ClockReading(elapsed: 0, utc: 1_000))
    var refusal: StoreError?
    for turn in 1...500 where refusal == nil {
      _ = loop.take(Scratch.request(5_000_000 + UInt64(turn)))
      let batch = loop.run(at: ClockReading(elapsed: Int64(turn) * 1_000_000, utc: 2_000)).batch
      do {
        try store.append(try #require(batch), utc: Int64(turn))
      } catch {
        refusal = error as? StoreError
      }
      loop.batchIsDurable(UInt64(turn))
      usleep(10_000)
    }
    #expect(refusal?.kind == .damaged(record: records - 3))
  }

  /// Whoever asks for it waits until all was looked at; damage is told before there is a leader.
  @Test func damageInItIsFoundFirstWhereThatIsAskedFor() throws {
    let scratch = Scratch()
    let (_, records) = try half(scratch)
    let whole = try SQLiteStore(at: scratch.path, engine: 1, checksFirst: true)
    #expect(try whole.recover().records > records)
    whole.close()
    try scratch.edit {
      try $0.execute(
        sql: "UPDATE record SET bytes = zeroblob(length(bytes)) WHERE sequence = ?",
        arguments: [Int64(records) - 3])
    }
    let store = try SQLiteStore(at: scratch.path, engine: 1, checksFirst: true)
    let refusal = Scratch.refusal { _ = try store.recover() }
    #expect(refusal?.kind == .damaged(record: records - 3))
  }

  @Test func oneThatWasAlteredIsNone() throws {
    let scratch = Scratch()
    let (pool, _) = try half(scratch)
    let path = scratch.path + "/state.image"
    let original = try Data(contentsOf: URL(fileURLWithPath: path))
    for place in stride(from: 0, to: original.count, by: max(1, original.count / 40)) {
      var altered = original
      altered[place] ^= 1
      if place % 2 == 0 { altered.removeSubrange(place...) }
      try altered.write(to: URL(fileURLWithPath: path))
      #expect(try scratch.store().recover().pool.digest() == pool.digest(), "byte \(place)")
    }
  }

  @Test func oneOfAnotherJournalIsNone() throws {
    let (scratch, other) = (Scratch(), Scratch())
    let (pool, _) = try half(scratch)
    _ = try half(other)
    let path = scratch.path + "/state.image"
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.copyItem(atPath: other.path + "/state.image", toPath: path)
    #expect(try scratch.store().recover().pool.digest() == pool.digest())
  }
}
