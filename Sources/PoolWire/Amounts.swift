package import PoolAllocator
public import StrictJSON

/// Exact conversions between the units of documents and those of the core.
public enum Amounts {
  /// Credits of one GPU-second.
  public static let creditsPerGPUSecond: Int64 = 1_000_000
  /// Bytes of one GiB.
  public static let bytesPerGiB: Int64 = 1 << 30
  /// Nanoseconds of one thousandth of a second.
  public static let nanosecondsPerMilli: Int64 = 1_000_000
  /// Longest span that a document may name, in thousandths of a second.
  static let spanMaxMilli = Limits.spanMax.ns / nanosecondsPerMilli

  /// A decimal text as an integer number of its 10^-`digits`; nil where it has more decimals, an
  /// exponent, or passes 64 bits.
  public static func scaled(_ text: String, digits: Int) -> Int64? {
    var value = Int128(0)
    var decimals: Int?
    var isNegative = false
    for (index, byte) in text.utf8.enumerated() {
      switch byte {
      case UInt8(ascii: "-") where index == 0: isNegative = true
      case UInt8(ascii: ".") where decimals == nil && index > 0: decimals = 0
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        decimals = decimals.map { $0 + 1 }
        value = value * 10 + Int128(byte - UInt8(ascii: "0"))
        if value > Int128(Int64.max) { return nil }
      default: return nil
      }
    }
    guard decimals ?? 0 <= digits else { return nil }
    for _ in (decimals ?? 0)..<digits { value *= 10 }
    return Int64(exactly: isNegative ? -value : value)
  }

  /// An integer number of 10^-`digits` as a decimal text without trailing zeros.
  public static func text(_ value: Int64, digits: Int) -> String {
    text(Int128(value), digits: digits)
  }

  /// As `text` for 64 bits.
  public static func text(_ value: Int128, digits: Int) -> String {
    var unit = UInt128(1)
    for _ in 0..<digits { unit *= 10 }
    let (whole, rest) = value.magnitude.quotientAndRemainder(dividingBy: unit)
    let sign = value < 0 ? "-" : ""
    guard rest > 0 else { return sign + String(whole) }
    var fraction = String(rest)
    fraction = String(repeating: "0", count: digits - fraction.count) + fraction
    while fraction.last == "0" { fraction.removeLast() }
    return "\(sign)\(whole).\(fraction)"
  }

  /// Credits as GPU-seconds, exact.
  public static func gpuSeconds(_ credits: Int64) -> String { text(credits, digits: 6) }

  /// Thousandths with three decimals.
  public static func milli(_ value: Int64) -> String {
    let (whole, rest) = value.magnitude.quotientAndRemainder(dividingBy: 1000)
    let fraction = String(rest)
    let zeros = String(repeating: "0", count: 3 - fraction.count)
    return "\(value < 0 ? "-" : "")\(whole).\(zeros)\(fraction)"
  }

  /// Bytes as GiB, rounded down to three decimals.
  public static func gibibytes(_ bytes: Int64) -> String {
    text(Int128(bytes) * 1000 / Int128(bytesPerGiB), digits: 3)
  }

  /// Nanoseconds as seconds, rounded up to thousandths: never sooner than true.
  public static func seconds(_ ns: Int64) -> String {
    text((Int128(ns) + 999_999) / 1_000_000, digits: 3)
  }
}

extension JSONValue {
  /// Reads a name: 1 to 128 ASCII letters, digits and `. _ - : / @ + =`.
  ///
  /// Names are printed to terminals and joined by spaces, so nothing else is let in.
  public func name() throws(JSONAbandoned) -> String {
    let text = try string(1...128)
    guard NameTable.isName(text) else {
      throw refuse("the name has a character that names may not have", hint: Self.nameRule)
    }
    return text
  }

  static let nameRule = "use 1 to 128 letters, digits and . _ - : / @ + ="

  /// Reads a span of seconds with up to three decimals.
  package func span(atLeast least: Int64 = 0) throws(JSONAbandoned) -> Span {
    Span(ns: try milli(in: least...Amounts.spanMaxMilli) * Amounts.nanosecondsPerMilli)
  }

  /// Reads a span of seconds, or "unlimited", which is nil.
  func spanOrUnlimited() throws(JSONAbandoned) -> Span? {
    if kind == .string { return try choice(["unlimited": nil]) }
    return try span(atLeast: 1)
  }

