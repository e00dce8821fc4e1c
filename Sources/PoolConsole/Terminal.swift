import Glibc

/// What a person looks at: its width, and text that does nothing but show.
public enum Terminal {
  /// Columns of the terminal that standard output is; nil where it is a file, a pipe, or says
  /// nothing.
  public static func width() -> Int? { size().flatMap { $0.ws_col > 0 ? Int($0.ws_col) : nil } }

  /// Lines of the terminal that standard output is; nil where it is a file, a pipe, or says
  /// nothing.
  public static func height() -> Int? { size().flatMap { $0.ws_row > 0 ? Int($0.ws_row) : nil } }

  private static func size() -> winsize? {
    var size = winsize()
    return isatty(1) == 1 && ioctl(1, UInt(TIOCGWINSZ), &size) == 0 ? size : nil
  }

  /// Text with everything escaped that moves the cursor, colours, or hides its order.
  public static func plain(_ text: String) -> String {
    if text.unicodeScalars.allSatisfy(isPlain) { return text }
    return text.unicodeScalars.reduce(into: "") { result, scalar in
      if isPlain(scalar) {
        result.unicodeScalars.append(scalar)
      } else {
        result += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
      }
    }
  }

  static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: false
    default: true
    }
  }
}

/// Text that somebody gave us, fit for a terminal: short, and no control characters.
public func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars.prefix(80) {
    result += Terminal.isPlain(scalar) ? String(scalar) : "?"
  }
  return result + (text.unicodeScalars.count > 80 ? "…\"" : "\"")
}
