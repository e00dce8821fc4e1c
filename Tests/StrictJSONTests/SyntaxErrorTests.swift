import StrictJSON
import Testing

/// Every way to break the syntax, with the whole message: the words are part of the product.
@Suite struct SyntaxErrorTests {
  static let anyValue = "write true, false, null, a number, a string, an array or an object"
  static let escapes = #"escapes are \" \\ \/ \b \f \n \r \t \uXXXX"#

  static let structure: [(String, String)] = [
    ("", "1:1: $: the document is empty; it must hold one JSON value"),
    (" \n\t ", "2:3: $: the document is empty; it must hold one JSON value"),
    ("[1,]", "1:3: $[1]: a comma comes before the closing ]; remove the comma"),
    ("{\"a\":1,\n}", "1:7: $: a comma comes before the closing }; remove the comma"),
    ("[1 2]", "1:4: $: expected a comma or ], found \"2\"; separate elements with commas"),
    ("[1}", "1:3: $: expected a comma or ], found \"}\"; separate elements with commas"),
    (
      "{\"a\":1 \"b\":2}",
      "1:8: $: expected a comma or }, found \"\\\"\"; separate members with commas"
    ),
    ("{\"a\" 1}", "1:6: $.a: expected a colon after the key, found \"1\"; write \"key\": value"),
    ("{a:1}", "1:2: $: expected a key, found \"a\"; keys are in double quotes"),
    ("{,}", "1:2: $: expected a key, found \",\"; keys are in double quotes"),
    ("{\"a\":1,,}", "1:8: $: expected a key, found \",\"; keys are in double quotes"),
    (
      "{\"a\":}",
      "1:6: $.a: expected a value, found \"}\"; a value is missing, or brackets do not match"
    ),
    ("[,1]", "1:2: $[0]: expected a value, found \",\"; a value is missing before the comma"),
    ("['a']", "1:2: $[0]: expected a value, found \"'\"; strings are in double quotes"),
    ("]", "1:1: $: expected a value, found \"]\"; a value is missing, or brackets do not match"),
    ("[1] 2", "1:5: $: \"2\" after the end of the document; remove it"),
    ("{}}", "1:3: $: \"}\" after the end of the document; remove it"),
    ("[1, // one\n2]", "1:5: $[1]: JSON has no comments; remove the comment"),
    ("/* a */ 1", "1:1: $: JSON has no comments; remove the comment"),
    ("1 # one", "1:3: $: JSON has no comments; remove the comment"),
    ("{ // a\n}", "1:3: $: JSON has no comments; remove the comment"),
    ("{\"a\" /**/ :1}", "1:6: $.a: JSON has no comments; remove the comment"),
    (
      "\u{FEFF}{}",
      "1:1: $: the document starts with a byte order mark; save it as UTF-8 without BOM"
    ),
    (
      "[é]",
      "1:2: $[0]: expected a value, found \"é\"; " + anyValue
    ),
    (
      "[\u{1}]",
      "1:2: $[0]: expected a value, found \"\\u{1}\"; " + anyValue
    ),
  ]

  static let ends: [(String, String)] = [
    ("[", "1:2: $: the document ends inside an array; it was opened at line 1, column 1"),
    (
      "{\"a\":\n [1,",
      "2:5: $.a: the document ends inside an array; it was opened at line 2, column 2"
    ),
    ("{\"a\":[1]", "1:9: $: the document ends inside an object; it was opened at line 1, column 1"),
    ("{\"a\"", "1:5: $: the document ends inside an object; it was opened at line 1, column 1"),
    ("{\"a\":", "1:6: $: the document ends inside an object; it was opened at line 1, column 1"),
    ("{\"a\":1,", "1:8: $: the document ends inside an object; it was opened at line 1, column 1"),
    ("\"ab", "1:4: $: the document ends inside a string; it was opened at line 1, column 1"),
    ("[\"ab\\", "1:6: $[0]: the document ends inside a string; it was opened at line 1, column 2"),
    ("[\"\\u00", "1:7: $[0]: the document ends inside a string; it was opened at line 1, column 2"),
  ]

  static let numbers: [(String, String)] = [
    ("01", "1:1: $: a number starts with 0; write it without the leading zero"),
    ("[-007]", "1:2: $[0]: a number starts with 0; write it without the leading zero"),
    ("+1", "1:1: $: a number starts with +; write it without the sign"),
    (".5", "1:1: $: a number starts with its decimal point; write 0 before it"),
    ("1.", "1:1: $: a number ends with its decimal point; add a digit after it"),
    ("1.e3", "1:1: $: a number ends with its decimal point; add a digit after it"),
    ("1e", "1:1: $: a number has no digits in its exponent; as in 1e3"),
    ("1e+", "1:1: $: a number has no digits in its exponent; as in 1e3"),
    ("-", "1:1: $: \"-\" is not a number; numbers look like -12, 0.125 or 1e3"),
    ("-a", "1:1: $: \"-a\" is not a number; numbers look like -12, 0.125 or 1e3"),
    ("0x1F", "1:1: $: \"0x1F\" is not a number; numbers look like -12, 0.125 or 1e3"),
    ("1_000", "1:1: $: \"1_000\" is not a number; numbers look like -12, 0.125 or 1e3"),
    ("1.2.3", "1:1: $: \"1.2.3\" is not a number; numbers look like -12, 0.125 or 1e3"),
    ("NaN", "1:1: $: NaN is not a JSON number; JSON has finite numbers only"),
    ("Infinity", "1:1: $: Infinity is not a JSON number; JSON has finite numbers only"),
    ("-Infinity", "1:1: $: -Infinity is not a JSON number; JSON has finite numbers only"),
  ]

