import Foundation
import GRDB
import PoolAllocator
import PoolLoop
import PoolStore
import Testing

/// A folder for one test, which goes with it.
final class Scratch {
  let path: String

  init() {
    path = FileManager.default.temporaryDirectory.path + "/store-\(UUID().uuidString)"
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var file: String { path + "/journal.sqlite" }

  func store(engine: UInt16 = 1) throws -> SQLiteStore {
    try SQLiteStore(at: path, engine: engine)
  }

  /// The tables as somebody else would change them, with nobody at work.
  func edit(_ body: (Database) throws -> Void) throws {
    let queue = try DatabaseQueue(path: file)
    try queue.writeWithoutTransaction { db in
      try body(db)
      try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
    }
    try queue.close()
  }

  /// Appends so many batches of named requests.
  /// - Parameter each: sees the pool behind each batch that is durable.
  /// - Returns: the pool behind them, as the leader has it.
  @discardableResult
  func fill(batches: Int, each: (Pool) throws -> Void = { _ in }) throws -> Pool {
    let store = try store()
    var loop = Loop(
      after: try store.recover().pool, limits: LoopLimits(),
      at: ClockReading(elapsed: 0, utc: 1_000))
    var asked = loop.pool.digest() == Pool().digest() ? UInt64(0) : 1_000_000
    for turn in 1...batches {
      for _ in 0..<5 {
        asked += 1
        let refusal = loop.take(Self.request(asked))
        #expect(refusal == nil)
      }
      let output = loop.run(at: ClockReading(elapsed: Int64(turn) * 1_000_000, utc: 2_000))
      let batch = try #require(output.batch)
      try store.append(batch, utc: Int64(turn))
      loop.batchIsDurable(batch.number)
      try each(loop.pool)
    }
    return loop.pool
  }

  static func request(_ number: UInt64) -> Request {
    Request(
      ticket: Key(high: 1, low: number), name: name(number),
      command: .enrol(
        Enrolment(
          key: Key(high: 5, low: number),
          approved: [ApprovedDevices(profile: Key(high: 6, low: number), count: 8)])))
  }

  static func name(_ number: UInt64) -> RequestName {
    RequestName(
      scope: Key(high: 2, low: 1), key: Key(high: 3, low: number),
      digest: Key(high: 4, low: number))
  }

  /// The error of something that must fail.
  static func refusal(_ body: () throws -> Void) -> StoreError? {
    do {
      try body()
    } catch {
      return error as? StoreError
    }
    Issue.record("nothing was refused")
    return nil
  }
}

/// How many trials a test makes: some in every run, as many as `STORE_TRIALS` says in a long one.
enum Trials {
  static func count(_ usual: Int) -> Int {
    ProcessInfo.processInfo.environment["STORE_TRIALS"].flatMap { Int($0) } ?? usual
  }
}

/// Numbers from a seed.
struct Dice: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }
}
