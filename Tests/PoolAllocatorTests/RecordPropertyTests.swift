import PoolRecord
import Testing

@testable import PoolAllocator

/// Random lives of whole pools through the bytes of a journal: what is folded from them is the live
/// state, and every command is decided again to the same bytes.
@Suite struct RecordPropertyTests {
  #if DEBUG
    static let seeds = 12
    static let steps = 250
  #else
    static let seeds = 200
    static let steps = 500
  #endif

  /// The journal of one life.
  private final class Journal {
    private(set) var bytes: [UInt8] = []
    private(set) var records = 0
    private var writer: JournalWriter

    init(_ pool: Pool, seed: UInt64) {
      let header = JournalHeader(identity: key(200, Int(seed)), from: pool)
      writer = JournalWriter(header, into: &bytes)
    }

    func add(
      _ command: Command, _ now: Instant, _ decision: Decision, _ progress: Progress,
      _ log: EventLog
    ) {
      records += 1
      let record = Record(
        sequence: UInt64(records), engine: 1, now: now,
        origin: Origin(principal: key(201, records % 7), request: key(202, records)),
        command: command, decision: decision, progress: progress, log: log)
      do {
        try writer.append(record, to: &bytes)
      } catch {
        Issue.record("record \(records): \(error)")
      }
    }
  }

  private func live(_ seed: UInt64) -> (SwarmDriver, Journal) {
    var driver = SwarmDriver(seed: seed)
    let journal = Journal(driver.pool, seed: seed)
    driver.journal = { journal.add($0, $1, $2, $3, $4) }
    driver.setUp()
    for _ in 0..<Self.steps { driver.stepOnce() }
    return (driver, journal)
  }

  @Test func livesComeBackFromTheirBytes() throws {
    var (records, bytes) = (0, 0)
    var commands: Set<String> = []
    var events: Set<String> = []
    for seed in 0..<Self.seeds {
      let (driver, journal) = live(UInt64(seed))
      var reader = JournalReader(journal.bytes)
      var pool = try #require(reader.emptyPool)
      var count = 0
      while let record = reader.next() {
        pool.replay(record.log)
        commands.insert(Self.name(record.command))
        for event in record.log.events { events.insert(Self.name(event)) }
        count += 1
      }
      #expect(reader.ending == .complete)
      #expect(count == journal.records)
      #expect(pool.digest() == driver.pool.digest(), "seed \(seed)")
      pool.checkInvariants()
      records += count
      bytes += journal.bytes.count
    }
    print(
      "record: \(records) records of \(Self.seeds) lives, \(bytes / records) bytes each; "
        + "\(commands.count) kinds of commands, \(events.count) of events")
    // The rare ones and `forget` are in the lives of PoolRecordTests.
    #expect(commands.count >= 26)
    #expect(events.count >= 55)
  }

  /// The same bytes come from deciding again, and from writing what was read.
  @Test func livesAreDecidedAgainToTheSameBytes() throws {
    for seed in 0..<(Self.seeds / 2) {
      let (driver, journal) = live(UInt64(5_000_000 + seed))
      var reader = JournalReader(journal.bytes)
      var pool = try #require(reader.emptyPool)
      let found = reader.verify(into: &pool, engine: 1)
      #expect(found.difference == nil)
      #expect(found.decided == journal.records)
      #expect(pool.digest() == driver.pool.digest(), "seed \(seed)")
      var again = JournalReader(journal.bytes)
      let header = try #require(again.header)
      var bytes: [UInt8] = []
      var writer = JournalWriter(header, into: &bytes)
      while let record = again.next() { try writer.append(record, to: &bytes) }
      #expect(bytes == journal.bytes, "seed \(seed)")
    }
  }

  /// The name of a case, without what it carries.
  private static func name(_ value: some Any) -> String {
    String("\(value)".prefix { $0 != "(" })
  }
}
