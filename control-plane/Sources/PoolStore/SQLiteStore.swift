import Dispatch
import Foundation
import GRDB
import Glibc
public import PoolAllocator
public import PoolLoop
public import PoolRecord
import Synchronization

/// A journal in one SQLite file, for one server on one machine.
///
/// A batch is one transaction, written ahead and synced before `append` returns. The file is
/// `journal.sqlite` in a folder of mode 700. Its tables: `head`, one row with the journal's header,
/// the present leader, how many records there are and the last link; `record`, one row a command
/// with its number, its bytes in the record form, its note and its link of the chain; `answer`, one
/// row a name with its digest and the record that answered it.
public final class SQLiteStore: JournalStore {
  /// Which allocator decides; written with every record.
  public let engine: UInt16
  let database: DatabaseQueue
  /// Reads answers and notes while a batch is written.
  private let reader: DatabaseQueue
  /// Reads lists of notes, so that no look-up waits for one.
  private let lists: DatabaseQueue
  private let folder: StoreFolder
  private let limits: Limits
  /// Whether every record is looked at before there is a leader, and not beside its work.
  private let checksFirst: Bool
  private let state = Mutex(State())
  /// Where images are written, one after the other.
  private let images = DispatchQueue(label: "pool.image", qos: .utility)

  /// What a leader knows between two batches.
  private struct State: Sendable {
    /// Number of this leadership; nil: it did not recover yet.
    var leader: Int64?
    var writer: JournalWriter?
    var chain: HashChain?
    /// Why nothing more is taken.
    var ended: StoreError?
    /// Bytes of a batch, reused.
    var bytes: [UInt8] = []
  }

  /// Opens a store, or makes one.
  /// - Parameters:
  ///   - path: its folder.
  ///   - limits: bounds of the pool of a new journal; one that is there keeps its own.
  ///   - engine: the version of the allocator.
  ///   - checksFirst: whether to fold all records, whatever an image says: damage is found before
  ///     there is a leader, and it takes as long as the journal is.
  public init(
    at path: String, limits: Limits = Limits(), engine: UInt16, checksFirst: Bool = false
  ) throws(StoreError) {
    self.engine = engine
    self.limits = limits
    self.checksFirst = checksFirst
    folder = try StoreFolder(path)
    // What the file and its companions are made with.
    let mask = umask(0o077)
    defer { umask(mask) }
    let file = path + "/journal.sqlite"
    var configuration = Configuration()
    configuration.journalMode = .wal
    configuration.busyMode = .timeout(5)
    database = try Self.guarded("\(file) cannot be opened") {
      try DatabaseQueue(path: file, configuration: configuration)
    }
    reader = try Self.reader(of: file)
    lists = try Self.reader(of: file)
    try prepare(file)
    try folder.mark()
  }

  /// A connection that reads beside the one that writes.
  private static func reader(of file: String) throws(StoreError) -> DatabaseQueue {
    var reading = Configuration()
    reading.readonly = true
    reading.busyMode = .timeout(5)
    return try guarded("\(file) cannot be opened") {
      try DatabaseQueue(path: file, configuration: reading)
    }
  }

  /// Sees that the file is ours, and how it is written.
  private func prepare(_ file: String) throws(StoreError) {
    let found = try Self.guarded("\(file) cannot be read") {
      try database.writeWithoutTransaction { db -> (sync: Int, application: Int, version: Int) in
        // The library lowers this after it has set up a connection.
        try db.execute(sql: "PRAGMA synchronous = FULL")
        // The same pages are written again and again: they go to the file once in many batches.
        try db.execute(sql: "PRAGMA wal_autocheckpoint = \(Self.checkpointPages)")
        // A batch writes to as many pages of the index of subjects as it has requests. What does
        // not fit goes to the log before its end, and again with the next change of the page.
        try db.execute(sql: "PRAGMA cache_size = -\(Self.cacheKiB)")
        let number = { (sql: String) in try Int.fetchOne(db, sql: sql) ?? -1 }
        let sync = try number("PRAGMA synchronous")
        if try number("SELECT count(*) FROM sqlite_master") == 0 {
          guard !folder.isMarked else {
            throw StoreError(
              .damaged(record: nil), "\(file) is empty, and it was not before",
              remedy: "bring the folder back from a copy")
          }
          try db.inTransaction {
            try Shape.make(in: db, newHeader(), utc: Int64(time(nil)))
            return .commit
          }
        }
        return (sync, try number("PRAGMA application_id"), try number("PRAGMA user_version"))
      }
    }
    guard found.application == Shape.application else {
      throw StoreError(
        .foreign, "\(file) is a database of another program", remedy: "name another folder")
    }
    guard found.version == Shape.version else {
      throw StoreError(
        .foreign, "\(file) has the shape \(found.version), and this server knows \(Shape.version)",
        remedy: "start the server that wrote it, or a later one")
    }
    guard found.sync == 2 else {
      throw StoreError(
        .unavailable, "\(file) would not be synced with every batch",
        remedy: "this build of SQLite cannot be used")
    }
  }

