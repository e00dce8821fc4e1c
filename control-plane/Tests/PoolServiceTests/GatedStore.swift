import Dispatch
import PoolAllocator
import PoolLoop
import PoolStore
import Synchronization

/// A journal whose batches wait for leave, or fail, and whose room can be set.
final class GatedStore: JournalStore {
  private let inner: SQLiteStore
  private let gate = DispatchSemaphore(value: 0)
  private let isOpen = Mutex(true)
  private let fails = Mutex(false)
  /// Room that is said to be left. Unit: bytes.
  let left = Mutex<Int64>(.max)
  /// Old answers that are said to be left.
  let old = Mutex<Int>(0)

  init(at path: String) throws { inner = try SQLiteStore(at: path, engine: 1) }

  /// Lets no batch through until `open`.
  func shut() { isOpen.withLock { $0 = false } }

  /// Lets what waits through, and what comes.
  /// - Parameter failing: refuses it instead.
  func open(failing: Bool = false) {
    fails.withLock { $0 = failing }
    isOpen.withLock { $0 = true }
    gate.signal()
  }

  func append(
    _ batch: borrowing Batch, notes: [Key: RequestNote], utc: Int64
  ) throws(StoreError) {
    if !isOpen.withLock({ $0 }) { gate.wait() }
    if fails.withLock({ $0 }) { throw StoreError(.unavailable, "no room", remedy: "make some") }
    try inner.append(batch, notes: notes, utc: utc)
  }

  var room: Int64? { left.withLock { $0 } }
  func recover() throws(StoreError) -> Recovered { try inner.recover() }
  func note(of subject: Key) throws(StoreError) -> RequestNote? { try inner.note(of: subject) }
  func answer(to name: RequestName) throws(StoreError) -> KnownAnswer? {
    try inner.answer(to: name)
  }
  func record(of name: RequestName) throws(StoreError) -> UInt64? { try inner.record(of: name) }
  func link(of record: UInt64?) throws(StoreError) -> JournalLink? { try inner.link(of: record) }
  func notes(
    after sequence: UInt64, atMost limit: Int
  ) throws(StoreError) -> [(sequence: UInt64, note: RequestNote)] {
    try inner.notes(after: sequence, atMost: limit)
  }
  func notes(
    of subject: Key, after sequence: UInt64, atMost limit: Int
  ) throws(StoreError) -> [(sequence: UInt64, note: RequestNote)] {
    try inner.notes(of: subject, after: sequence, atMost: limit)
  }
  func forgetAnswers(before utc: Int64) throws(StoreError) -> Int {
    old.withLock { left in
      let part = min(left, SQLiteStore.forgottenAtOnce)
      left -= part
      return part
    }
  }
  func close() { inner.close() }
  func export(_ visit: (borrowing [UInt8]) throws -> Void) throws { try inner.export(visit) }
}
