/// Swift source with every comment and string replaced by spaces, byte for byte.
///
/// Offsets and line breaks stay where they were, so a finding in the mask has the line of the
/// source. Code inside an interpolation stays code. Bare regex literals (`/a/`) are not
/// understood; write `#/a/#` instead.
struct CodeMask {
  /// The masked bytes, as many as the source has.
  private(set) var bytes: [UInt8]
  private let source: [UInt8]
  private var position = 0
  private var contexts: [Context] = [.code(parentheses: 0)]

  private enum Context {
    /// Code; for an interpolation the count of parentheses that it opened itself.
    case code(parentheses: Int)
    /// A string or an extended regex literal, ended by its delimiter.
    case literal(end: [UInt8], hashes: Int, isMultiline: Bool)
  }

  init(_ text: String) {
    source = Array(text.utf8)
    bytes = source
    while position < source.count {
      switch contexts[contexts.count - 1] {
      case .code(let parentheses): stepInCode(parentheses: parentheses)
      case .literal(let end, let hashes, let isMultiline):
        stepInLiteral(end: end, hashes: hashes, isMultiline: isMultiline)
      }
    }
  }

  private mutating func stepInCode(parentheses: Int) {
    if starts(with: "//") {
      blankLineComment()
    } else if starts(with: "/*") {
      blankBlockComment()
    } else if !openLiteral() {
      let isInterpolation = contexts.count > 1
      if isInterpolation && source[position] == UInt8(ascii: "(") {
        contexts[contexts.count - 1] = .code(parentheses: parentheses + 1)
      } else if isInterpolation && source[position] == UInt8(ascii: ")") {
        if parentheses == 0 {
          contexts.removeLast()
          blank(1)
          return
        }
        contexts[contexts.count - 1] = .code(parentheses: parentheses - 1)
      }
      position += 1
    }
  }

  /// Enters a literal that begins here; false when none does.
  private mutating func openLiteral() -> Bool {
    var hashes = 0
    while position + hashes < source.count, source[position + hashes] == UInt8(ascii: "#") {
      hashes += 1
    }
    guard position + hashes < source.count else { return false }
    let opener = source[position + hashes]
    let guardBytes = Array(repeating: UInt8(ascii: "#"), count: hashes)
    if opener == UInt8(ascii: "\"") {
      let isMultiline = starts(with: "\"\"\"", at: position + hashes)
      let quotes = Array(repeating: opener, count: isMultiline ? 3 : 1)
      contexts.append(.literal(end: quotes + guardBytes, hashes: hashes, isMultiline: isMultiline))
      blank(hashes + quotes.count)
      return true
    }
    if opener == UInt8(ascii: "/") && hashes > 0 {
      contexts.append(.literal(end: [opener] + guardBytes, hashes: hashes, isMultiline: true))
      blank(hashes + 1)
      return true
    }
    return false
  }

  private mutating func stepInLiteral(end: [UInt8], hashes: Int, isMultiline: Bool) {
    let isRegex = end[0] == UInt8(ascii: "/")
    if starts(with: end) {
      contexts.removeLast()
      blank(end.count)
    } else if source[position] == UInt8(ascii: "\\") && isRegex {
      blank(2)
    } else if source[position] == UInt8(ascii: "\\") && hasHashes(hashes, at: position + 1) {
      let escaped = position + 1 + hashes
      let isInterpolation = escaped < source.count && source[escaped] == UInt8(ascii: "(")
      blank(2 + hashes)
      if isInterpolation { contexts.append(.code(parentheses: 0)) }
    } else if source[position] == UInt8(ascii: "\n") && !isMultiline {
      contexts.removeLast()  // An unterminated string: the compiler will complain, not we.
      position += 1
    } else {
      blank(1)
    }
  }

  private mutating func blankLineComment() {
    while position < source.count, source[position] != UInt8(ascii: "\n") { blank(1) }
  }

  private mutating func blankBlockComment() {
    var depth = 0
    repeat {
      if starts(with: "/*") {
        depth += 1
        blank(2)
      } else if starts(with: "*/") {
        depth -= 1
        blank(2)
      } else {
        blank(1)
      }
    } while depth > 0 && position < source.count
  }

  private mutating func blank(_ count: Int) {
    for _ in 0..<count where position < source.count {
      if source[position] != UInt8(ascii: "\n") { bytes[position] = UInt8(ascii: " ") }
      position += 1
    }
  }

  private func hasHashes(_ count: Int, at start: Int) -> Bool {
    guard start + count <= source.count else { return false }
    return source[start..<start + count].allSatisfy { $0 == UInt8(ascii: "#") }
  }

  private func starts(with text: StaticString, at start: Int? = nil) -> Bool {
    let start = start ?? position
    guard start + text.utf8CodeUnitCount <= source.count else { return false }
    return text.withUTF8Buffer { wanted in
      for index in 0..<wanted.count where source[start + index] != wanted[index] { return false }
      return true
    }
  }

  private func starts(with wanted: [UInt8]) -> Bool {
    guard position + wanted.count <= source.count else { return false }
    for index in 0..<wanted.count where source[position + index] != wanted[index] { return false }
    return true
  }
}