  static let words: [(String, String)] = [
    ("True", "1:1: $: \"True\" is not a value; write true, false, null or a quoted string"),
    ("nul", "1:1: $: \"nul\" is not a value; write true, false, null or a quoted string"),
    ("nulls", "1:1: $: \"nulls\" is not a value; write true, false, null or a quoted string"),
    ("[tru]", "1:2: $[0]: \"tru\" is not a value; write true, false, null or a quoted string"),
    ("{\"a\":yes}", "1:6: $.a: \"yes\" is not a value; write true, false, null or a quoted string"),
  ]

  static let strings: [(String, String)] = [
    ("\"a\nb\"", "1:3: $: a string runs over the end of its line; write \\n, or close it"),
    ("\"a\tb\"", "1:3: $: a string contains the control character U+0009; write \\t"),
    ("\"\u{0}\"", "1:2: $: a string contains the control character U+0000; write it as \\u0000"),
    ("\"\u{1F}\"", "1:2: $: a string contains the control character U+001F; write it as \\u001F"),
    (
      "\"é\\x\"",
      "1:3: $: \"x\" cannot follow a backslash; " + escapes
    ),
    ("\"\\u12G4\"", "1:2: $: \\u needs four hexadecimal digits; as in \\u00e9"),
    (
      "\"\\ud800\"",
      "1:2: $: \\uD800 is half of a surrogate pair; a low surrogate \\uDC00 to \\uDFFF must follow"
    ),
    (
      "\"\\ud83d\\n\"",
      "1:2: $: \\uD83D is half of a surrogate pair; a low surrogate \\uDC00 to \\uDFFF must follow"
    ),
    (
      "\"\\ud83d\\ud83d\"",
      "1:2: $: \\uD83D is half of a surrogate pair; a low surrogate \\uDC00 to \\uDFFF must follow"
    ),
    (
      "\"a\\udc00\"",
      "1:3: $: \\uDC00 is half of a surrogate pair; a high surrogate must come first"
    ),
  ]

  static let duplicates: [(String, String)] = [
    (
      "{\"a\":1,\n \"a\":2}",
      "2:2: $.a: duplicate key \"a\"; it was first given at line 1, column 2"
    ),
    (
      "{\"a\":1,\"\\u0061\":2}",
      "1:8: $.a: duplicate key \"a\"; it was first given at line 1, column 2"
    ),
    (
      "{\"o\":{\"k\":1,\"k\":2,\"k\":3},\"x y\":1,\"x y\":2}",
      """
      1:13: $.o.k: duplicate key "k"; it was first given at line 1, column 7
      1:19: $.o.k: duplicate key "k"; it was first given at line 1, column 7
      1:34: $["x y"]: duplicate key "x y"; it was first given at line 1, column 26
      """
    ),
    (
      "{\"a\":{\"b\":1,\"b\":1},\n]}",
      """
      1:13: $.a.b: duplicate key "b"; it was first given at line 1, column 7
      2:1: $: expected a key, found "]"; keys are in double quotes
      """
    ),
  ]

  static let all = [structure, ends, numbers, words, strings, duplicates].flatMap { $0 }

  @Test(arguments: all)
  func message(text: String, expected: String) {
    #expect(errors(text) == expected)
  }

  @Test func columnsCountScalarsAndLinesEndAtLF() {
    #expect(errors("{\"日本\": \"\u{1F600}e\u{301}\", x}").hasPrefix("1:15: $: expected a key"))
    #expect(errors("[1,\r\n\r\n  x]").hasPrefix("3:3: $[1]: \"x\""))
  }

  @Test func duplicateInALargeObjectIsFoundAmongEscapedKeys() {
    let keys = (0..<5000).map { "\"key-\($0)\":\($0)" }
    #expect(errors("{" + keys.joined(separator: ",") + "}") == "")
    let text = "{" + keys.joined(separator: ",") + ",\n\"\\u006bey-7\":0}"
    #expect(errors(text).hasPrefix("2:1: $.key-7: duplicate key \"key-7\"; it was first given"))
  }

  @Test func formattedNamesTheFile() throws {
    let error = JSONError(line: 3, column: 7, path: "$.a", problem: "bad", hint: "better")
    #expect(error.formatted(file: "p.json") == "p.json:3:7: $.a: bad; better")
    let plain = JSONError(line: 3, column: 7, path: "$.a", problem: "bad", hint: "")
    let all = JSONErrors([error, plain], isTruncated: true)
    let lines =
      "p.json:3:7: $.a: bad; better\np.json:3:7: $.a: bad\nonly the first 2 errors are shown"
    #expect(all.formatted(file: "p.json") == lines)
  }

  @Test func textOfTheDocumentIsEscapedInMessages() {
    let text = "{\"\\u001b[31m\\u202e\":1,\"\\u001b[31m\\u202e\":2}"
    let name = "\"\\u{1B}[31m\\u{202E}\""
    let expected = "$[\(name)]: duplicate key \(name); it was first given at line 1, column 2"
    #expect(errors(text) == "1:23: " + expected)
  }
}
