public import PoolAllocator

/// Figures as people read them, made of integers alone.
public enum FairnessText {
  /// Thousandths as percent with one decimal: 953 is `95.3 %`.
  public static func percent(_ milli: Int64) -> String {
    "\(milli < 0 ? "-" : "")\(milli.magnitude / 10).\(milli.magnitude % 10) %"
  }

  /// Thousandths with two decimals, rounded: 1,254 is `1.25`.
  public static func ratio(_ milli: Int64) -> String {
    let hundredths = (milli.magnitude + 5) / 10
    let rest = hundredths % 100
    return "\(milli < 0 ? "-" : "")\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
  }

  /// Seconds: with one decimal below 100 s, else whole, rounded up, so that a wait that passes a
  /// limit never looks as if it met it; days from ten million seconds on.
  public static func seconds(_ span: Span) -> String {
    let tenths = (max(1, span.ns) - 1) / 100_000_000 + (span.ns > 0 ? 1 : 0)
    guard tenths >= 1_000 else { return "\(tenths / 10).\(tenths % 10)" }
    let whole = (span.ns - 1) / 1_000_000_000 + 1
    return whole < 10_000_000 ? grouped(whole) : "\(grouped((whole - 1) / 86_400 + 1)) d"
  }

  /// An integer with a space between each three digits.
  public static func grouped(_ number: Int64) -> String {
    let digits = Array(String(number.magnitude))
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += " " }
      text.append(digit)
    }
    return text
  }

  /// GPU-hours of GPU-nanoseconds, with one decimal.
  public static func gpuHours(_ work: Int128) -> String {
    let tenths = work / 360_000_000_000
    return "\(grouped(Int64(clamping: tenths / 10))).\(tenths % 10)"
  }

  /// A length of time in its two largest units: `1 d 4 h`, `2 h 30 min`, `40 min`, `12 s`.
  public static func length(_ span: Span) -> String {
    let seconds = span.ns / 1_000_000_000
    let units: [(Int64, String)] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
    let first = units.firstIndex { seconds >= $0.0 } ?? 3
    let text = "\(seconds / units[first].0) \(units[first].1)"
    guard first < 3 else { return text }
    let rest = seconds % units[first].0 / units[first + 1].0
    return rest == 0 ? text : "\(text) \(rest) \(units[first + 1].1)"
  }
}
