import Foundation
import StrictJSON
import Testing

/// Random documents from fixed seeds: against the model they were made from and against Foundation.
@Suite struct RandomDocumentTests {
  @Test(arguments: 1...8) func writtenAndParsedIsTheSame(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      let model = Model.random(depth: 5, using: &generator)
      for style in [JSONWriter.Style.compact, .pretty] {
        var writer = JSONWriter(style)
        model.write(to: &writer)
        let bytes = writer.bytes
        let read = try JSONDocument(bytes).decode(Model.read)
        #expect(read == model)
        #expect(try rewritten(bytes, style) == bytes)
      }
    }
  }

  @Test(arguments: 11...14) func foundationReadsTheSame(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      let model = Model.random(depth: 4, using: &generator)
      var writer = JSONWriter(Bool.random(using: &generator) ? .compact : .pretty)
      model.write(to: &writer)
      let theirs = try JSONSerialization.jsonObject(
        with: Data(writer.bytes), options: .fragmentsAllowed)
      #expect(matches(theirs, model), "\(writer.text)")
    }
  }

  @Test(arguments: 21...24) func weReadWhatFoundationWrites(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<50 {
      let model = Model.random(depth: 4, using: &generator)
      var writer = JSONWriter()
      model.write(to: &writer)
      let object = try JSONSerialization.jsonObject(
        with: Data(writer.bytes), options: .fragmentsAllowed)
      let theirs = try JSONSerialization.data(
        withJSONObject: object, options: [.fragmentsAllowed, .prettyPrinted])
      #expect(errors(Array(theirs)) == "")
    }
  }

  /// We are the stricter reader: what we accept after random damage, Foundation accepts.
  @Test(arguments: 31...34) func damagedDocuments(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let palette = Array("{}[]:,\"\\0123456789.-truefalsn \n".utf8) + [0x80, 0xC3, 0xFF]
    var accepted = 0
    for _ in 0..<1500 {
      var writer = JSONWriter()
      Model.random(depth: 2, using: &generator).write(to: &writer)
      var bytes = writer.bytes
      for _ in 0..<Int.random(in: 1...2, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        bytes[place] = palette.randomElement(using: &generator) ?? 0
      }
      // Foundation refuses numbers beyond Double, which we keep as text.
      guard errors(bytes) == "", !hasExponent(bytes) else { continue }
      accepted += 1
      let theirs = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
      #expect(theirs != nil, "\(String(decoding: bytes, as: UTF8.self))")
    }
    #expect(accepted > 50)
  }

  private func hasExponent(_ bytes: [UInt8]) -> Bool {
    zip(bytes, bytes.dropFirst()).contains { digit, letter in
      (0x30...0x39).contains(digit) && letter == 0x65
    }
  }

  private func matches(_ theirs: Any, _ model: Model) -> Bool {
    switch model {
    case .null: return theirs is NSNull
    case .bool(let value): return theirs as? Bool == value
    case .integer(let value):
      return (theirs as? NSNumber)?.int64Value == value
    case .milli(let value):
      return (theirs as? NSNumber)?.doubleValue == Double(value) / 1000
    case .string(let value): return (theirs as? String).map { Array($0.utf8) } == Array(value.utf8)
    case .array(let elements):
      guard let list = theirs as? [Any], list.count == elements.count else { return false }
      return zip(list, elements).allSatisfy { matches($0, $1) }
    case .object(let members):
      guard let table = theirs as? [String: Any] else { return false }
      // Swift strings are equal up to normal form; our keys are equal byte for byte.
      guard Set(members.map(\.key)).count == members.count else { return true }
      return table.count == members.count
        && members.allSatisfy { member in
          table[member.key].map { matches($0, member.value) } ?? false
        }
    }
  }
}
