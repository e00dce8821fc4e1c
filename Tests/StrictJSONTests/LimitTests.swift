import StrictJSON
import Testing

/// Each bound, at it and one beyond it, and the work that hostile documents cost.
@Suite struct LimitTests {
  @Test func depth() {
    #expect(errors(nested(32)) == "")
    let expected = "arrays and objects are nested deeper than 32; flatten the document"
    #expect(errors(nested(33)) == "1:33: $" + repeated("[0]", 32) + ": " + expected)
    #expect(errors(nested(4), JSONLimits(depthMax: 3)).hasPrefix("1:4: $[0][0][0]: arrays"))
    #expect(errors(nested(512), JSONLimits(depthMax: 512)) == "")
  }

  @Test func documentBytes() {
    let limits = JSONLimits(documentBytesMax: 4)
    #expect(errors("1234", limits) == "")
    #expect(errors("12345", limits) == "1:1: $: the document has 5 bytes; the limit is 4")
  }

  @Test func arrayElements() {
    let limits = JSONLimits(arrayElementsMax: 2)
    #expect(errors("[1,2]", limits) == "")
    let expected = "1:11: $.a: the array has more than 2 elements; split it"
    #expect(errors("{\"a\":[1,2,3]}", limits) == expected)
  }

  @Test func objectMembers() {
    let limits = JSONLimits(objectMembersMax: 1)
    #expect(errors("{\"a\":1}", limits) == "")
    let expected = "1:9: $: the object has more than 1 members; split it"
    #expect(errors("{\"a\":1, \"b\":2}", limits) == expected)
  }

  @Test func stringBytes() {
    let limits = JSONLimits(stringBytesMax: 4)
    for text in ["\"abcd\"", "\"éé\"", "\"\\u00e9\\u00e9\"", "{\"abcd\":1}"] {
      #expect(errors(text, limits) == "")
    }
    let expected = "the string is too long; the limit is 4 UTF-8 bytes"
    for text in ["\"abcde\"", "\"ééa\"", "\"\\u00e9\\u00e9a\""] {
      #expect(errors(text, limits) == "1:1: $: " + expected)
    }
    #expect(errors("{\"abcde\":1}", limits) == "1:2: $: " + expected)
  }

  @Test func numberBytes() {
    #expect(errors(repeated("9", 1000)) == "")
    #expect(
      errors(repeated("9", 1001)) == "1:1: $: a number has 1001 characters; the limit is 1000")
  }

  @Test func errorsAreCapped() {
    let text = "[" + (0..<100).map { "\"\($0)\"" }.joined(separator: ",") + "]"
    let found = errors(text, JSONLimits(errorsMax: 3)) { try $0.array(max: 100) { try $0.int64() } }
    let lines = found.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines.last == "only the first 3 errors are shown")
  }

  @Test func hostileDocumentsAreRefusedQuickly() {
    let size = 10_000_000
    var generator = SeededGenerator(seed: 3)
    var garbage: [UInt8] = []
    for _ in 0..<size / 8 {
      withUnsafeBytes(of: generator.next()) { garbage.append(contentsOf: $0) }
    }
    let hostile: [[UInt8]] = [
      garbage, [UInt8](repeating: 0x5B, count: size), [UInt8](repeating: 0x22, count: size),
      [0x22] + [UInt8](repeating: 0x61, count: size), [UInt8](repeating: 0x20, count: size),
      [UInt8](repeating: 0x39, count: size), [UInt8](repeating: 0, count: size),
    ]
    let elapsed = ContinuousClock().measure {
      for document in hostile { #expect(errors(document) != "") }
    }
    #expect(elapsed < .seconds(30), "debug build; release takes milliseconds")
  }

  /// Keys that share length, first four and last three bytes fall into one mark.
  @Test func keysMadeToCollideAreSortedNotComparedInPairs() {
    let keys = (10_000..<19_999).map { "\"pref\($0)suf\":0" }
    let elapsed = ContinuousClock().measure {
      #expect(errors("{" + keys.reversed().joined(separator: ",") + "}") == "")
    }
    #expect(elapsed < .seconds(30))
  }

  private func nested(_ depth: Int) -> String {
    repeated("[", depth) + repeated("]", depth)
  }

  private func repeated(_ text: String, _ count: Int) -> String {
    String(repeating: text, count: count)
  }
}