  private func newHeader() -> [UInt8] {
    var bytes: [UInt8] = []
    var random = SystemRandomNumberGenerator()
    let identity = Key(high: random.next(), low: random.next())
    _ = JournalWriter(JournalHeader(identity: identity, from: Pool(limits: limits)), into: &bytes)
    return bytes
  }

  /// Pages of the log ahead of the file before they are copied there. Unit: pages of 4 KiB.
  private static let checkpointPages = 8_192
  /// Pages that are kept in memory. Unit: KiB.
  private static let cacheKiB = 64 << 10

  // MARK: a leader

  public func recover() throws(StoreError) -> Recovered {
    var reading = Reading(database)
    let image = checksFirst ? nil : StateImage(in: folder.path)
    let (recovered, isFromImage) = try reading.fold(from: image)
    let (writer, chain) = try reading.next()
    let leader = try Self.guarded("the leadership cannot be taken") {
      try database.write { db in
        try Int64.fetchOne(db, sql: "UPDATE head SET leader = leader + 1 RETURNING leader")
      }
    }
    state.withLock {
      $0.leader = leader
      ($0.writer, $0.chain) = (writer, chain)
    }
    if isFromImage { check(before: writer.nextSequence) }
    return recovered
  }

  /// Sees that what was not folded is as it was written, beside the work; where it is not, nothing
  /// more is taken.
  private func check(before sequence: UInt64) {
    let file = folder.path + "/journal.sqlite"
    DispatchQueue.global(qos: .utility).async { [weak self] in
      do throws(StoreError) {
        var reading = Reading(try Self.reader(of: file))
        try reading.check(through: sequence - 1) {
          self?.state.withLock { $0.ended == nil } ?? false
        }
      } catch {
        self?.state.withLock { if $0.ended == nil { $0.ended = error } }
      }
    }
  }

  public func keep(image: [UInt8], usage: [UInt8]) {
    let place = state.withLock { state -> (UInt64, [UInt8])? in
      guard state.ended == nil, let writer = state.writer, let chain = state.chain else {
        return nil
      }
      return (writer.nextSequence - 1, chain.last)
    }
    guard let (sequence, link) = place else { return }
    let path = folder.path
    images.async {
      StateImage(sequence: sequence, link: link, bytes: image, usage: usage).write(in: path)
    }
  }

  public func append(
    _ batch: borrowing Batch, notes: [Key: RequestNote], utc: Int64
  ) throws(StoreError) {
    let records = batch.records
    let failure = state.withLock { state -> StoreError? in
      do throws(StoreError) {
        if let ended = state.ended { throw ended }
        try write(records, notes, utc, &state)
        return nil
      } catch {
        let kept: StoreError.Kind = error.kind == .overtaken ? .overtaken : .ended
        state.ended = StoreError(kept, error.what, remedy: error.remedy)
        return error
      }
    }
    if let failure { throw failure }
  }

