import Foundation
import GRDB
import PoolAllocator
import PoolStore
import Testing

/// A store whose file is not as it was written: what is read back is what was written, or it is
/// refused with the place named.
@Suite struct DamageTests {
  /// A file of so many batches, its pool behind each record, and the number of its records.
  private struct Original {
    let scratch = Scratch()
    let bytes: Data
    let digest: Digest
    let records: UInt64

    init() throws {
      try scratch.fill(batches: 12)
      try scratch.edit { _ in }
      bytes = try Data(contentsOf: URL(fileURLWithPath: scratch.file))
      let recovered = try scratch.store().recover()
      (digest, records) = (recovered.pool.digest(), recovered.records)
    }

    /// A copy to be damaged.
    func copy() throws -> Scratch {
      let copy = Scratch()
      try FileManager.default.createDirectory(
        atPath: copy.path, withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o700])
      try bytes.write(to: URL(fileURLWithPath: copy.file))
      try Data("this folder has a journal\n".utf8)
        .write(to: URL(fileURLWithPath: copy.path + "/lock"))
      return copy
    }
  }

  /// One kind of damage to a record: statements in which ? is its number.
  private static let damages = [
    "UPDATE record SET bytes = substr(bytes, 1, length(bytes) - 1) WHERE sequence = ?",
    "UPDATE record SET bytes = bytes || x'00' WHERE sequence = ?",
    "UPDATE record SET bytes = x'' WHERE sequence = ?",
    "UPDATE record SET link = zeroblob(32) WHERE sequence = ?",
    "UPDATE record SET bytes = (SELECT bytes FROM record WHERE sequence = 3) WHERE sequence = ?",
    "DELETE FROM record WHERE sequence = ?",
    "UPDATE record SET sequence = 100000 WHERE sequence = ?",
  ]

  @Test(arguments: damages) func aRecordThatWasAlteredIsNamed(sql: String) throws {
    let original = try Original()
    for record in [1, 2, 17, 40] as [UInt64] {
      let copy = try original.copy()
      try copy.edit { try $0.execute(sql: sql, arguments: [Int64(record)]) }
      let refusal = Scratch.refusal { _ = try copy.store().recover() }
      #expect(refusal?.kind == .damaged(record: record), "\(sql): \(record)")
      #expect(refusal?.description.contains("record \(record) ") == true)
    }
  }

  @Test func twoRecordsThatChangedPlacesAreNamed() throws {
    let original = try Original()
    let copy = try original.copy()
    try copy.edit {
      try $0.execute(
        sql: """
          UPDATE record SET sequence = -1 WHERE sequence = 20;
          UPDATE record SET sequence = 20 WHERE sequence = 21;
          UPDATE record SET sequence = 21 WHERE sequence = -1;
          """)
    }
    #expect(
      Scratch.refusal { _ = try copy.store().recover() }?.kind == .damaged(record: 20))
  }

  @Test func lastRecordsThatAreGoneAreMissed() throws {
    let original = try Original()
    let copy = try original.copy()
    try copy.edit {
      try $0.execute(
        sql: "DELETE FROM record WHERE sequence > ?", arguments: [original.records - 3])
    }
    #expect(
      Scratch.refusal { _ = try copy.store().recover() }?.kind
        == .damaged(record: original.records - 2))
  }

  @Test func aJournalThatIsGoneIsNotBegunAnew() throws {
    let scratch = Scratch()
    try scratch.fill(batches: 1)
    try Data().write(to: URL(fileURLWithPath: scratch.file))
    #expect(Scratch.refusal { _ = try scratch.store() }?.kind == .damaged(record: nil))
    try FileManager.default.removeItem(atPath: scratch.file)
    #expect(Scratch.refusal { _ = try scratch.store() }?.kind == .damaged(record: nil))
  }

  @Test func aHeaderThatWasAlteredIsRefused() throws {
    let original = try Original()
    for sql in [
      "UPDATE head SET header = zeroblob(length(header))", "DELETE FROM head",
      "UPDATE head SET header = substr(header, 2)",
    ] {
      let copy = try original.copy()
      try copy.edit { try $0.execute(sql: sql) }
      #expect(
        Scratch.refusal { _ = try copy.store().recover() }?.kind == .damaged(record: nil))
    }
  }

  /// Whole files, damaged anywhere: cut short, bytes flipped, stretches zeroed, doubled or moved.
  @Test func aFileThatWasAlteredIsReadBackOrRefused() throws {
    let original = try Original()
    var dice = Dice(7)
    var (refused, same) = (0, 0)
    for trial in 0..<Trials.count(600) {
      var bytes = original.bytes
      let at = Int.random(in: 0..<bytes.count, using: &dice)
      let end = min(bytes.count, at + Int.random(in: 1...5_000, using: &dice))
      let other = Int.random(in: 0..<(bytes.count - (end - at) + 1), using: &dice)
      switch trial % 5 {
      case 0: bytes.removeSubrange(at...)
      case 1: bytes[at] ^= UInt8(1 << Int.random(in: 0..<8, using: &dice))
      case 2: bytes.resetBytes(in: at..<end)
      case 3: bytes.replaceSubrange(other..<(other + end - at), with: bytes[at..<end])
      default: bytes.removeSubrange(at..<end)
      }
      let copy = try original.copy()
      try bytes.write(to: URL(fileURLWithPath: copy.file))
      do {
        let recovered = try copy.store().recover()
        #expect(recovered.pool.digest() == original.digest, "trial \(trial) at \(at)")
        #expect(recovered.records == original.records, "trial \(trial) at \(at)")
        same += 1
      } catch {
        let refusal = try #require(error as? StoreError, "trial \(trial): \(error)")
        #expect(!refusal.what.isEmpty && !refusal.remedy.isEmpty)
        refused += 1
      }
    }
    print("damaged files: \(refused) refused, \(same) read back the same")
    #expect(refused > 0 && same > 0)
  }

  // MARK: the log ahead of the file

  /// A log that was cut anywhere, as where the machine loses power, is read back up to a batch; and
  /// one of which bytes were altered is read back up to a batch before them.
  @Test(arguments: [false, true]) func aLogThatEndsEarlyIsReadBackToABatch(isFlipped: Bool) throws {
    let original = try Log()
    let step = max(1, original.log.count / Trials.count(300))
    var reached: Set<Digest> = []
    for place in stride(from: 0, to: original.log.count, by: step) {
      let copy = try original.copy { log in
        if isFlipped {
          log[place] ^= 1 << UInt8(place % 8)
        } else {
          log.removeSubrange(place...)
        }
      }
      let recovered = try copy.store().recover()
      let digest = recovered.pool.digest()
      #expect(original.digests.contains(digest), "byte \(place)")
      reached.insert(digest)
    }
    #expect(reached.count > original.digests.count / 2)
  }

  /// A file with a log of batches that are not in it yet.
  private struct Log {
    let scratch = Scratch()
    /// The pool behind each batch of the log, and behind none.
    private(set) var digests: Set<Digest> = []
    private(set) var file = Data()
    private(set) var log = Data()

    init() throws {
      let before = try scratch.fill(batches: 1)
      try scratch.edit { _ in }
      digests = [before.digest()]
      var (digests, file, log) = (digests, file, log)
      let path = scratch.file
      try scratch.fill(batches: 12) { pool in
        digests.insert(pool.digest())
        file = try Data(contentsOf: URL(fileURLWithPath: path))
        log = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
      }
      (self.digests, self.file, self.log) = (digests, file, log)
    }

    func copy(_ change: (inout Data) -> Void) throws -> Scratch {
      let copy = Scratch()
      try FileManager.default.createDirectory(
        atPath: copy.path, withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o700])
      var log = log
      change(&log)
      try file.write(to: URL(fileURLWithPath: copy.file))
      try log.write(to: URL(fileURLWithPath: copy.file + "-wal"))
      try Data("this folder has a journal\n".utf8)
        .write(to: URL(fileURLWithPath: copy.path + "/lock"))
      return copy
    }
  }
}
