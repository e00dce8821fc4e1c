import Glibc

/// A line on standard error that says what goes on; nothing where that is no terminal.
public enum ProgressLine {
  /// Width of a bar. Unit: characters.
  private static let bar = 30

  /// Shows a text in the place of the one before.
  public static func show(_ text: String) {
    if isatty(2) == 1 { Console.note("\r\u{1B}[K\(text)") }
  }

  /// Shows a text with a bar behind it.
  /// - Parameter milli: what is done. Unit: thousandths.
  public static func show(_ text: String, milli: Int) {
    let full = max(0, min(1_000, milli)) * bar / 1_000
    let line = String(repeating: "█", count: full) + String(repeating: "░", count: bar - full)
    show("\(text) \(line) \(milli / 10) %")
  }

  /// Takes the line away.
  public static func clear() {
    if isatty(2) == 1 { Console.note("\r\u{1B}[K") }
  }
}
