import Foundation
import Testing

@testable import PoolAllocator
@testable import PoolRecord

/// A journal that an earlier release wrote is read, folds to the same pool, and goes on.
///
/// A release that changes the form adds a file to `Journals` under the number of its form, made
/// with `JOURNAL_ADD=1`; the others stay as they are. (Before the first release nobody has a
/// journal: till then a change of the form takes the place of form 1. Remove its file, make it
/// anew, and write below what it holds.)
@Suite struct UpgradeTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Journals")

  /// What the journal of each form holds: records, and then the pool that they fold to.
  private static let held: [UInt8: String] = [
    1: "64 records, 4 waiting, 9 leases, 3 nodes, epoch 1, generation 1"
  ]

  @Test func journalsOfEveryFormAreRead() throws {
    for form in 1...Frame.version {
      let bytes = try Self.bytes(form)
      var reader = JournalReader(bytes)
      var pool = Pool(limits: try #require(reader.header).limits)
      var records: [Record] = []
      while let record = reader.next() {
        pool.replay(record.log)
        records.append(record)
      }
      #expect(reader.ending == .complete)
      pool.checkInvariants()
      var (leases, nodes) = (0, 0)
      pool.forEachLease { _, _ in leases += 1 }
      pool.forEachNode { _, _ in nodes += 1 }
      #expect(
        "\(records.count) records, \(pool.waitingClaims) waiting, \(leases) leases, "
          + "\(nodes) nodes, epoch \(pool.epoch), generation \(pool.generation.value)"
          == Self.held[form])
      // Whoever has it goes on with it.
      var log = EventLog()
      _ = pool.apply(.begin(epoch: pool.epoch + 1), at: pool.now + .seconds(60), into: &log)
      while pool.apply(.tick, at: pool.now, into: &log).1 == .more {}
      pool.checkInvariants()
      guard form == Frame.version, let header = reader.header else { continue }
      var again: [UInt8] = []
      var writer = JournalWriter(header, into: &again)
      for record in records { try writer.append(record, to: &again) }
      #expect(again == bytes)
    }
  }

  private static func bytes(_ form: UInt8) throws -> [UInt8] {
    let file = folder.appending(path: "form-\(form).hex")
    if ProcessInfo.processInfo.environment["JOURNAL_ADD"] != nil,
      !FileManager.default.fileExists(atPath: file.path)
    {
      let digits = Life(seed: 21, steps: 45).bytes.map { byte in
        let text = String(byte, radix: 16)
        return text.count == 1 ? "0" + text : text
      }
      let lines = stride(from: 0, to: digits.count, by: 48).map {
        digits[$0..<min($0 + 48, digits.count)].joined()
      }
      try (lines.joined(separator: "\n") + "\n").write(
        to: file, atomically: true, encoding: .utf8)
    }
    let digits = try String(contentsOf: file, encoding: .utf8).filter { !$0.isNewline }
    return stride(from: 0, to: digits.utf8.count, by: 2).compactMap { place in
      let start = digits.utf8.index(digits.startIndex, offsetBy: place)
      return UInt8(digits[start..<digits.utf8.index(start, offsetBy: 2)], radix: 16)
    }
  }
}
