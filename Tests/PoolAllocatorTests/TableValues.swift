import Foundation

@testable import PoolAllocator

/// What is wrong with the text of a table.
struct TableError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Values as tables write them, and back: names, durations, credits, memory, cores.
enum TableValue {
  // MARK: names

  /// A name of at most 16 ASCII characters is its own key, so that a key can be printed again.
  static func key(_ name: some StringProtocol) throws -> Key {
    let bytes = Array(name.utf8)
    guard !bytes.isEmpty, bytes.count <= 16 else { throw TableError("name too long: \(name)") }
    var halves: [UInt64] = [0, 0]
    for (index, byte) in bytes.enumerated() {
      halves[index / 8] |= UInt64(byte) << UInt64(56 - index % 8 * 8)
    }
    return Key(high: halves[0], low: halves[1])
  }

  static func name(_ key: Key) -> String {
    let bytes = [key.high, key.low].flatMap { half in
      (0..<8).map { UInt8(truncatingIfNeeded: half >> UInt64(56 - $0 * 8)) }
    }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  // MARK: numbers

  private static let spanUnits: [(suffix: String, ns: Int64)] = [
    ("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
  ]

  /// `90s`, `1h30m`, `1.5s`, `10s-1ns`.
  static func ns(_ text: some StringProtocol) throws -> Int64 {
    var total: Int64 = 0
    var sign: Int64 = 1
    var rest = Substring(text)
    guard !rest.isEmpty else { throw TableError("empty duration") }
    while let first = rest.first {
      if first == "+" || first == "-" {
        sign = first == "-" ? -1 : 1
        rest = rest.dropFirst()
      }
      let digits = rest.prefix { $0.isNumber || $0 == "." }
      rest = rest.dropFirst(digits.count)
      guard let unit = spanUnits.first(where: { rest.hasPrefix($0.suffix) }) else {
        throw TableError("duration without a unit: \(text)")
      }
      rest = rest.dropFirst(unit.suffix.count)
      total += sign * (try scaled(digits, by: unit.ns))
    }
    return total
  }

  static func span(_ text: some StringProtocol) throws -> Span { Span(ns: try ns(text)) }

  /// Exact decimal times a scale; what the scale cannot hold is an error.
  static func scaled(_ text: some StringProtocol, by scale: Int64) throws -> Int64 {
    let isNegative = text.hasPrefix("-")
    let parts = text.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = Int64(parts[0]) else {
      throw TableError("not a number: \(text)")
    }
    var value = whole * scale
    if parts.count == 2 {
      guard let digits = Int64(parts[1]) else { throw TableError("not a number: \(text)") }
      let power = (0..<parts[1].count).reduce(Int64(1)) { product, _ in product * 10 }
      guard scale % power == 0 || digits * scale % power == 0 else {
        throw TableError("too many decimals: \(text)")
      }
      value += scale % power == 0 ? digits * (scale / power) : digits * scale / power
    }
    return isNegative ? -value : value
  }

  /// Credits in weighted GPU-seconds, exact to a millionth.
  static func credits(_ text: some StringProtocol) throws -> Credits {
    Credits(try scaled(text, by: 1_000_000))
  }

  static func milli(_ text: some StringProtocol) throws -> Int32 {
    Int32(clamping: try scaled(text, by: 1000))
  }

  static func bytes(_ text: some StringProtocol) throws -> Bytes {
    let units: [(String, Int64)] = [
      ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1),
    ]
    for (suffix, scale) in units where text.hasSuffix(suffix) {
      return Bytes(try scaled(text.dropLast(suffix.count), by: scale))
    }
    throw TableError("memory without a unit: \(text)")
  }

  static func int<Number: FixedWidthInteger>(_ text: some StringProtocol) throws -> Number {
    guard let number = Number(String(text)) else { throw TableError("not a number: \(text)") }
    return number
  }

  static func rank(_ text: some StringProtocol) throws -> ServiceClass {
    guard text.first == "p", let rank = UInt8(text.dropFirst()),
      let serviceClass = ServiceClass(rank: rank)
    else { throw TableError("not a class: \(text)") }
    return serviceClass
  }

  static func proximity(_ text: some StringProtocol) throws -> Proximity {
    guard let proximity = Proximity.allCases.first(where: { "\($0)" == text }) else {
      throw TableError("not a proximity: \(text)")
    }
    return proximity
  }

  /// `all`, `none` or `p0,p2`.
  static func classes(_ text: some StringProtocol) throws -> ClassSet {
    if text == "all" { return .all }
    if text == "none" { return ClassSet(bits: 0) }
    return ClassSet(
      bits: try text.split(separator: ",").reduce(0) { $0 | 1 << (try rank($1).rank) })
  }

  /// `0-3,6`; a plain number is a count.
  static func indices(_ text: some StringProtocol) throws -> [Int] {
    if let count = Int(String(text)) { return Array(0..<count) }
    return try text.split(separator: ",").flatMap { part -> [Int] in
      let ends = try part.split(separator: "-").map { part -> Int in try int(part) }
      return Array(ends[0]...ends[ends.count - 1])
    }
  }

  // MARK: printing

  /// A decimal without trailing zeros.
  static func decimal(_ value: Int64, scale: Int64) -> String {
    let magnitude = value.magnitude
    let whole = magnitude / UInt64(scale)
    let rest = magnitude % UInt64(scale)
    var text = "\(value < 0 ? "-" : "")\(whole)"
    guard rest > 0 else { return text }
    let digits = String(String(UInt64(scale) + rest).dropFirst())
    text += "." + digits
    while text.last == "0" { text.removeLast() }
    return text
  }

  static func text(ns: Int64) -> String {
    ns == .max ? "never" : decimal(ns, scale: 1_000_000_000) + "s"
  }
  static func text(_ moment: Instant) -> String { text(ns: moment.ns) }
  static func text(_ credits: Credits) -> String { decimal(credits.value, scale: 1_000_000) }
  static func text(_ fencing: Fencing) -> String { "\(fencing.epoch).\(fencing.sequence)" }
}
