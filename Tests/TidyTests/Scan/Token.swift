/// One word, number or punctuation mark of Swift code outside comments and strings.
struct Token: Equatable {
  enum Kind { case word, number, mark }
  let kind: Kind
  /// The text; a word in backticks comes without them.
  let text: String
  /// 1-based line.
  let line: Int
  /// True when no space stands between this token and the one before.
  let touchesPrevious: Bool

  func isWord(_ words: String...) -> Bool { kind == .word && words.contains(text) }
  func isMark(_ mark: String) -> Bool { kind == .mark && text == mark }
}

/// Splits masked code into tokens; every punctuation byte is a token of its own.
struct Tokenizer {
  private let bytes: [UInt8]
  private var position = 0
  private var line = 1
  private var end = -1
  private var tokens: [Token] = []

  static func tokens(of mask: CodeMask) -> [Token] {
    var tokenizer = Tokenizer(bytes: mask.bytes)
    return tokenizer.run()
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func run() -> [Token] {
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\n") {
        line += 1
        position += 1
      } else if byte <= UInt8(ascii: " ") {
        position += 1
      } else if Self.isDigit(byte) {
        takeNumber()
      } else if Self.isWordByte(byte) {
        take(.word) { Self.isWordByte($0) }
      } else if byte == UInt8(ascii: "`") {
        position += 1
        take(.word) { $0 != UInt8(ascii: "`") && $0 != UInt8(ascii: "\n") }
        position += 1
        end = position
      } else {
        append(.mark, from: position, to: position + 1)
      }
    }
    return tokens
  }

  /// Takes `1`, `1_000`, `0xff` and `1.5e3`, but only the `0` of `pair.0.1`.
  private mutating func takeNumber() {
    let start = position
    var stop = position
    while stop < bytes.count, Self.isWordByte(bytes[stop]) { stop += 1 }
    let isTupleIndex = tokens.last?.isMark(".") == true
    let hasFraction =
      stop + 1 < bytes.count && bytes[stop] == UInt8(ascii: ".") && Self.isDigit(bytes[stop + 1])
    if hasFraction && !isTupleIndex {
      stop += 1
      while stop < bytes.count, Self.isWordByte(bytes[stop]) { stop += 1 }
    }
    append(.number, from: start, to: stop)
  }

  private mutating func take(_ kind: Token.Kind, while condition: (UInt8) -> Bool) {
    let start = position
    var stop = position
    while stop < bytes.count, condition(bytes[stop]) { stop += 1 }
    append(kind, from: start, to: stop)
  }

  private mutating func append(_ kind: Token.Kind, from start: Int, to stop: Int) {
    let text = String(decoding: bytes[start..<stop], as: UTF8.self)
    tokens.append(Token(kind: kind, text: text, line: line, touchesPrevious: end == start))
    position = stop
    end = stop
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
      || (byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z"))
      || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$") || byte >= 0x80
  }
}
