import Foundation
import GRDB
import PoolAllocator

/// The tables of a SQLite journal. A change of them is a new version, and what wrote the old one
/// refuses to open it.
enum Shape {
  /// "Pool" as SQLite's application id.
  static let application = 0x506F_6F6C
  static let version = 2

  /// - Parameter utc: the wall clock, from which pool time counts. Unit: seconds since 1970.
  static func make(in db: Database, _ header: [UInt8], utc: Int64) throws {
    try db.execute(
      sql: """
        PRAGMA application_id = \(application);
        PRAGMA user_version = \(version);
        CREATE TABLE head (
          one INTEGER PRIMARY KEY CHECK (one = 1), header BLOB NOT NULL, leader INTEGER NOT NULL,
          records INTEGER NOT NULL, link BLOB NOT NULL, origin INTEGER NOT NULL);
        CREATE TABLE record (
          sequence INTEGER PRIMARY KEY, bytes BLOB NOT NULL, link BLOB NOT NULL, note BLOB);
        CREATE INDEX record_subject ON record (substr(note, 1, 16)) WHERE note IS NOT NULL;
        CREATE TABLE answer (
          name BLOB PRIMARY KEY, digest BLOB NOT NULL, sequence INTEGER NOT NULL,
          utc INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX answer_utc ON answer (utc);
        """)
    try db.execute(
      sql: "INSERT INTO head VALUES (1, ?, 0, 0, ?, ?)",
      arguments: [
        Blob.data(header[...]), Blob.data(HashChain(header: header).last[...]), utc,
      ])
  }
}

/// Bytes as the library stores them.
enum Blob {
  static func data(_ bytes: ArraySlice<UInt8>) -> Data { Data(bytes) }

  /// The bytes of a value that is a blob; a damaged file may have anything in its place.
  static func bytes(_ value: DatabaseValue) -> [UInt8]? {
    if case .blob(let data) = value.storage { return Array(data) }
    return nil
  }

  static func data(of keys: Key...) -> Data {
    var bytes = Data()
    for half in keys.flatMap({ [$0.high, $0.low] }) {
      withUnsafeBytes(of: half.bigEndian) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }

  static func key(_ value: DatabaseValue, of record: UInt64) throws(StoreError) -> Key {
    guard let bytes = bytes(value), bytes.count == 16 else {
      throw StoreError(
        .damaged(record: record), "the answer of record \(record) has a digest that is none",
        remedy: "bring the folder back from a copy")
    }
    let halves = [bytes[..<8], bytes[8...]].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
    return Key(high: halves[0], low: halves[1])
  }
}
