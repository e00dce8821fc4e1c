import PoolAllocator
import Testing

@testable import PoolRecord

/// Journals as they are written, and what is said of those that are not.
@Suite struct JournalTests {
  private let life = Life(seed: 1, steps: 60)

  @Test func everyRecordComesBack() throws {
    for seed in 0..<UInt64(Scale.cases(release: 60, debug: 6)) {
      let life = Life(seed: seed, steps: 120)
      var reader = JournalReader(life.bytes)
      let header = try #require(reader.header)
      #expect(header.limits == Life.limits)
      #expect(header.identity == Life.key(seed, 99))
      #expect(header.firstSequence == 7)
      var count = 0
      while let record = reader.next() {
        #expect(text(record) == text(life.records[count]))
        #expect(reader.recordOffset == life.offsets[count])
        count += 1
      }
      #expect(count == life.records.count)
      #expect(reader.ending == .complete)
      #expect(reader.next() == nil)
    }
  }

  /// Lives reach every command and most events; the rest is drawn in `FieldTests`.
  @Test func livesReachEveryCommand() {
    var commands: Set<String> = []
    var events: Set<String> = []
    for seed in 0..<UInt64(8) {
      for record in Life(seed: seed, steps: 150).records {
        commands.insert(FieldTests.name(record.command))
        events.formUnion(record.log.events.map { FieldTests.name($0) })
      }
    }
    #expect(CommandTag.allCases.map { "\($0)" }.filter { !commands.contains($0) } == [])
    print("record: lives of events: \(events.count) of \(EventTag.allCases.count)")
    #expect(events.count >= 50)
  }

  /// The layout that `Frame` describes, byte by byte.
  @Test func aFrameIsLaidOutAsDescribed() {
    var bytes: [UInt8] = []
    let header = JournalHeader(identity: Life.key(1, 1), firstSequence: 258, from: Pool())
    _ = JournalWriter(header, into: &bytes)
    let length = bytes.count - 28
    #expect(length < 200)
    #expect(Array(bytes[..<12]) == [80, 82, 69, 67, 1, 1, 0, 0, UInt8(length), 0, 0, 0])
    #expect(Array(bytes[16..<24]) == [2, 1, 0, 0, 0, 0, 0, 0])
    let sums = [Checksum.of(bytes, 28..<bytes.count), Checksum.of(bytes, 0..<24)]
    for (place, sum) in zip([12, 24], sums) {
      for index in 0..<4 {
        #expect(bytes[place + index] == UInt8(truncatingIfNeeded: sum >> UInt32(index * 8)))
      }
    }
    // Identity, digest, limits: all of the body.
    #expect(Array(bytes[28..<44]) == [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test func readingGoesOnInParts() throws {
    var whole = JournalReader(life.bytes)
    var expected: [String] = []
    while let record = whole.next() { expected.append(text(record)) }
    var found: [String] = []
    var reader = JournalReader(Array(life.bytes[..<life.offsets[5]]))
    var from = 0
    for cut in [life.offsets[5], life.offsets[9] + 11, life.bytes.count] {
      let part = Array(life.bytes[from..<cut])
      reader = from == 0 ? reader : JournalReader(part, after: reader)
      while let record = reader.next() { found.append(text(record)) }
      from += reader.offset
      if case .damaged(let damage) = reader.ending { Issue.record("\(damage)") }
    }
    #expect(found == expected)
    #expect(reader.ending == .complete)
  }

  @Test func oneRecordIsReadByItsNumber() throws {
    let journal = JournalReader(life.bytes)
    for index in life.records.indices {
      let part = Array(life.bytes[life.offsets[index]..<life.offsets[index + 1]])
      var reader = JournalReader(part, of: journal, from: UInt64(index) + 7)
      #expect(reader.next().map { text($0) } == text(life.records[index]))
      #expect(reader.next() == nil)
      #expect(reader.ending == .complete)
      var other = JournalReader(part, of: journal, from: UInt64(index) + 8)
      #expect(other.next() == nil)
      guard case .damaged(let damage) = other.ending else {
        Issue.record("\(String(describing: other.ending))")
        continue
      }
      #expect(damage.fault == .isOutOfOrder(found: UInt64(index) + 7))
      var later = JournalReader(life.bytes, after: other)
      #expect(later.next() == nil)
      #expect(later.ending == other.ending)
    }
    var none = JournalReader(life.bytes, of: JournalReader([1]), from: 7)
    #expect(none.next() == nil)
    #expect(none.ending != nil)
  }

  @Test func writingGoesOnAfterATornTail() throws {
    let cut = life.offsets[20] + 30
    var reader = JournalReader(Array(life.bytes[..<cut]))
    while reader.next() != nil {}
    guard case .torn(let tail) = reader.ending else {
      Issue.record("\(String(describing: reader.ending))")
      return
    }
    #expect(tail.offset == life.offsets[20])
    var bytes = Array(life.bytes[..<tail.offset])
    var writer = try #require(JournalWriter(after: reader))
    for record in life.records[20...] { try writer.append(record, to: &bytes) }
    #expect(bytes == life.bytes)
    #expect(JournalWriter(after: JournalReader([])) == nil)
    #expect(JournalWriter(after: JournalReader(bytes)) == nil)
  }

