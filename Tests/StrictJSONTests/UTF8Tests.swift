import StrictJSON
import Testing

/// Every class of ill-formed UTF-8, inside a string, inside an escaped string and outside.
@Suite struct UTF8Tests {
  static let illFormed: [([UInt8], String)] = [
    ([0x80], "a continuation byte without a lead byte"),
    ([0xBF], "a continuation byte without a lead byte"),
    ([0xC0, 0x80], "an overlong form"),
    ([0xC1, 0xBF], "an overlong form"),
    ([0xC3], "the character is cut short"),
    ([0xC3, 0x41], "the character is cut short"),
    ([0xE0, 0x80, 0x80], "an overlong form"),
    ([0xE0, 0x9F, 0xBF], "an overlong form"),
    ([0xE2, 0x82], "the character is cut short"),
    ([0xE2, 0x41, 0x41], "the character is cut short"),
    ([0xED, 0xA0, 0x80], "a surrogate"),
    ([0xED, 0xBF, 0xBF], "a surrogate"),
    ([0xF0, 0x80, 0x80, 0x80], "an overlong form"),
    ([0xF0, 0x8F, 0xBF, 0xBF], "an overlong form"),
    ([0xF0, 0x9F, 0x98], "the character is cut short"),
    ([0xF4, 0x90, 0x80, 0x80], "beyond U+10FFFF"),
    ([0xF5, 0x80, 0x80, 0x80], "never part of UTF-8"),
    ([0xFE], "never part of UTF-8"),
    ([0xFF], "never part of UTF-8"),
  ]

  @Test(arguments: illFormed)
  func isRefused(bytes: [UInt8], reason: String) {
    let lead = String(bytes[0], radix: 16, uppercase: true)
    let message = "byte 0x\(lead) is not UTF-8: \(reason); save the file as UTF-8"
    #expect(errors(Array("[\"é".utf8) + bytes + Array("\"]".utf8)) == "1:4: $[0]: " + message)
    #expect(errors(Array("[\"\\n".utf8) + bytes + Array("\"]".utf8)) == "1:5: $[0]: " + message)
    #expect(errors(Array("[".utf8) + bytes).hasPrefix("1:2: $[0]: expected a value, found byte"))
  }

  @Test func endInsideACharacter() {
    #expect(errors(Array("\"".utf8) + [0xE2]).contains("the document ends inside a character"))
  }

  @Test func theEdgesOfEachLengthAreAccepted() throws {
    for value: UInt32 in [0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF] {
      let scalar = try #require(Unicode.Scalar(value))
      let text = String(scalar)
      let value = try JSONDocument(text: "\"\(text)\"").decode { try $0.string() }
      #expect(value == text)
    }
  }

  @Test func agreesWithTheStandardLibraryOnRandomBytes() {
    var generator = SeededGenerator(seed: 8)
    let interesting: [UInt8] = [
      0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xE0, 0xED, 0xEF,
      0xF0, 0xF4,
    ]
    for _ in 0..<50_000 {
      let bytes = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
        interesting.randomElement(using: &generator) ?? 0
      }
      let isValid = String(validating: bytes, as: UTF8.self) != nil
      #expect((errors([0x22] + bytes + [0x22]) == "") == isValid, "\(bytes)")
    }
  }
}