  private func write(
    _ records: [PoolLoop.Record], _ notes: [Key: RequestNote], _ utc: Int64, _ state: inout State
  ) throws(StoreError) {
    guard let leader = state.leader, var writer = state.writer, var chain = state.chain else {
      throw StoreError(.ended, "nothing was recovered yet", remedy: "recover before writing")
    }
    state.bytes.removeAll(keepingCapacity: true)
    var rows: [Row] = []
    for record in records {
      let (sequence, start) = (writer.nextSequence, state.bytes.count)
      do throws(RecordTooLong) {
        try writer.append(form(of: record), to: &state.bytes)
      } catch {
        throw StoreError(
          .tooLong, "record \(sequence) would have \(error.length) bytes",
          remedy: "the command that it is for is too large")
      }
      let note = record.request.flatMap { notes[$0.ticket] }?.bytes
      chain.add(sequence, state.bytes[start...], note: note)
      rows.append(
        Row(
          sequence: sequence, bytes: start..<state.bytes.count, link: chain.last, note: note,
          name: record.request.flatMap { $0.answer.binds ? $0.name : nil }))
    }
    let bytes = state.bytes
    let isLeader = try Self.guarded("a batch is not durable") {
      try database.write { db in
        let present = try db.cachedStatement(sql: "SELECT leader FROM head")
        guard try Int64.fetchOne(present) == leader else { return false }
        for row in rows { try row.insert(into: db, bytes, utc) }
        try db.cachedStatement(
          sql: "UPDATE head SET records = records + ?, link = ?"
        ).execute(arguments: [rows.count, Blob.data(chain.last[...])])
        return true
      }
    }
    guard isLeader else {
      throw StoreError(
        .overtaken, "another leader writes this journal since",
        remedy: "end this server; the other one goes on")
    }
    (state.writer, state.chain) = (writer, chain)
  }

  private func form(of record: PoolLoop.Record) -> PoolRecord.Record {
    PoolRecord.Record(
      sequence: 0, engine: engine, now: record.moment,
      origin: Origin(request: record.request?.ticket), command: record.command,
      decision: record.decision, progress: record.progress, log: record.log)
  }

  /// What is inserted for a record.
  private struct Row {
    var sequence: UInt64
    var bytes: Range<Int>
    var link: [UInt8]
    var note: [UInt8]?
    var name: RequestName?

    func insert(into db: Database, _ all: [UInt8], _ utc: Int64) throws {
      try db.cachedStatement(
        sql: "INSERT INTO record (sequence, bytes, link, note) VALUES (?, ?, ?, ?)"
      ).execute(
        arguments: [
          Int64(sequence), Blob.data(all[bytes]), Blob.data(link[...]),
          note.map { Blob.data($0[...]) },
        ])
      guard let name else { return }
      try db.cachedStatement(
        sql: "INSERT INTO answer (name, digest, sequence, utc) VALUES (?, ?, ?, ?)"
      ).execute(
        arguments: [
          Blob.data(of: name.scope, name.key), Blob.data(of: name.digest), Int64(sequence), utc,
        ])
    }
  }

  public var room: Int64? { folder.room }

  public func close() {
    images.sync {}
    state.withLock {
      $0.ended = StoreError(.ended, "the store is closed", remedy: "open it anew")
    }
    try? reader.close()
    try? lists.close()
    try? database.close()
    folder.release()
  }

  // MARK: answers

  /// The digest of a request and the record that answered it.
  private func answered(
    _ name: RequestName
  ) throws(StoreError) -> (digest: DatabaseValue, record: UInt64)? {
    try Self.guarded("the answers cannot be read") {
      try reader.read { db in
        try GRDB.Row.fetchOne(
          db.cachedStatement(sql: "SELECT digest, sequence FROM answer WHERE name = ?"),
          arguments: [Blob.data(of: name.scope, name.key)]
        ).map { row in
          let number = Int64.fromDatabaseValue(row["sequence"])
          return (
            digest: row["digest"] as DatabaseValue,
            record: number.flatMap { UInt64(exactly: $0) } ?? 0
          )
        }
      }
    }
  }

  public func record(of name: RequestName) throws(StoreError) -> UInt64? {
    try answered(name)?.record
  }

  public func answer(to name: RequestName) throws(StoreError) -> KnownAnswer? {
    guard let (digest, sequence) = try answered(name) else { return nil }
    let record = try Reading(reader).record(sequence)
    return KnownAnswer(
      digest: try Blob.key(digest, of: sequence),
      answer: Answer(record.decision, record.log))
  }

  /// Answers that are forgotten with one call, for which a batch may wait: some milliseconds. Unit:
  /// answers.
  public static let forgottenAtOnce = 1_000

  public func forgetAnswers(before utc: Int64) throws(StoreError) -> Int {
    try Self.guarded("old answers cannot be forgotten") {
      try database.write { db in
        try db.execute(
          sql: """
            DELETE FROM answer WHERE name IN
            (SELECT name FROM answer WHERE utc < ? ORDER BY utc LIMIT ?)
            """, arguments: [utc, Self.forgottenAtOnce])
        return db.changesCount
      }
    }
  }

