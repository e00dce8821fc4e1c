import Glibc
import PoolConsole

/// A line on standard error that says what goes on; nothing where that is no terminal.
enum ProgressLine {
  static func show(_ text: String) {
    if isatty(2) == 1 { Console.note("\r\u{1B}[K\(text)") }
  }

  static func clear() {
    if isatty(2) == 1 { Console.note("\r\u{1B}[K") }
  }
}
