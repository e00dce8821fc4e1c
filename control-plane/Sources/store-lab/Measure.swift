import Foundation
import GRDB
import PoolStore

/// Figures of the store beside its floors, all in one run.
struct Measure {
  private let folder: String

  init(_ folder: String) { self.folder = folder }

  private static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    try body()
    return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
  }

  /// Durable records a second by the size of a batch: the loop and the store, and rows of the same
  /// size in bare SQLite, one after the other, five rounds each; the median of each.
  func run() throws {
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    var lab = try Lab(folder + "/store")
    var configuration = Configuration()
    configuration.journalMode = .wal
    let bare = try DatabaseQueue(path: folder + "/bare.sqlite", configuration: configuration)
    try bare.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS r (b BLOB)")
    }
    _ = try lab.turn(1_000)
    print("sync of 4 KiB: \(text(try syncs())) a second")
    print("batch   store/s      bare SQLite/s   ratio")
    for batch in [1, 16, 64, 256] {
      var (ours, theirs): ([Double], [Double]) = ([], [])
      let turns = batch == 1 ? 200 : 50
      for _ in 0..<5 {
        let time = try Self.seconds { for _ in 0..<turns { _ = try lab.turn(batch) } }
        ours.append(Double(turns * batch) / time)
        let row = Data(repeating: 7, count: 150)
        let other = try Self.seconds {
          for _ in 0..<turns {
            try bare.write { db in
              for _ in 0..<batch {
                try db.cachedStatement(sql: "INSERT INTO r VALUES (?)").execute(arguments: [row])
              }
            }
          }
        }
        theirs.append(Double(turns * batch) / other)
      }
      let (left, right) = (ours.sorted()[2], theirs.sorted()[2])
      print("\(batch)\t\(text(left))\t\(text(right))\t\(text(left / right * 100)) %")
    }
  }

  private func syncs() throws -> Double {
    let file = open(folder + "/floor", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { close(file) }
    let block = [UInt8](repeating: 1, count: 4_096)
    let time = Self.seconds {
      for _ in 0..<200 {
        _ = write(file, block, block.count)
        _ = fdatasync(file)
      }
    }
    return 200 / time
  }

  /// Fills a journal up to so many records and reads it back.
  func fill(_ records: Int) throws {
    do {
      var lab = try Lab(folder)
      while lab.asked < records { _ = try lab.turn(256) }
      print("\(lab.asked) records")
    }
    try read()
  }

  /// Reads a journal back, and says how long that took.
  func read() throws {
    let store = try SQLiteStore(at: folder, engine: Lab.engine)
    var count = UInt64(0)
    let time = try Self.seconds { count = try store.recover().records }
    print("recovered \(count) records in \(text(time * 1_000)) ms")
  }

  private func text(_ value: Double) -> String { String(Int(value.rounded())) }
}
