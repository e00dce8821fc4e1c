import StrictJSON
import Testing

private struct Tenant: Equatable {
  var name: String
  var weight: Int64
  var burst: Int64?
  var isActive: Bool
  var lanes: [String]
  var rank: Int
}

private struct BadName: Error, CustomStringConvertible {
  var description: String { "a name may not be \"root\"" }
}

private func tenant(_ value: JSONValue) throws -> Tenant {
  try value.object { fields in
    let name = fields.read("name") { value in
      let name = try value.string(1...8)
      if name == "root" { throw BadName() }
      return name
    }
    let weight = fields.milli("weight", in: 1...10_000)
    let burst = fields.optionalInt64("burst", in: 0...3600)
    let isActive = fields.bool("active")
    let lanes = fields.array("lanes", min: 1, max: 3) { try $0.string(1...6) }
    let rank = fields.choice("class", ["P0": 0, "P1": 1])
    return try Tenant(
      name: name.value, weight: weight.value, burst: burst.value, isActive: isActive.value,
      lanes: lanes.value, rank: rank.value)
  }
}

/// Typed reading: values, every message, and that one run shows all errors.
@Suite struct DecodingTests {
  static let good = """
    {"name":"acme","weight":1.5,"burst":60,"active":true,"lanes":["a","b"],"class":"P1"}
    """

  @Test func readsValues() throws {
    let read = try JSONDocument(text: Self.good).decode(tenant)
    let expected = Tenant(
      name: "acme", weight: 1500, burst: 60, isActive: true, lanes: ["a", "b"], rank: 1)
    #expect(read == expected)
    let text = Self.good.replacing("\"burst\":60,", with: "")
    #expect(try JSONDocument(text: text).decode(tenant).burst == nil)
  }

  @Test func showsAllErrorsAtOnce() {
    let text = """
      [{"name": "", "weight": 0.0125, "burst": null, "active": "true",
        "lanes": ["a", 7, "longer-than"], "class": "p1"},
       {"nmae": "b", "weight": 99, "burst": 1.0, "active": true, "lanes": [], "class": 3},
       {"name": "root", "weight": 1, "active": null, "lanes": "a", "class": "P0", "zzz": {}}, 5]
      """
    let expected = """
      1:11: $[0].name: the string has 0 bytes; expected a string of 1 to 8 bytes
      1:25: $[0].weight: 0.0125 has more than 3 decimals; expected \
      a number from 0.001 to 10 with at most 3 decimals
      1:42: $[0].burst: expected an integer from 0 to 3600, found null
      1:58: $[0].active: expected true or false, found the string "true"; write it without quotes
      2:18: $[0].lanes[1]: expected a string of 1 to 6 bytes, found the number 7
      2:21: $[0].lanes[2]: the string has 11 bytes; expected a string of 1 to 6 bytes
      2:46: $[0].class: unknown value "p1"; nearest known value is "P1"
      3:2: $[1]: missing key "name"; add it
      3:3: $[1].nmae: unknown key "nmae"; nearest known key is "name"
      3:26: $[1].weight: 99 is out of range; expected \
      a number from 0.001 to 10 with at most 3 decimals
      3:39: $[1].burst: 1.0 is not an integer; expected an integer from 0 to 3600
      3:69: $[1].lanes: the array has 0 elements; expected an array of 1 to 3 elements
      3:82: $[1].class: expected one of "P0", "P1", found the number 3
      4:11: $[2].name: a name may not be "root"
      4:42: $[2].active: expected true or false, found null
      4:57: $[2].lanes: expected an array of 1 to 3 elements, found the string "a"
      4:77: $[2].zzz: unknown key "zzz"; known keys are \
      "name", "weight", "burst", "active", "lanes", "class"
      4:89: $[3]: expected an object, found the number 5
      """
    #expect(errors(text) { try $0.array(max: 10, tenant) } == expected)
  }

  static let integers: [(String, Int64?)] = [
    ("0", 0), ("-0", 0), ("7", 7), ("-7", -7), ("9223372036854775807", .max),
    ("-9223372036854775808", .min), ("9223372036854775808", nil), ("-9223372036854775809", nil),
    ("18446744073709551616", nil), ("99999999999999999999999", nil), ("1.0", nil), ("1e3", nil),
    ("1E0", nil), ("0.5", nil), ("0e0", nil),
  ]

  @Test(arguments: integers) func integer(text: String, expected: Int64?) {
    #expect((try? JSONDocument(text: text).decode { try $0.int64() }) == expected)
  }

  static let thousandths: [(String, Int64?)] = [
    ("0", 0), ("-0.000", 0), ("0.125", 125), ("-0.125", -125), ("1.5", 1500), ("12", 12_000),
    ("0.001", 1), ("0.0001", nil), ("0.1250", nil), ("1e3", nil), ("1.5e1", nil),
    ("9223372036854775.807", .max), ("-9223372036854775.808", .min),
    ("9223372036854775.808", nil), ("-9223372036854775.809", nil), ("9223372036854776", nil),
    ("99999999999999999999", nil),
  ]

