import Foundation
import GRDB
import PoolAllocator
import PoolInsight
import PoolRecord

/// Reads a SQLite journal from its beginning, a part at a time, and sees that each record is the
/// next one, as it was written.
struct Reading {
  /// Records that are read at once. Unit: records.
  private static let part = 4_096
  private let database: DatabaseQueue
  private var reader: JournalReader?
  private var chain: HashChain?
  /// The number from which rows are read; none may be before the first.
  private var from = Int64.min

  init(_ database: DatabaseQueue) { self.database = database }

  /// Folds all records, or those that are not in an image.
  /// - Returns: what was read, and whether the image was of this journal.
  mutating func fold(
    from image: StateImage? = nil
  ) throws(StoreError) -> (recovered: Recovered, isFromImage: Bool) {
    let (start, empty) = try begin()
    var (pool, usage) = (empty, UsageHours())
    var records = UInt64(0)
    var isFromImage = false
    if let image, try link(of: image.sequence) == image.link,
      let known = Pool(image: image.bytes, limits: empty.limits),
      let counted = UsageHours(image: image.usage, in: known)
    {
      (pool, usage) = (known, counted)
      records = image.sequence + 1 - start.nextSequence
      var next = JournalReader([], of: start, from: image.sequence + 1)
      _ = next.next()
      (reader, chain) = (next, HashChain(after: image.link))
      from = Int64(clamping: image.sequence) + 1
      isFromImage = true
    }
    try eachPart { (part: inout JournalReader) throws(StoreError) in
      let ending = part.fold(into: &pool) { log, pool in usage.fold(log, in: pool) }
      try Self.check(ending, in: part)
      records = part.nextSequence - start.nextSequence
    }
    try checkEnd()
    let recovered = Recovered(
      pool: pool, usage: usage, records: records, origin: try origin())
    return (recovered, isFromImage)
  }

  private func link(of sequence: UInt64) throws(StoreError) -> [UInt8]? {
    try SQLiteStore.guarded("record \(sequence) cannot be read") {
      try database.read { db in
        try DatabaseValue.fetchOne(
          db, sql: "SELECT link FROM record WHERE sequence = ?",
          arguments: [Int64(clamping: sequence)])
      }
    }.flatMap(Blob.bytes)
  }

  /// Sees that every record up to one is as it was written; none is folded.
  /// - Parameter goesOn: whether it is still to be known; asked after each part.
  /// - Complexity: O(records).
  mutating func check(through last: UInt64, while goesOn: () -> Bool) throws(StoreError) {
    let (start, _) = try begin()
    guard var chain else { return }
    var (from, expected) = (Int64.min, start.nextSequence)
    while expected <= last, goesOn() {
      guard let part = try Self.part(database, from: from, expected, chain) else {
        throw damage(expected, "it is missing")
      }
      (from, expected, chain) = (part.last + 1, UInt64(clamping: part.last) + 1, part.chain)
    }
  }

  private func origin() throws(StoreError) -> Int64 {
    let value = try SQLiteStore.guarded("the journal's origin cannot be read") {
      try database.read { db in try DatabaseValue.fetchOne(db, sql: "SELECT origin FROM head") }
    }
    guard let origin = value.flatMap({ Int64.fromDatabaseValue($0) }), origin >= 0 else {
      throw damage(nil, "when it was made is not known")
    }
    return origin
  }

  /// Decides all records again.
  mutating func verify(engine: UInt16) throws(StoreError) -> Verification {
    var (_, pool) = try begin()
    var sum = Verification()
    try eachPart { (part: inout JournalReader) throws(StoreError) in
      let found = part.verify(into: &pool, engine: engine)
      if let ending = found.ending { try Self.check(ending, in: part) }
      sum.add(found)
    }
    if sum.difference == nil { try checkEnd() }
    return sum
  }

  /// What a leader goes on with behind the records that were read.
  func next() throws(StoreError) -> (JournalWriter, HashChain) {
    guard let reader, let chain, let writer = JournalWriter(after: reader) else {
      throw damage(nil, "nobody can go on behind its end")
    }
    return (writer, chain)
  }

  /// One record.
  func record(_ sequence: UInt64) throws(StoreError) -> PoolRecord.Record {
    let header = try self.header()
    let bytes = try SQLiteStore.guarded("record \(sequence) cannot be read") {
      try database.read { db in
        try DatabaseValue.fetchOne(
          db.cachedStatement(sql: "SELECT bytes FROM record WHERE sequence = ?"),
          arguments: [Int64(sequence)])
      }
    }
    guard let bytes = bytes.flatMap(Blob.bytes) else { throw damage(sequence, "it is missing") }
    var reader = JournalReader(bytes, of: JournalReader(header), from: sequence)
    guard let record = reader.next() else {
      throw damage(sequence, reader.ending.map { "\($0)" } ?? "it is empty")
    }
    return record
  }

  /// Visits the header, then all records, in parts; sees nothing but that they can be read.
  func visit(_ body: (borrowing [UInt8]) throws -> Void) throws {
    try body(try header())
    var from = Int64.min
    while case let (bytes, last) = try rows(from: from), let last {
      try body(bytes)
      from = last + 1
    }
  }

  private func rows(from: Int64) throws(StoreError) -> (bytes: [UInt8], last: Int64?) {
    try SQLiteStore.guarded("the journal cannot be read from record \(max(1, from)) on") {
      try database.read { db in
        let rows = try GRDB.Row.fetchCursor(
          db.cachedStatement(
            sql: """
              SELECT sequence, bytes FROM record WHERE sequence >= ? ORDER BY sequence LIMIT ?
              """),
          arguments: [from, Self.part])
        var (bytes, last) = ([UInt8](), Int64?.none)
        while let row = try rows.next() {
          try Self.append(row, 1, to: &bytes)
          last = Int64.fromDatabaseValue(row[0])
        }
        return (bytes, last)
      }
    }
  }