  // MARK: what is said

  private func ending(_ bytes: [UInt8]) -> String {
    var reader = JournalReader(bytes)
    while reader.next() != nil {}
    switch reader.ending {
    case .complete: return "complete"
    case .torn(let tail): return "\(tail)"
    case .damaged(let damage): return "\(damage)"
    case nil: return "reading did not end"
    }
  }

  @Test func aTornTailNamesTheCut() {
    let offset = life.offsets[30]
    let length = life.offsets[31] - offset
    #expect(
      ending(Array(life.bytes[..<(offset + 10)]))
        == "record 37 at byte \(offset) is cut short by 18 bytes, and nothing follows: the write "
        + "did not come to its end; cut the journal at byte \(offset) (10 bytes are dropped)")
    #expect(
      ending(Array(life.bytes[..<(offset + length - 1)])).hasPrefix(
        "record 37 at byte \(offset) is cut short by 1 bytes, and nothing follows"))
    #expect(
      ending(Array(life.bytes[..<offset]) + [UInt8](repeating: 0, count: 512)).hasPrefix(
        "record 37 at byte \(offset) has no header of a record of this journal, and nothing"))
    #expect(ending([]).hasPrefix("the header at byte 0 is cut short by 28 bytes"))
  }

  @Test func damageNamesThePlace() {
    let (offset, next) = (life.offsets[30], life.offsets[31])
    var bytes = life.bytes
    bytes[offset + 28] ^= 1
    #expect(
      ending(bytes)
        == "record 37 at byte \(offset) does not match its checksum, and record 38 follows at byte "
        + "\(next): do not start; restore the journal from a copy")
    bytes = life.bytes
    bytes[offset + 8] ^= 0x80
    #expect(ending(bytes).hasPrefix("record 37 at byte \(offset) has no header"))
    bytes = life.bytes
    bytes.removeSubrange(offset..<next)
    #expect(
      ending(bytes)
        == "record 37 at byte \(offset) is missing: record 38 stands in its place: do not start; "
        + "restore the journal from a copy")
    #expect(
      ending(life.bytes + life.bytes[offset..<next]).contains("record 37 stands in its place"))
    bytes = life.bytes
    bytes[3] ^= 1
    #expect(ending(bytes).hasPrefix("the header at byte 0 has no header of a record"))
  }

  /// Other records under sound checksums: of a later form, of another kind, of another journal.
  @Test func whatOthersWroteIsRefused() {
    let seed = Frame.read(life.bytes, at: 0, seed: 0)
    guard case .success(let header) = seed else {
      Issue.record("\(seed)")
      return
    }
    func sealed(_ change: (inout [UInt8]) -> Void, kind: Frame.Kind = .command) -> String {
      var bytes = Array(life.bytes[..<life.offsets[0]])
      let start = bytes.count
      bytes += life.bytes[life.offsets[0]..<life.offsets[1]]
      change(&bytes)
      Frame.close(
        &bytes, at: start, kind, engine: 3, sequence: 7, seed: header.checksum)
      return ending(bytes)
    }
    let body = life.offsets[0] + 28
    #expect(sealed { _ in } == "complete")
    #expect(sealed({ _ in }, kind: .header).contains("is of kind 1, which does not belong there"))
    #expect(sealed { $0.append(0) }.contains("cannot be read: bytes follow the last field"))
    #expect(sealed { $0.removeLast() }.contains("cannot be read: a field is cut short, at byte"))
    // The moment has five bytes, the pool's one, two keys 17 each; then comes the command.
    #expect(sealed { $0[body + 6] = 2 }.contains("2 has no meaning there, at byte 6 of its body"))
    #expect(
      sealed { $0[body + 40] = 99 }.contains("99 has no meaning there, at byte 40 of its body"))
    var later = life.bytes
    later[life.offsets[0] + 4] = 2
    let sum = Checksum.of(
      later, life.offsets[0]..<life.offsets[0] + 24, after: header.checksum)
    for index in 0..<4 {
      later[life.offsets[0] + 24 + index] = UInt8(truncatingIfNeeded: sum >> UInt32(index * 8))
    }
    #expect(
      ending(later).contains("is in form 2, and this release reads up to 1: read the journal"))
    let other = Life(seed: 2, steps: 3)
    let spliced = Array(life.bytes[..<life.offsets[1]]) + other.bytes[other.offsets[1]...]
    #expect(ending(spliced).contains("has no header of a record of this journal"))
  }

  /// Rows that events point to have to be there, whatever the checksum says.
  @Test func eventsPointToRowsOfTheirRecord() throws {
    var pointers = 0
    for (index, record) in life.records.enumerated() where record.log.events.count > 0 {
      var log = EventLog()
      log.begin(at: record.log.at)
      for event in record.log.events { log.events.append(event) }
      log.policy = record.log.policy
      guard !log.isClosed else { continue }
      pointers += 1
      var changed = record
      changed.log = log
      var bytes = Array(life.bytes[..<life.offsets[index]])
      var reader = JournalReader(bytes)
      while reader.next() != nil {}
      var writer = try #require(JournalWriter(after: reader))
      try writer.append(changed, to: &bytes)
      #expect(ending(bytes).contains("an event points to rows that are not there"))
    }
    #expect(pointers > 20)
  }
}
