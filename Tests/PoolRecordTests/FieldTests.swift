import PoolAllocator
import Testing

@testable import PoolRecord

/// Every type of a record, drawn over all that its fields can hold.
@Suite struct FieldTests {
  static let draws = Scale.cases(release: 4_000, debug: 120)

  @Test(arguments: RecordedTypes.all)
  func whatIsWrittenIsRead(type: RecordedType) throws { try type.check(Self.draws) }

  /// Every case of commands and events was among them: what is drawn covers all tags, and a tag
  /// names its case.
  @Test func everyCommandAndEventIsWritten() throws {
    var coder = DrawingCoder(seed: 7)
    var (commands, events): (Set<CommandTag>, Set<EventTag>) = ([], [])
    while commands.count < CommandTag.allCases.count || events.count < EventTag.allCases.count {
      let command: Command = coder.take()
      let event: Event = coder.take()
      var writer = ByteWriter()
      writer.put(command)
      let commandTag = try #require(CommandTag(rawValue: writer.bytes[0]))
      #expect(Self.name(command) == "\(commandTag)")
      commands.insert(commandTag)
      writer = ByteWriter()
      writer.put(event)
      let eventTag = try #require(EventTag(rawValue: writer.bytes[0]))
      #expect(Self.name(event) == "\(eventTag)")
      events.insert(eventTag)
    }
  }

  /// The name of a case, without what it carries.
  static func name(_ value: some Any) -> String {
    String("\(value)".prefix { $0 != "(" })
  }

  /// The last moment takes one byte, moments near the command's few, and all come back.
  @Test func moments() {
    let bases = [0, 1, 1_000, 1_700_000_000_000_000_000, Int64.max - 1, .max]
    for base in bases {
      for ns in bases + [-1, .min, .min + 1, base &+ 300_000_000_000] {
        var writer = ByteWriter()
        writer.base = Instant(ns: base)
        writer.put(Instant(ns: ns))
        if ns == .max || ns == base { #expect(writer.bytes.count == 1) }
        var reader = ByteReader(writer.bytes, 0..<writer.bytes.count)
        reader.base = writer.base
        #expect(reader.take(Instant.self) == Instant(ns: ns))
        #expect(reader.flaw == nil)
      }
    }
  }

  @Test func numbersHaveOneForm() {
    func flaw(_ bytes: [UInt8], _ bound: UInt64 = .max) -> Flaw? {
      var reader = ByteReader(bytes, 0..<bytes.count)
      var value: UInt64 = 0
      reader.unsigned(&value, atMost: bound)
      return reader.flaw
    }
    let ones = [UInt8](repeating: 0xFF, count: 9)
    #expect(flaw([0x80, 0x01]) == nil)
    #expect(flaw(ones + [0x01]) == nil)
    #expect(flaw(ones + [0x02]) == Flaw(kind: .isUnknown(2), offset: 0))
    #expect(flaw([0x80, 0x00]) == Flaw(kind: .isNotShortest, offset: 0))
    #expect(flaw([0x80]) == Flaw(kind: .isCutShort, offset: 1))
    #expect(flaw([0x05], 4) == Flaw(kind: .isUnknown(5), offset: 0))
  }

  /// What an event repeats of its command is written once.
  @Test func repeatsAreShort() throws {
    var coder = DrawingCoder(seed: 3)
    let command = Command.submit(coder.take())
    var fact: ClaimFact = coder.take()
    if case .submit(let spec) = command { fact.spec = spec }
    var writer = ByteWriter()
    writer.put(command)
    let start = writer.position
    writer.put(fact)
    var lone = ByteWriter()
    lone.put(fact)
    #expect(writer.position - start < lone.position - 100)
    var reader = ByteReader(writer.bytes, 0..<writer.bytes.count)
    _ = reader.take(Command.self)
    let again: ClaimFact = reader.take()
    #expect(reader.flaw == nil)
    #expect(text(again) == text(fact))
    // Written in full although it is the command's: another writer made that.
    let long = Array(writer.bytes[..<start]) + lone.bytes
    var other = ByteReader(long, 0..<long.count)
    _ = other.take(Command.self)
    _ = other.take(ClaimFact.self)
    #expect(other.flaw?.kind == .isNotShortest)
    var orphan = ByteReader(writer.bytes, start..<writer.bytes.count)
    _ = orphan.take(ClaimFact.self)
    #expect(orphan.flaw?.kind == .repeatsNothing)
  }
}

/// A value with all its fields, in words.
func text(_ value: some Any) -> String {
  var text = ""
  dump(value, to: &text)
  return text
}

/// One type of the form, under test.
struct RecordedType: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let check: @Sendable (Int) throws -> Void
  /// Stored properties of a blank value.
  let properties: Int

  init<Value: Recorded & Sendable>(_ type: Value.Type) {
    testDescription = "\(type)"
    properties = Mirror(reflecting: Value.blank).children.count
    check = { draws in
      var coder = DrawingCoder(seed: UInt64(testSeed("\(type)")))
      for draw in 0..<draws {
        coder.base = draw % 3 == 0 ? .origin : Instant(ns: 1_700_000_000_000_000_000)
        try Self.roundTrip(coder.take(type), coder.base, cut: draw < 20)
        try Self.readNoise(type, &coder.random, coder.base)
      }
    }
  }

  private static func roundTrip<Value: Recorded>(
    _ value: Value, _ base: Instant, cut: Bool
  ) throws {
    var writer = ByteWriter()
    writer.base = base
    writer.put(value)
    let bytes = writer.bytes
    var reader = ByteReader(bytes, 0..<bytes.count)
    reader.base = base
    let again: Value = reader.take()
    try must(reader.flaw == nil, "\(value) is read with \(String(describing: reader.flaw))")
    try must(reader.position == bytes.count, "\(value) is not read to its end")
    try must(text(again) == text(value), "\(value) is read as \(again)")
    guard cut else { return }
    for end in 0..<bytes.count {
      var short = ByteReader(bytes, 0..<end)
      short.base = base
      _ = short.take(Value.self)
      try must(short.flaw != nil, "\(value) is read from \(end) of \(bytes.count) bytes")
    }
  }

  /// What is read from any bytes is what is written for it.
  private static func readNoise<Value: Recorded>(
    _ type: Value.Type, _ random: inout Draws, _ base: Instant
  ) throws {
    let noise = (0..<random.below(60)).map { _ in
      UInt8(truncatingIfNeeded: random.next() >> UInt64(random.below(64)))
    }
    var reader = ByteReader(noise, 0..<noise.count)
    reader.base = base
    let value: Value = reader.take()
    guard reader.flaw == nil else { return }
    var writer = ByteWriter()
    writer.base = base
    writer.put(value)
    try must(
      writer.bytes == Array(noise[..<reader.position]), "\(noise) is written as \(writer.bytes)")
  }
}

/// A number for a name, the same in every process.
private func testSeed(_ name: String) -> UInt32 {
  Checksum.of(Array(name.utf8), 0..<name.utf8.count)
}
