extension JSONParser {
  /// Reads the string or key at `offset` (its opening quote) and appends its node.
  mutating func string(_ input: Span<UInt8>) throws(JSONFailure) {
    let start = offset + 1
    var place = start
    while true {
      place = Self.plainEnd(input, place)
      guard place < input.count else { throw endOfString() }
      let byte = input[place]
      if byte == ASCII.quote { break }
      if byte == ASCII.backslash { return try escapedString(input, from: start, at: place) }
      if byte < ASCII.space { throw controlCharacter(byte, at: place) }
      place += try scalarLength(input, at: place)
    }
    guard place - start <= limits.stringBytesMax else { throw longString() }
    nodes.append(JSONNode(.plain, start: start, end: place))
    offset = place + 1
  }

  /// First place from `place` on that is not a printable ASCII character of a string.
  @inline(__always)
  private static func plainEnd(_ input: Span<UInt8>, _ place: Int) -> Int {
    var place = place
    while place < input.count {
      let byte = input[place]
      // One comparison refuses both control characters and everything beyond ASCII.
      guard byte &- 0x20 < 0x60, byte != ASCII.quote, byte != ASCII.backslash else { break }
      place &+= 1
    }
    return place
  }

  /// The rest of a string from its first backslash; the text goes to `unescaped`.
  private mutating func escapedString(
    _ input: Span<UInt8>, from start: Int, at first: Int
  ) throws(JSONFailure) {
    let textStart = unescaped.count
    unescaped.append(contentsOf: bytes[start..<first])
    var place = first
    while true {
      let runStart = place
      place = Self.plainEnd(input, place)
      if place > runStart { unescaped.append(contentsOf: bytes[runStart..<place]) }
      guard place < input.count else { throw endOfString() }
      let byte = input[place]
      if byte == ASCII.quote { break }
      if byte == ASCII.backslash {
        place = try escape(input, at: place)
      } else if byte < ASCII.space {
        throw controlCharacter(byte, at: place)
      } else {
        let length = try scalarLength(input, at: place)
        unescaped.append(contentsOf: bytes[place..<place + length])
        place += length
      }
    }
    guard unescaped.count - textStart <= limits.stringBytesMax else { throw longString() }
    nodes.append(JSONNode(.escaped, start: start, end: unescaped.count, link: textStart))
    offset = place + 1
  }

  /// Resolves the escape at `place`; returns the place after it.
  private mutating func escape(
    _ input: Span<UInt8>, at place: Int
  ) throws(JSONFailure) -> Int {
    guard place + 1 < input.count else { throw endOfString() }
    let byte = input[place + 1]
    switch byte {
    case ASCII.quote, ASCII.backslash, ASCII.slash: unescaped.append(byte)
    case 0x62: unescaped.append(0x08)
    case 0x66: unescaped.append(0x0C)
    case 0x6E: unescaped.append(ASCII.newline)
    case 0x72: unescaped.append(ASCII.carriageReturn)
    case 0x74: unescaped.append(ASCII.tab)
    case 0x75: return try unicodeEscape(input, at: place)
    default:
      throw failure(
        "\(describe(input, at: place + 1)) cannot follow a backslash",
        "escapes are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX", at: place)
    }
    return place + 2
  }

  private mutating func unicodeEscape(
    _ input: Span<UInt8>, at place: Int
  ) throws(JSONFailure) -> Int {
    let unit = try hexUnit(input, at: place)
    if unit & 0xFC00 == 0xDC00 { throw loneSurrogate(unit, at: place) }
    guard unit & 0xFC00 == 0xD800 else {
      append(unit)
      return place + 6
    }
    let second = place + 6
    guard
      second + 1 < input.count, input[second] == ASCII.backslash, input[second + 1] == 0x75
    else { throw loneSurrogate(unit, at: place) }
    let low = try hexUnit(input, at: second)
    guard low & 0xFC00 == 0xDC00 else { throw loneSurrogate(unit, at: place) }
    append(0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF))
    return place + 12
  }

  /// The value of `\uXXXX` at `place`.
  private func hexUnit(_ input: Span<UInt8>, at place: Int) throws(JSONFailure) -> UInt32 {
    var unit: UInt32 = 0
    for index in place + 2..<place + 6 {
      guard index < input.count else { throw endOfString() }
      let byte = input[index]
      let digit: UInt8
      switch byte {
      case ASCII.zero...ASCII.nine: digit = byte - ASCII.zero
      case 0x41...0x46: digit = byte - 0x41 + 10
      case 0x61...0x66: digit = byte - 0x61 + 10
      default: throw failure("\\u needs four hexadecimal digits", "as in \\u00e9", at: place)
      }
      unit = unit << 4 | UInt32(digit)
    }
    return unit
  }

  private mutating func append(_ scalar: UInt32) {
    switch scalar {
    case 0..<0x80:
      unescaped.append(UInt8(scalar))
    case 0x80..<0x800:
      unescaped.append(UInt8(0xC0 | scalar >> 6))
      unescaped.append(UInt8(0x80 | scalar & 0x3F))
    case 0x800..<0x10000:
      unescaped.append(UInt8(0xE0 | scalar >> 12))
      unescaped.append(UInt8(0x80 | scalar >> 6 & 0x3F))
      unescaped.append(UInt8(0x80 | scalar & 0x3F))
    default:
      unescaped.append(UInt8(0xF0 | scalar >> 18))
      unescaped.append(UInt8(0x80 | scalar >> 12 & 0x3F))
      unescaped.append(UInt8(0x80 | scalar >> 6 & 0x3F))
      unescaped.append(UInt8(0x80 | scalar & 0x3F))
    }
  }

  /// Length of the well-formed multi-byte scalar at `place` (Unicode table 3-7).
  func scalarLength(_ input: Span<UInt8>, at place: Int) throws(JSONFailure) -> Int {
    let lead = input[place]
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0..<0x80: return 1
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF:
      length = 3
      if lead == 0xE0 { second = 0xA0...0xBF }
      if lead == 0xED { second = 0x80...0x9F }
    case 0xF0...0xF4:
      length = 4
      if lead == 0xF0 { second = 0x90...0xBF }
      if lead == 0xF4 { second = 0x80...0x8F }
    default: throw notUTF8(input, at: place)
    }
    guard place + length <= input.count, second.contains(input[place + 1]) else {
      throw notUTF8(input, at: place)
    }
    for index in place + 2..<place + length where input[index] & 0xC0 != 0x80 {
      throw notUTF8(input, at: place)
    }
    return length
  }
}
