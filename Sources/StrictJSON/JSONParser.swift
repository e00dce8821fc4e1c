/// Reads a document onto a tape in one pass, iteratively: nesting costs heap, not stack.
///
/// Syntax errors end the reading; duplicate keys are collected, since reading can go on.
struct JSONParser {
  /// An open array or object.
  struct Frame {
    var node: Int
    var count: Int
    var isArray: Bool
  }

  let bytes: [UInt8]
  let limits: JSONLimits
  var nodes: [JSONNode] = []
  var unescaped: [UInt8] = []
  var frames: [Frame] = []
  var offset = 0
  var duplicates: [JSONFailure] = []
  var keyOrder: [KeyMark] = []

  private init(_ bytes: [UInt8], _ limits: JSONLimits) {
    limits.checkInvariants()
    self.bytes = bytes
    self.limits = limits
    nodes.reserveCapacity(min(bytes.count, limits.documentBytesMax) / 12 + 8)
    frames.reserveCapacity(limits.depthMax)
  }

  /// The tape of a valid document.
  ///
  /// - Complexity: O(n) plus O(k log k) key comparisons for an object of k members.
  static func parse(_ bytes: [UInt8], _ limits: JSONLimits) throws(JSONErrors) -> JSONTape {
    var parser = JSONParser(bytes, limits)
    var failures: [JSONFailure] = []
    do {
      try parser.document(bytes.span)
    } catch {
      failures.append(error)
    }
    failures.append(contentsOf: parser.duplicates)
    let tape = JSONTape(
      bytes: bytes, nodes: parser.nodes, unescaped: parser.unescaped, limits: limits)
    guard failures.isEmpty else {
      throw JSONErrors(
        tape.resolve(failures), isTruncated: parser.duplicates.count >= limits.errorsMax)
    }
    return tape
  }

  private mutating func document(_ input: Span<UInt8>) throws(JSONFailure) {
    guard input.count <= limits.documentBytesMax else {
      throw failure(
        "the document has \(input.count) bytes", "the limit is \(limits.documentBytesMax)")
    }
    if input.count >= 3, input[0] == 0xEF, input[1] == 0xBB, input[2] == 0xBF {
      throw failure("the document starts with a byte order mark", "save it as UTF-8 without BOM")
    }
    skipSpace(input)
    guard offset < input.count else {
      throw failure("the document is empty", "it must hold one JSON value")
    }
    try value(input)
    while let frame = frames.last {
      if frame.isArray {
        try nextElement(input, frame)
      } else {
        try nextMember(input, frame)
      }
    }
    skipSpace(input)
    guard offset == input.count else { throw textAfterDocument(input) }
  }

  @inline(__always)
  mutating func skipSpace(_ input: Span<UInt8>) {
    var place = offset
    while place < input.count {
      let byte = input[place]
      guard byte <= ASCII.space else { break }
      guard
        byte == ASCII.space || byte == ASCII.newline || byte == ASCII.tab
          || byte == ASCII.carriageReturn
      else { break }
      place &+= 1
    }
    offset = place
  }

  /// Reads the value at `offset`; an array or object is only opened.
  private mutating func value(_ input: Span<UInt8>) throws(JSONFailure) {
    guard offset < input.count else { throw endOfDocument() }
    switch input[offset] {
    case ASCII.quote: try string(input)
    case ASCII.minus, ASCII.zero...ASCII.nine: try number(input)
    case ASCII.openBrace: try open(.object)
    case ASCII.openBracket: try open(.array)
    case 0x74: try word(input, "true", .yes)
    case 0x66: try word(input, "false", .no)
    case 0x6E: try word(input, "null", .null)
    default: throw notAValue(input)
    }
  }

  private mutating func word(
    _ input: Span<UInt8>, _ text: StaticString, _ kind: JSONNode.Kind
  ) throws(JSONFailure) {
    let count = text.utf8CodeUnitCount
    guard input.count - offset >= count, matches(input, text) else { throw notAValue(input) }
    let end = offset + count
    if end < input.count, Self.isWordByte(input[end]) { throw notAValue(input) }
    nodes.append(JSONNode(kind, start: offset))
    offset = end
  }

  private func matches(_ input: Span<UInt8>, _ text: StaticString) -> Bool {
    var place = offset
    for byte in text.description.utf8 {
      if input[place] != byte { return false }
      place += 1
    }
    return true
  }

  private mutating func open(_ kind: JSONNode.Kind) throws(JSONFailure) {
    guard frames.count < limits.depthMax else {
      throw failure(
        "arrays and objects are nested deeper than \(limits.depthMax)", "flatten the document")
    }
    frames.append(Frame(node: nodes.count, count: 0, isArray: kind == .array))
    nodes.append(JSONNode(kind, start: offset))
    offset += 1
  }

  private mutating func close(_ frame: Frame) {
    nodes[frame.node].end = UInt32(truncatingIfNeeded: frame.count)
    nodes[frame.node].link = UInt32(truncatingIfNeeded: nodes.count)
    frames.removeLast()
    offset += 1
  }

  private mutating func nextElement(
    _ input: Span<UInt8>, _ frame: Frame
  ) throws(JSONFailure) {
    skipSpace(input)
    guard offset < input.count else { throw endOfDocument() }
    let byte = input[offset]
    if byte == ASCII.closeBracket { return close(frame) }
    if frame.count > 0 {
      guard byte == ASCII.comma else { throw noSeparator(input, frame) }
      try comma(input, closing: ASCII.closeBracket)
    }
    guard frame.count < limits.arrayElementsMax else {
      throw failure(
        "the array has more than \(limits.arrayElementsMax) elements", "split it",
        node: frame.node)
    }
    frames[frames.count - 1].count = frame.count + 1
    try value(input)
  }

  private mutating func nextMember(
    _ input: Span<UInt8>, _ frame: Frame
  ) throws(JSONFailure) {
    skipSpace(input)
    guard offset < input.count else { throw endOfDocument() }
    let byte = input[offset]
    if byte == ASCII.closeBrace {
      close(frame)
      return checkKeys(of: frame)
    }
    if frame.count > 0 {
      guard byte == ASCII.comma else { throw noSeparator(input, frame) }
      try comma(input, closing: ASCII.closeBrace)
    }
    guard frame.count < limits.objectMembersMax else {
      throw failure(
        "the object has more than \(limits.objectMembersMax) members", "split it",
        node: frame.node)
    }
    guard offset < input.count else { throw endOfDocument() }
    guard input[offset] == ASCII.quote else { throw notAKey(input, frame) }
    frames[frames.count - 1].count = frame.count + 1
    try string(input)
    skipSpace(input)
    guard offset < input.count else { throw endOfDocument() }
    guard input[offset] == ASCII.colon else { throw noColon(input) }
    offset += 1
    skipSpace(input)
    try value(input)
  }

  /// Steps over a comma and the space after it; a closing bracket there is an error.
  @inline(__always)
  private mutating func comma(_ input: Span<UInt8>, closing: UInt8) throws(JSONFailure) {
    let place = offset
    offset += 1
    skipSpace(input)
    if offset < input.count, input[offset] == closing {
      throw failure(
        "a comma comes before the closing \(closing == ASCII.closeBrace ? "}" : "]")",
        "remove the comma", at: place)
    }
  }
}