  // MARK: reading

  public func note(of subject: Key) throws(StoreError) -> RequestNote? {
    try Self.guarded("the notes cannot be read") {
      try reader.read { db in
        try DatabaseValue.fetchOne(
          db.cachedStatement(
            sql: """
              SELECT note FROM record WHERE note IS NOT NULL AND substr(note, 1, 16) = ?
              ORDER BY sequence DESC LIMIT 1
              """), arguments: [Blob.data(of: subject)]
        ).flatMap(Blob.bytes).flatMap { RequestNote($0) }
      }
    }
  }

  public func link(of record: UInt64?) throws(StoreError) -> JournalLink? {
    let which = record == nil ? "ORDER BY sequence DESC LIMIT 1" : "WHERE sequence = ?"
    let arguments: StatementArguments = record.map { [Int64(clamping: $0)] } ?? []
    return try Self.guarded("the chain cannot be read") {
      try reader.read { db -> JournalLink? in
        let row = try GRDB.Row.fetchOne(
          db.cachedStatement(sql: "SELECT sequence, link FROM record \(which)"),
          arguments: arguments)
        guard let row, let number = Int64.fromDatabaseValue(row["sequence"]),
          let bytes = Blob.bytes(row["link"])
        else { return nil }
        return JournalLink(record: UInt64(clamping: number), bytes: bytes)
      }
    }
  }

  public func notes(
    after sequence: UInt64, atMost limit: Int
  ) throws(StoreError) -> [(sequence: UInt64, note: RequestNote)] {
    try notes("sequence > ? AND note IS NOT NULL", [Int64(clamping: sequence)], limit)
  }

  public func notes(
    of subject: Key, after sequence: UInt64, atMost limit: Int
  ) throws(StoreError) -> [(sequence: UInt64, note: RequestNote)] {
    try notes(
      "note IS NOT NULL AND substr(note, 1, 16) = ? AND sequence > ?",
      [Blob.data(of: subject), Int64(clamping: sequence)], limit)
  }

  /// Bytes of notes with which a list ends that is not yet as long as was asked for. Unit: bytes.
  static let listBytes = 4 << 20

  private func notes(
    _ which: String, _ arguments: StatementArguments, _ limit: Int
  ) throws(StoreError) -> [(sequence: UInt64, note: RequestNote)] {
    try Self.guarded("the notes cannot be read") {
      try lists.read { db in
        let rows = try GRDB.Row.fetchCursor(
          db.cachedStatement(
            sql: "SELECT sequence, note FROM record WHERE \(which) ORDER BY sequence LIMIT ?"),
          arguments: arguments + [limit])
        var found: [(sequence: UInt64, note: RequestNote)] = []
        var bytes = 0
        while bytes < Self.listBytes, let row = try rows.next() {
          guard let number = Int64.fromDatabaseValue(row["sequence"]),
            let note = Blob.bytes(row["note"]).flatMap({ RequestNote($0) })
          else { continue }
          found.append((UInt64(clamping: number), note))
          bytes += note.text.count
        }
        return found
      }
    }
  }

  public func export(_ visit: (borrowing [UInt8]) throws -> Void) throws {
    try Reading(database).visit(visit)
  }

  /// Decides every command again that this engine decided, and compares answers and events byte by
  /// byte; the chain is checked on the way.
  /// - Complexity: O(journal).
  public func verify() throws(StoreError) -> Verification {
    var reading = Reading(database)
    return try reading.verify(engine: engine)
  }

  /// Names the trouble of a library's error.
  static func guarded<Result>(
    _ what: String, _ body: () throws -> Result
  ) throws(StoreError) -> Result {
    do {
      return try body()
    } catch let error as StoreError {
      throw error
    } catch let error as DatabaseError {
      let isDamage = [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode)
      throw StoreError(
        isDamage ? .damaged(record: nil) : .unavailable,
        "\(what): \(error.message ?? error.resultCode.description)",
        remedy: isDamage
          ? "bring the folder back from a copy" : "see that the disk is there and has room")
    } catch let error as RowDecodingError {
      throw StoreError(
        .damaged(record: nil), "\(what): \(error)", remedy: "bring the folder back from a copy")
    } catch {
      throw StoreError(.unavailable, "\(what): \(error)", remedy: "see that the disk is there")
    }
  }
}
