/// Text of a document made fit for a message: quoted, escaped and short, whatever was sent to us.
enum JSONText {
  /// Longest quoted text in a message, in Unicode scalars.
  static let quotedScalarsMax = 48

  /// `"text"` with control, formatting and other invisible characters escaped.
  static func quoted(_ text: String) -> String {
    "\"" + visible(text) + "\""
  }

  /// `.name` for a plain name, else `["na me"]`.
  static func pathStep(_ key: String) -> String {
    let isPlain = key.utf8.allSatisfy { byte in
      switch byte {
      case ASCII.zero...ASCII.nine, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D: true
      default: false
      }
    }
    let isName = isPlain && !key.isEmpty && key.utf8.count <= quotedScalarsMax
    return isName ? "." + key : "[" + quoted(key) + "]"
  }

  /// `a, b, c`, at most `max` of them, then how many more.
  static func list(_ names: [String], max: Int = 20) -> String {
    var text = ""
    for name in names.prefix(max) {
      if !text.isEmpty { text += ", " }
      text += quoted(name)
    }
    return names.count > max ? text + " and \(names.count - max) more" : text
  }

  /// A number as written, shortened in the middle of nowhere when it is absurdly long.
  static func number(_ text: ArraySlice<UInt8>) -> String {
    visible(String(decoding: text, as: UTF8.self))
  }

  private static func visible(_ text: String) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
      if count == quotedScalarsMax { return result + "…" }
      count += 1
      switch scalar {
      case "\"", "\\": result += "\\" + String(scalar)
      case _ where isInvisible(scalar): result += "\\u{" + hex(scalar.value) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
    default: false
    }
  }

  /// Upper-case hexadecimal without a prefix.
  static func hex(_ value: UInt32) -> String {
    String(value, radix: 16, uppercase: true)
  }
}

/// The bytes that JSON gives a meaning to.
enum ASCII {
  static let tab: UInt8 = 0x09
  static let newline: UInt8 = 0x0A
  static let carriageReturn: UInt8 = 0x0D
  static let space: UInt8 = 0x20
  static let quote: UInt8 = 0x22
  static let plus: UInt8 = 0x2B
  static let comma: UInt8 = 0x2C
  static let minus: UInt8 = 0x2D
  static let dot: UInt8 = 0x2E
  static let slash: UInt8 = 0x2F
  static let zero: UInt8 = 0x30
  static let nine: UInt8 = 0x39
  static let colon: UInt8 = 0x3A
  static let openBracket: UInt8 = 0x5B
  static let backslash: UInt8 = 0x5C
  static let closeBracket: UInt8 = 0x5D
  static let openBrace: UInt8 = 0x7B
  static let closeBrace: UInt8 = 0x7D

  static func isDigit(_ byte: UInt8) -> Bool {
    byte &- zero <= 9
  }

  static func isLetter(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 0x61 <= 25
  }
}
