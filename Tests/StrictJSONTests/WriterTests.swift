import StrictJSON
import Testing

/// The writer's output, byte for byte.
@Suite struct WriterTests {
  private func sample(_ style: JSONWriter.Style) -> String {
    var writer = JSONWriter(style)
    writer.object { writer in
      writer.string("name", "a\"b\\\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}é/")
      writer.int64("least", .min)
      writer.milli("weight", 1500)
      writer.milliFixed("fixed", 1500)
      writer.bool("yes", true)
      writer.null("none")
      writer.array("list") { writer in
        writer.int64(1)
        writer.array { _ in }
        writer.object { _ in }
      }
    }
    return writer.text
  }

  @Test func compact() {
    let expected =
      #"{"name":"a\"b\\\b\f\n\r\t\u0000\u001f\#u{7F}é/","least":-9223372036854775808,"#
      + #""weight":1.5,"fixed":1.500,"yes":true,"none":null,"list":[1,[],{}]}"#
    #expect(sample(.compact) == expected)
  }

  @Test func pretty() {
    let expected = """
      {
        "name": "a\\"b\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\u{7F}é/",
        "least": -9223372036854775808,
        "weight": 1.5,
        "fixed": 1.500,
        "yes": true,
        "none": null,
        "list": [
          1,
          [],
          {}
        ]
      }
      """
    #expect(sample(.pretty) == expected)
  }

  static let thousandths: [(Int64, String, String)] = [
    (0, "0", "0.000"), (1, "0.001", "0.001"), (-1, "-0.001", "-0.001"), (10, "0.01", "0.010"),
    (100, "0.1", "0.100"), (1000, "1", "1.000"), (100_000, "100", "100.000"),
    (-1500, "-1.5", "-1.500"), (.max, "9223372036854775.807", "9223372036854775.807"),
    (.min, "-9223372036854775.808", "-9223372036854775.808"),
  ]

  @Test(arguments: thousandths) func milli(value: Int64, short: String, fixed: String) throws {
    var writer = JSONWriter()
    writer.milli(value)
    writer.nextDocument()
    writer.milliFixed(value)
    #expect(writer.text == short + "\n" + fixed)
    #expect(try JSONDocument(text: short).decode { try $0.milli() } == value)
    #expect(try JSONDocument(text: fixed).decode { try $0.milli() } == value)
  }

  @Test func appendsToBytes() {
    var writer = JSONWriter(appendingTo: Array("data: ".utf8))
    writer.array { $0.null() }
    #expect(writer.text == "data: [null]")
  }

  @Test func misuseStops() async {
    await #expect(processExitsWith: .failure) {
      var writer = JSONWriter()
      writer.object { $0.int64(1) }
    }
    await #expect(processExitsWith: .failure) {
      var writer = JSONWriter()
      writer.object { $0.key("a") }
    }
    await #expect(processExitsWith: .failure) {
      var writer = JSONWriter()
      writer.null()
      writer.null()
    }
    await #expect(processExitsWith: .failure) {
      var writer = JSONWriter()
      writer.array { $0.key("a") }
    }
  }
}