  /// Whether the last record is the one that was written last.
  private func checkEnd() throws(StoreError) {
    let end = try SQLiteStore.guarded("the end of the journal cannot be read") {
      try database.read { db in
        try GRDB.Row.fetchOne(db, sql: "SELECT records, link FROM head").map {
          (Int64.fromDatabaseValue($0["records"]) ?? -1, Blob.bytes($0["link"]))
        }
      }
    }
    guard let end, let reader, let chain, let first = reader.header?.firstSequence else {
      throw damage(nil, "its end is not known")
    }
    guard Int64(reader.nextSequence - first) == end.0, chain.last == end.1 else {
      throw damage(
        reader.nextSequence, "\(end.0) records were written, and this one is not the next")
    }
  }

  // MARK: parts

  /// Whole records, with their links checked.
  private struct Part: Sendable {
    /// The records, one after the other.
    var bytes: [UInt8] = []
    /// Number of the last one.
    var last: Int64
    /// The chain behind it.
    var chain: HashChain
  }

  /// Reads the header.
  /// - Returns: a reader behind it, and the empty pool that the journal starts from.
  private mutating func begin() throws(StoreError) -> (JournalReader, Pool) {
    let header = try self.header()
    var start = JournalReader(header)
    guard start.next() == nil, start.ending == .complete, start.header != nil else {
      throw damage(nil, "its header cannot be read")
    }
    reader = start
    chain = HashChain(header: header)
    guard let pool = start.emptyPool else {
      throw damage(nil, "its header names a pool that is not empty")
    }
    return (start, pool)
  }

  private func header() throws(StoreError) -> [UInt8] {
    let header = try SQLiteStore.guarded("the journal's header cannot be read") {
      try database.read { db in try DatabaseValue.fetchOne(db, sql: "SELECT header FROM head") }
    }
    guard let header = header.flatMap(Blob.bytes) else {
      throw damage(nil, "its header is missing")
    }
    return header
  }

  /// Reads all parts, each with its links checked, and has each read on; the next one is fetched
  /// meanwhile.
  private mutating func eachPart(
    _ body: (inout JournalReader) throws(StoreError) -> Void
  ) throws(StoreError) {
    guard let start = reader, let chain else { return }
    var ahead = ahead(from: from, start.nextSequence, chain)
    // Nothing is left running.
    defer { ahead.wait() }
    while let part = try ahead.take() {
      guard let before = reader else { break }
      ahead = self.ahead(from: part.last + 1, UInt64(clamping: part.last) + 1, part.chain)
      var next = JournalReader(part.bytes, after: before)
      try body(&next)
      if next.ending == nil { break }
      (reader, self.chain) = (next, part.chain)
    }
  }

  private func ahead(
    from: Int64, _ expected: UInt64, _ chain: HashChain
  ) -> Ahead<Part?> {
    let database = database
    return Ahead { () throws(StoreError) in
      try Self.part(database, from: from, expected, chain)
    }
  }

  /// Fetches a part and checks its links.
  /// - Returns: nil behind the end.
  private static func part(
    _ database: DatabaseQueue, from: Int64, _ expected: UInt64, _ chain: HashChain
  ) throws(StoreError) -> Part? {
    try SQLiteStore.guarded("the journal cannot be read from record \(max(1, from)) on") {
      try database.read { db in
        let rows = try GRDB.Row.fetchCursor(
          db.cachedStatement(
            sql: """
              SELECT sequence, bytes, link, note FROM record WHERE sequence >= ?
              ORDER BY sequence LIMIT ?
              """), arguments: [from, Self.part])
        var (part, sequence) = (Part(last: from, chain: chain), expected)
        while let row = try rows.next() {
          guard let number = Int64.fromDatabaseValue(row[0]), number == Int64(sequence) else {
            throw damage(sequence, "record \(row[0] as DatabaseValue) stands in its place")
          }
          // What is no blob is told as a record that is empty.
          let start = part.bytes.count
          try append(row, 1, to: &part.bytes)
          let note = try bytes(row, 3)
          part.chain.add(sequence, part.bytes[start...], note: note)
          guard try bytes(row, 2) == part.chain.last else {
            throw damage(sequence, "it is not what was written: the chain breaks there")
          }
          part.last = number
          sequence += 1
        }
        return sequence == expected ? nil : part
      }
    }
  }

  /// Appends a blob; anything else is nothing.
  private static func append(
    _ row: GRDB.Row, _ column: Int, to bytes: inout [UInt8]
  ) throws {
    let value: DatabaseValue = row[column]
    guard case .blob = value.storage else { return }
    try row.withUnsafeData(atIndex: column) { data in
      if let data { data.withUnsafeBytes { bytes.append(contentsOf: $0) } }
    }
  }

  private static func bytes(_ row: GRDB.Row, _ column: Int) throws -> [UInt8]? {
    let value: DatabaseValue = row[column]
    guard case .blob(let data) = value.storage else { return nil }
    return Array(data)
  }

  private static func check(
    _ ending: JournalEnding, in part: borrowing JournalReader
  ) throws(StoreError) {
    if case .complete = ending { return }
    throw damage(part.nextSequence, "\(ending)")
  }

  private static func damage(_ sequence: UInt64?, _ what: String) -> StoreError {
    let subject = sequence.map { "record \($0) of the journal" } ?? "the journal"
    return StoreError(
      .damaged(record: sequence), "\(subject) is damaged: \(what)",
      remedy: "bring the folder back from a copy; nothing was changed")
  }

  private func damage(_ sequence: UInt64?, _ what: String) -> StoreError {
    Self.damage(sequence, what)
  }
}
