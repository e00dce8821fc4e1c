import PoolAllocator
import PoolLoop

/// What must hold of the durable records of a world, one after the other.
struct DiskChecks {
  /// Distinct digests of the pool that were seen.
  var digests: Int { seen.count }
  /// Looked up, never iterated.
  private var seen: Set<Digest> = []
  private var watch: Watch
  private var time = TimeCheck()
  private var fencing = FencingCheck()
  private var promises = PromiseCheck()

  /// What the commands so far went through.
  var coverage: Coverage { watch.coverage }

  init(limits: Limits) {
    watch = Watch(limits: limits)
  }

  /// One more record is durable; the pool is as it is behind it.
  mutating func note(
    _ record: borrowing PoolLoop.Record, _ pool: borrowing Pool
  ) throws(Violation) {
    try time.note(record.log.at)
    try fencing.note(record.log)
    try watch.note(record.command, at: record.moment, record.decision, record.log, pool)
  }

  /// A batch is durable.
  mutating func compare(_ replayed: Digest, with live: Digest) throws(Violation) {
    seen.insert(replayed)
    try ReplayCheck.compare(replayed, with: live)
  }

  /// A caller saw an answer whose effect is in a record.
  mutating func promise(record: UInt64) { promises.note(record) }

  /// A leader came up with so many records.
  func recovered(records: UInt64) throws(Violation) { try promises.check(records) }
}