  @Test(arguments: thousandths) func milli(text: String, expected: Int64?) {
    #expect((try? JSONDocument(text: text).decode { try $0.milli() }) == expected)
  }

  @Test func numberMessages() {
    func message(_ text: String) -> String { errors(text) { try $0.int64(in: 0...9) } }
    #expect(message("10") == "1:1: $: 10 is out of range; expected an integer from 0 to 9")
    #expect(
      message("99999999999999999999")
        == "1:1: $: 99999999999999999999 is out of range; expected an integer from 0 to 9")
    #expect(
      message("1e3") == "1:1: $: 1e3 has an exponent; expected an integer from 0 to 9, written out")
    #expect(
      message("\"1\"")
        == "1:1: $: expected an integer from 0 to 9, found the string \"1\"; "
        + "write a number without quotes"
    )
    let huge = message(String(repeating: "9", count: 900))
    #expect(huge.utf8.count < 200)
  }

  @Test func unknownKeys() {
    func message(_ text: String) -> String {
      errors(text) { root in
        try root.object { fields in
          let quantum = fields.optionalInt64("quantum")
          let depth = fields.optionalInt64("queue_depth_max")
          return try (quantum.value, depth.value)
        }
      }
    }
    let near = "unknown key \"quantm\"; nearest known key is \"quantum\""
    #expect(message("{\"quantm\":1}") == "1:2: $.quantm: " + near)
    #expect(message("{\"qauntum\":1}").hasSuffix("nearest known key is \"quantum\""))
    #expect(message("{\"QUANTUM\":1}").hasSuffix("nearest known key is \"quantum\""))
    #expect(message("{\"queue-Depth-max\":1}").hasSuffix("known key is \"queue_depth_max\""))
    #expect(message("{\"x\":1}").hasSuffix("known keys are \"quantum\", \"queue_depth_max\""))
    #expect(message("{\"queue_depth_max\":1,\"quantum\":2}") == "")
    let long = String(repeating: "q", count: 4000)
    #expect(message("{\"\(long)\":1}").hasSuffix("known keys are \"quantum\", \"queue_depth_max\""))
    #expect(errors("{\"x\":1}") { try $0.object { _ in } }.hasSuffix("no keys are known here"))
  }

  @Test func takeLeavesEarlyWithoutBlamingOtherKeys() {
    func message(_ text: String) -> String {
      errors(text) { root in
        try root.object { fields in
          let kind = try fields.take(fields.choice("kind", ["a": "a", "b": "b"]))
          return try fields.int64(kind).value
        }
      }
    }
    #expect(message("{\"kind\":\"a\",\"a\":1}") == "")
    #expect(message("{\"kind\":\"a\",\"b\":1}").contains("unknown key \"b\""))
    let expected = "1:9: $.kind: unknown value \"zzz\"; known values are \"a\", \"b\""
    #expect(message("{\"kind\":\"zzz\",\"a\":1}") == expected)
  }

  @Test func ignoreRecordContainsAndMap() throws {
    let text = "{\"a\":{\"x\":1,\"y\":2},\"more\":0}"
    let found = errors(text) { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        let has = fields.contains("a")
        let sum = fields.map("a", max: 2) { key, value in try (key, value.int64()) }
        #expect(has)
        let keys = try sum.value.map(\.0)
        #expect(keys == ["x", "y"])
        fields.record("a", "the sum is 3", hint: "make it 4")
        fields.record("b", "it is needed with a")
      }
    }
    #expect(found == "1:1: $: it is needed with a\n1:6: $.a: the sum is 3; make it 4")
    let tooMany = errors(text) { try $0.map(max: 1) { _, _ in } }
    #expect(tooMany == "1:1: $: the object has 2 members; expected at most 1")
  }

  @Test func optionalForms() throws {
    let read = try JSONDocument(text: "{}").decode { root in
      try root.object { fields in
        let all: [Bool] = [
          try fields.optionalString("a").value == nil, try fields.optionalBool("b").value == nil,
          try fields.optionalMilli("c").value == nil,
          try fields.optionalChoice("d", ["x": 1]).value == nil,
          try fields.optionalObject("e") { _ in 1 }.value == nil,
          try fields.optionalArray("f", max: 1) { _ in 1 }.value == nil,
          try fields.optionalMap("g", max: 1) { _, _ in 1 }.value == nil,
          try fields.optional("h") { _ in 1 }.value == nil,
        ]
        return all
      }
    }
    #expect(read == Array(repeating: true, count: 8))
  }

  @Test func aCaughtErrorStillFailsTheDocument() {
    let found = errors("[1]") { root in (try? root.string()) ?? "fallback" }
    #expect(found == "1:1: $: expected a string, found an array")
  }
}
