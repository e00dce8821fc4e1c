import StrictJSON
import Testing

/// Documents that are accepted, and how they are written again.
@Suite struct AcceptTests {
  static let accepted: [(String, String)] = [
    ("null", "null"), (" true\n", "true"), ("\tfalse\r\n", "false"),
    ("0", "0"), ("-0", "-0"), ("-1", "-1"), ("1.50", "1.50"), ("1E+2", "1E+2"), ("1e-7", "1e-7"),
    ("0e0", "0e0"), ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("\"\"", "\"\""), ("\"a b\"", "\"a b\""), ("\"\\/\"", "\"/\""),
    ("\"\\\"\\\\\\b\\f\\n\\r\\t\"", "\"\\\"\\\\\\b\\f\\n\\r\\t\""),
    ("\"\\u0000\\u001F\\u007f\"", "\"\\u0000\\u001f\u{7F}\""),
    ("\"\\u00e9\\u20AC\\ud83d\\ude00\"", "\"é€\u{1F600}\""),
    ("\"\\uDBFF\\uDFFF\\uFFFF\"", "\"\u{10FFFF}\u{FFFF}\""), ("\"x\\u0041é\"", "\"xAé\""),
    ("[]", "[]"), ("[ ]", "[]"), ("{}", "{}"), ("{\n}", "{}"), ("[[],{}]", "[[],{}]"),
    ("[1 , 2\n,3]", "[1,2,3]"), ("{\"a\" : 1 , \"b\":[null]}", "{\"a\":1,\"b\":[null]}"),
    ("{\"\":0}", "{\"\":0}"), ("{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":{\"a\":{\"a\":1}}}"),
    ("{\"e\u{301}\":1,\"é\":2}", "{\"e\u{301}\":1,\"é\":2}"),
    ("{\"A\":1,\"a\":2}", "{\"A\":1,\"a\":2}"),
  ]

  @Test(arguments: accepted)
  func isAccepted(text: String, compact: String) throws {
    #expect(errors(text) == "")
    let bytes = try rewritten(Array(text.utf8))
    #expect(bytes == Array(compact.utf8))
  }
}
