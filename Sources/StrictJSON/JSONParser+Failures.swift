// What went wrong, in words: the parser only says where it stopped.
extension JSONParser {
  /// A failure at `offset`, or `at`, about the value that would have come next, or `node`.
  func failure(
    _ problem: String, _ hint: String, at place: Int? = nil, node: Int? = nil
  ) -> JSONFailure {
    JSONFailure(offset: place ?? offset, node: node ?? nodes.count, problem, hint: hint)
  }

  func endOfDocument() -> JSONFailure {
    guard let frame = frames.last else {
      return failure("the document ends where a value should be", "")
    }
    return JSONFailure(
      offset: bytes.count, node: frame.node,
      "the document ends inside an \(frame.isArray ? "array" : "object")",
      hint: "it was opened at", related: Int(nodes[frame.node].start))
  }

  func endOfString() -> JSONFailure {
    JSONFailure(
      offset: bytes.count, node: nodes.count, "the document ends inside a string",
      hint: "it was opened at", related: offset)
  }

  func longString() -> JSONFailure {
    failure("the string is too long", "the limit is \(limits.stringBytesMax) UTF-8 bytes")
  }

  func controlCharacter(_ byte: UInt8, at place: Int) -> JSONFailure {
    if byte == ASCII.newline || byte == ASCII.carriageReturn {
      return failure("a string runs over the end of its line", "write \\n, or close it", at: place)
    }
    let hex = JSONText.hex(UInt32(byte))
    return failure(
      "a string contains the control character U+00\(byte < 16 ? "0" : "")\(hex)",
      byte == ASCII.tab ? "write \\t" : "write it as \\u00\(byte < 16 ? "0" : "")\(hex)",
      at: place)
  }

  func loneSurrogate(_ unit: UInt32, at place: Int) -> JSONFailure {
    let isHigh = unit & 0xFC00 == 0xD800
    let hint =
      isHigh ? "a low surrogate \\uDC00 to \\uDFFF must follow" : "a high surrogate must come first"
    return failure("\\u\(JSONText.hex(unit)) is half of a surrogate pair", hint, at: place)
  }

  func notUTF8(_ input: Span<UInt8>, at place: Int) -> JSONFailure {
    let lead = input[place]
    let reason: String
    switch lead {
    case 0x80...0xBF: reason = "a continuation byte without a lead byte"
    case 0xC0, 0xC1: reason = "an overlong form"
    case 0xF5...0xFF: reason = "never part of UTF-8"
    default: reason = brokenSequence(input, at: place, lead)
    }
    return failure(
      "byte 0x\(JSONText.hex(UInt32(lead))) is not UTF-8: \(reason)", "save the file as UTF-8",
      at: place)
  }

  private func brokenSequence(_ input: Span<UInt8>, at place: Int, _ lead: UInt8) -> String {
    guard place + 1 < input.count else { return "the document ends inside a character" }
    let second = input[place + 1]
    if second & 0xC0 == 0x80 {
      switch (lead, second) {
      case (0xE0, 0x80...0x9F), (0xF0, 0x80...0x8F): return "an overlong form"
      case (0xED, 0xA0...0xBF): return "a surrogate"
      case (0xF4, 0x90...0xBF): return "beyond U+10FFFF"
      default: break
      }
    }
    return "the character is cut short"
  }

  func textAfterDocument(_ input: Span<UInt8>) -> JSONFailure {
    if let comment = comment(input) { return comment }
    return failure(
      "\(describe(input, at: offset)) after the end of the document", "remove it", node: 0)
  }

  func noSeparator(_ input: Span<UInt8>, _ frame: Frame) -> JSONFailure {
    if let comment = comment(input) { return comment }
    let what = frame.isArray ? "elements" : "members"
    return failure(
      "expected a comma or \(frame.isArray ? "]" : "}"), found \(describe(input, at: offset))",
      "separate \(what) with commas", node: frame.node)
  }

  func noColon(_ input: Span<UInt8>) -> JSONFailure {
    if let comment = comment(input) { return comment }
    return failure(
      "expected a colon after the key, found \(describe(input, at: offset))",
      "write \"key\": value")
  }

  func notAKey(_ input: Span<UInt8>, _ frame: Frame) -> JSONFailure {
    if let comment = comment(input) { return comment }
    return failure(
      "expected a key, found \(describe(input, at: offset))", "keys are in double quotes",
      node: frame.node)
  }

  func notAValue(_ input: Span<UInt8>) -> JSONFailure {
    if let comment = comment(input) { return comment }
    let word = word(input, at: offset)
    switch word {
    case "": break
    case "NaN", "nan", "Infinity", "inf":
      return failure("\(word) is not a JSON number", "JSON has finite numbers only")
    case _ where word.hasPrefix("+"):
      return failure("a number starts with +", "write it without the sign")
    case _ where word.hasPrefix("."):
      return failure("a number starts with its decimal point", "write 0 before it")
    default:
      return failure(
        "\(JSONText.quoted(word)) is not a value", "write true, false, null or a quoted string")
    }
    let hint: String
    switch input[offset] {
    case 0x27: hint = "strings are in double quotes"
    case ASCII.comma: hint = "a value is missing before the comma"
    case ASCII.closeBrace, ASCII.closeBracket: hint = "a value is missing, or brackets do not match"
    default: hint = "write true, false, null, a number, a string, an array or an object"
    }
    return failure("expected a value, found \(describe(input, at: offset))", hint)
  }

  func notANumber(_ input: Span<UInt8>) -> JSONFailure {
    let word = word(input, at: offset)
    if word.hasPrefix("-I") || word.hasPrefix("-N") || word.hasPrefix("-i") {
      return failure("\(word) is not a JSON number", "JSON has finite numbers only")
    }
    return failure(
      "\(JSONText.quoted(word)) is not a number", "numbers look like -12, 0.125 or 1e3")
  }

  private func comment(_ input: Span<UInt8>) -> JSONFailure? {
    let byte = input[offset]
    guard byte == ASCII.slash || byte == 0x23 else { return nil }
    return failure("JSON has no comments", "remove the comment")
  }

  /// The run of word bytes at `place`, at most 64 of them.
  private func word(_ input: Span<UInt8>, at place: Int) -> String {
    var word = ""
    var place = place
    while place < input.count, word.utf8.count < 64, Self.isWordByte(input[place]) {
      word.unicodeScalars.append(Unicode.Scalar(input[place]))
      place += 1
    }
    return word
  }

  /// One character for a message; a byte that is not UTF-8 by its value.
  func describe(_ input: Span<UInt8>, at place: Int) -> String {
    guard let length = try? scalarLength(input, at: place) else {
      return "byte 0x\(JSONText.hex(UInt32(input[place]))), which is not UTF-8"
    }
    return JSONText.quoted(String(decoding: bytes[place..<place + length], as: UTF8.self))
  }
}
