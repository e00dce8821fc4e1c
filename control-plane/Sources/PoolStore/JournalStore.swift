public import PoolAllocator
public import PoolLoop

/// Where a leader keeps what it decided: the journal of its pool, and which request got which
/// answer. Nothing above knows what is behind it: one file on one machine, or a database that
/// several servers share, one of which leads.
///
/// A leader opens it, recovers its pool, and hands in one batch after the other. What `append` has
/// returned for is there after any crash; what it threw for may be there or not, and the store
/// takes nothing more: a sync that failed once is not tried again.
public protocol JournalStore: Sendable {
  /// Reads the journal back and makes this leader the only one that may write.
  /// - Returns: the pool behind the last record.
  /// - Throws: where a record is not as it was written; nothing is changed then.
  /// - Complexity: O(records).
  func recover() throws(StoreError) -> Recovered

  /// Makes a batch durable, with the answers that bind the names of its requests, in one step.
  /// - Parameter utc: the wall clock, for the age of answers. Unit: seconds since 1970.
  /// - Throws: where another leader writes since, or the batch could not be made durable; then
  ///   every later call throws too.
  func append(_ batch: borrowing Batch, utc: Int64) throws(StoreError)

  /// What was answered to a request of a name, if it is remembered.
  func answer(to name: RequestName) throws(StoreError) -> KnownAnswer?

  /// Forgets answers that were given before a moment, a bounded number at a time.
  /// - Returns: how many.
  func forgetAnswers(before utc: Int64) throws(StoreError) -> Int

  /// Visits the bytes of the journal in the form that the root package's tools read: the header,
  /// then records, in parts of a few megabytes.
  func export(_ visit: (borrowing [UInt8]) throws -> Void) throws
}

/// What a store read back.
public struct Recovered: Sendable {
  /// The pool behind the last record.
  public let pool: Pool
  /// Records that were read.
  public let records: UInt64
}