  /// Reads GPU-seconds with up to six decimals as credits, exactly.
  func credits() throws(JSONAbandoned) -> Credits {
    let most = Credits.limit
    guard kind == .number, let written = numberText else {
      // The reader of thousandths says what is expected.
      return Credits(try milli(in: 0...most / 1000) * 1000)
    }
    guard let value = Amounts.scaled(written, digits: 6), value >= 0, value <= most else {
      throw refuse(
        "\(written.prefix(40)) is no amount of GPU-seconds",
        hint: "expected a number from 0 to \(Amounts.gpuSeconds(most)) with at most 6 decimals")
    }
    return Credits(value)
  }
}

extension JSONFields {
  /// Refuses a member that stands there.
  package mutating func fail(
    _ key: String, _ problem: String, hint: String
  ) throws(JSONAbandoned) -> Never {
    let refused = read(key) { (value) throws -> Never in throw value.refuse(problem, hint: hint) }
    try refused.value
  }

  /// A required name.
  package mutating func name(_ key: String) -> JSONField<String> {
    read(key) { value in try value.name() }
  }

  /// A name, or nil when absent.
  package mutating func optionalName(_ key: String) -> JSONField<String?> {
    optional(key) { value in try value.name() }
  }

  /// A required span of seconds.
  package mutating func span(_ key: String, atLeast least: Int64 = 0) -> JSONField<Span> {
    read(key) { value in try value.span(atLeast: least) }
  }

  /// A span of seconds, or nil when absent.
  package mutating func optionalSpan(_ key: String, atLeast least: Int64 = 0) -> JSONField<Span?> {
    optional(key) { value in try value.span(atLeast: least) }
  }

  /// A span of seconds, or "unlimited", which is nil; nil when absent.
  mutating func optionalSpanOrUnlimited(_ key: String) -> JSONField<Span??> {
    optional(key) { value in try value.spanOrUnlimited() }
  }

  /// GPU-seconds as credits, or nil when absent.
  mutating func optionalCredits(_ key: String) -> JSONField<Credits?> {
    optional(key) { value in try value.credits() }
  }

  /// Memory as `PREFIX_gib` or `PREFIX_bytes`; nil when neither stands there.
  package mutating func optionalMemory(
    _ prefix: String, atLeast least: Int64 = 0
  ) -> Result<Bytes?, JSONAbandoned> {
    let gib = optional("\(prefix)_gib") { value -> Bytes in
      let most = Limits.memoryMax.value / Amounts.bytesPerGiB * 1000
      let milli = try value.milli(in: min(least, 1)...most)
      // Thousandths of a GiB are no whole bytes: what is left over is cut.
      return Bytes(Int64(Int128(milli) * Int128(Amounts.bytesPerGiB) / 1000))
    }
    let bytes = optionalInt64("\(prefix)_bytes", in: least...Limits.memoryMax.value)
    if contains("\(prefix)_gib"), contains("\(prefix)_bytes") {
      return Result { () throws(JSONAbandoned) -> Bytes? in
        try fail(
          "\(prefix)_bytes", "both \(prefix)_gib and \(prefix)_bytes are given",
          hint: "keep one of them")
      }
    }
    return Result { () throws(JSONAbandoned) -> Bytes? in
      if let memory = try gib.value { return memory }
      return try bytes.value.map { Bytes($0) }
    }
  }

  /// Memory as `PREFIX_gib` or `PREFIX_bytes`, one of which must stand there.
  package mutating func memory(
    _ prefix: String, atLeast least: Int64 = 0, in object: JSONValue
  ) -> Result<Bytes, JSONAbandoned> {
    optionalMemory(prefix, atLeast: least).flatMap { memory in
      if let memory { return .success(memory) }
      return .failure(
        object.refuse(
          "missing key \"\(prefix)_gib\"", hint: "add \(prefix)_gib or \(prefix)_bytes"))
    }
  }

  /// The document's head: `schema_version` and `kind`. A document of another kind is one error, not
  /// one for each of its keys.
  package mutating func head(_ kind: String) throws(JSONAbandoned) -> JSONField<Int64> {
    let version = int64("schema_version", in: 1...1)
    let word = string("kind", 1...64)
    if let found = try? word.value, found != kind {
      let isOther = read("kind") { (value) throws -> Void in
        throw value.refuse("this document is of another kind", hint: "expected \"\(kind)\"")
      }
      try take(isOther)
    }
    return version
  }
}
