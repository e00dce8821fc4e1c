import PoolAllocator
import StrictJSON
import Testing

@testable import PoolWire

@Suite("Names, amounts, ids")
struct NameTests {
  /// Published vectors of FNV-1a with 128 bits.
  @Test(
    "the hash is FNV-1a",
    arguments: [
      ("", UInt64(0x6c62_272e_07bb_0142), UInt64(0x62b8_2175_6295_c58d)),
      ("a", 0xd228_cb69_6f1a_8caf, 0x7891_2b70_4e4a_8964),
      ("foobar", 0x343e_1662_793c_64bf, 0x6f0d_3597_ba44_6f18),
    ])
  func vectors(text: String, high: UInt64, low: UInt64) {
    var hash = FNV1a()
    hash.add(text)
    #expect(hash.key == Key(high: high, low: low))
  }

  @Test("names go in and come out, and are forgotten with their last holder")
  func table() throws {
    var table = NameTable()
    let key = try table.intern(.tenant, "acme")
    try table.intern(.tenant, "acme")
    #expect(table.name(key) == "acme" && table.count == 1)
    table.release(key)
    #expect(table.name(key) == "acme")
    table.release(key)
    #expect(table.name(key) == nil && table.count == 0)
    #expect(table.text(key).hasPrefix("#"))
    table.release(key)
  }

  @Test("a collision is refused and changes nothing")
  func collision() throws {
    var table = NameTable()
    let key = try table.intern(.tenant, "acme")
    #expect(throws: NameCollision(known: "tenant/acme", refused: "tenant/evil")) {
      try table.intern(.tenant, "evil", key: key)
    }
    #expect(table.name(key) == "acme" && table.count == 1)
    var forged = NameTable()
    try forged.intern(.tenant, "evil", key: key)
    #expect(throws: NameCollision.self) { try forged.check(.tenant, "acme") }
    #expect(throws: NameCollision.self) { try table.merge(forged) }
    #expect(throws: Never.self) { try table.check(.tenant, "acme") }
  }

  @Test("a claim whose names collide with known ones is refused before the core sees it")
  func forgedClaim() throws {
    let document = try Documents.policyDocument()
    let form = try ClaimsDocument(
      JSONDocument(text: Documents.claims), vocabulary: document.vocabulary
    ).claims[0]
    for (kind, name) in [(NameKind.tenant, "acme"), (.service, "chat"), (.action, "plan")] {
      var table = NameTable()
      try table.intern(kind, "other", key: NameTable.key(kind, name))
      #expect(throws: NameCollision.self) { try form.intern(into: &table) }
      #expect(table.count == 1)
    }
    var table = NameTable()
    try form.intern(into: &table)
    form.release(from: &table)
    #expect(table.count == 0)
  }

  @Test(
    "the last part of a path",
    arguments: [("a", "a"), ("a > b", "b"), ("a > b > c", "c"), ("a b", "a b")])
  func last(path: String, name: String) { #expect(NamePath.last(path) == name) }

  @Test(
    "decimals, exactly",
    arguments: [
      ("0", 6, Int64(0)), ("1", 6, 1_000_000), ("0.000001", 6, 1), ("-1.5", 3, -1500),
      ("9223372036854.775807", 6, .max), ("1.5", 0, nil), ("1e3", 3, nil), ("0.0000001", 6, nil),
      ("9223372036854.775808", 6, nil), ("99999999999999999999", 0, nil), ("1.2.3", 3, nil),
      ("", 3, 0), (".5", 3, nil), ("-", 3, 0),
    ] as [(String, Int, Int64?)])
  func scaled(text: String, digits: Int, value: Int64?) {
    #expect(Amounts.scaled(text, digits: digits) == value)
  }

  @Test(
    "amounts as text",
    arguments: [
      (Int64(0), "0"), (1, "0.000001"), (-1_500_000, "-1.5"), (1 << 53, "9007199254.740992"),
      (.min, "-9223372036854.775808"),
    ])
  func text(credits: Int64, text: String) {
    #expect(Amounts.gpuSeconds(credits) == text)
    #expect(Amounts.scaled(text, digits: 6) == credits || credits == .min)
  }

  @Test("seconds are never sooner than true")
  func seconds() {
    #expect(Amounts.seconds(1) == "0.001")
    #expect(Amounts.seconds(1_000_000) == "0.001")
    #expect(Amounts.seconds(.max) == "9223372036.855")
    #expect(Amounts.milli(-5) == "-0.005" && Amounts.milli(12_345) == "12.345")
  }

  @Test("leases and fencing numbers there and back")
  func ids() {
    for (row, generation) in [(UInt32(0), UInt32(1)), (.max, .max), (7, 20)] {
      let id = LeaseID(row: row, generation: generation)
      #expect(LeaseID(wire: id.wire) == id)
    }
    for raw in [UInt64(0), .max, 1 << 40, (1 << 40) - 1] {
      let fencing = Fencing(raw: raw)
      #expect(Fencing(wire: fencing.wire) == fencing)
    }
    for bad in [
      "", "L-", "L-1", "L-01.1", "L-1.1.1", "L--1.1", "L-+1.1", "l-1.1", "L-4294967296.1",
    ] {
      #expect(LeaseID(wire: bad) == nil)
    }
    for bad in ["", "1", "1.", ".1", "16777216.0", "0.1099511627776", "1.1 ", "+1.1", "01.1"] {
      #expect(Fencing(wire: bad) == nil)
    }
  }

  @Test("slips are found, strangers are not")
  func nearest() {
    #expect(NearestName.of("cpu-sharde", among: ["gpu", "cpu-shared"]) == "cpu-shared")
    #expect(NearestName.of("xyz", among: ["cpu-shared"]) == nil)
    #expect(NearestName.hint("q", among: [], called: "lane") == "there is no lane")
    #expect(NearestName.hint("qqqq", among: ["aa"], called: "lane") == "known: \"aa\"")
  }

  @Test("a hint is rounded up, spread, and the same every time")
  func retry() {
    let now = Instant(ns: 5)
    for low in UInt64(0)..<50 {
      let key = Key(high: 0, low: low)
      let hint = RetryHint(Instant(ns: 290_000_000_006), now: now, key: key)
      #expect((291...317).contains(hint.retryAfterSeconds))
      #expect(hint == RetryHint(Instant(ns: 290_000_000_006), now: now, key: key))
    }
    #expect(RetryHint(now, now: now, key: Key(high: 0, low: 9)).retryAfterSeconds == 0)
    #expect(RetryHint(.init(ns: 6), now: now, key: Key(high: 0, low: 9)).retryAfterSeconds == 1)
    let far = RetryHint(.init(ns: .max), now: .origin, key: Key(high: 0, low: .max))
    #expect((9_223_372_037...9_223_372_067).contains(far.retryAfterSeconds))
  }
}
