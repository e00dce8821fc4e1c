/// Writes JSON: members in the order given, no state to forget to close.
///
///     var writer = JSONWriter(.pretty)
///     writer.object { writer in
///       writer.string("name", "acme")
///       writer.milli("weight", 1500)
///       writer.array("lanes") { writer in writer.string("shared") }
///     }
///     output = writer.bytes
///
/// Keys are not checked for repetition; the reader refuses what a writer repeats.
public struct JSONWriter: Sendable {
  /// How the output is laid out.
  public enum Style: Sendable, Equatable {
    /// No space at all.
    case compact
    /// Two spaces a level, one member or element a line.
    case pretty
  }

  /// An open array or object; the bottom one stands for the document.
  private enum Frame {
    case document, array, object, member
  }

  /// What was written, after what was there.
  public internal(set) var bytes: [UInt8]
  private let style: Style
  private var frames: [Frame] = [.document]
  private var isFirst = true

  /// Starts a document at the end of `bytes`.
  public init(_ style: Style = .compact, appendingTo bytes: consuming [UInt8] = []) {
    self.style = style
    self.bytes = bytes
  }

  /// What was written as text.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Starts the next document in the same bytes, after a newline (JSON lines).
  ///
  /// - Precondition: one document has been written.
  public mutating func nextDocument() {
    precondition(frames.count == 1 && !isFirst, "the document is not complete")
    bytes.append(ASCII.newline)
    isFirst = true
  }

  /// Writes an object; `body` writes its members.
  ///
  /// - Precondition: as for every value: one in a document, a key before it in an object.
  public mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
    try container(.object, ASCII.openBrace, ASCII.closeBrace, body)
  }

  /// Writes an array; `body` writes its elements.
  public mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
    try container(.array, ASCII.openBracket, ASCII.closeBracket, body)
  }

  /// Writes a member's key; its value must follow.
  ///
  /// - Precondition: an object is open and every earlier key has its value.
  public mutating func key(_ name: String) {
    precondition(frames.last == .object, "a key outside an object, or two keys in a row")
    separate()
    quote(name)
    bytes.append(ASCII.colon)
    if style == .pretty { bytes.append(ASCII.space) }
    frames.append(.member)
  }

  /// Writes a value that is already JSON, one token.
  mutating func token(_ text: some Sequence<UInt8>) {
    beginValue()
    bytes.append(contentsOf: text)
  }

  /// Writes a string with its quotes as a value.
  mutating func quotedToken(_ text: some Collection<UInt8>) {
    beginValue()
    quote(text)
  }

  private mutating func quote(_ text: String) {
    quote(text.utf8)
  }

  private mutating func container(
    _ frame: Frame, _ open: UInt8, _ close: UInt8,
    _ body: (inout JSONWriter) throws -> Void
  ) rethrows {
    beginValue()
    bytes.append(open)
    frames.append(frame)
    isFirst = true
    let level = frames.count
    try body(&self)
    precondition(frames.count == level, "the last key has no value")
    let isEmpty = isFirst
    frames.removeLast()
    isFirst = false
    if !isEmpty { newline() }
    bytes.append(close)
  }

  mutating func beginValue() {
    switch frames.last {
    case .member:
      frames.removeLast()
    case .array:
      separate()
    default:
      precondition(frames.count == 1 && isFirst, "a value without a key, or a second document")
      isFirst = false
    }
  }

  private mutating func separate() {
    if !isFirst { bytes.append(ASCII.comma) }
    isFirst = false
    newline()
  }

  private mutating func newline() {
    guard style == .pretty else { return }
    bytes.append(ASCII.newline)
    for _ in 1..<frames.count {
      bytes.append(ASCII.space)
      bytes.append(ASCII.space)
    }
  }

  private mutating func quote(_ text: some Collection<UInt8>) {
    bytes.append(ASCII.quote)
    if text.contains(where: Self.needsEscape) {
      for byte in text { escape(byte) }
    } else {
      bytes.append(contentsOf: text)
    }
    bytes.append(ASCII.quote)
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < ASCII.space || byte == ASCII.quote || byte == ASCII.backslash
  }

  private mutating func escape(_ byte: UInt8) {
    guard Self.needsEscape(byte) else { return bytes.append(byte) }
    bytes.append(ASCII.backslash)
    switch byte {
    case 0x08: bytes.append(0x62)
    case ASCII.tab: bytes.append(0x74)
    case ASCII.newline: bytes.append(0x6E)
    case 0x0C: bytes.append(0x66)
    case ASCII.carriageReturn: bytes.append(0x72)
    case ASCII.quote, ASCII.backslash: bytes.append(byte)
    default:
      let low = byte & 0x0F
      bytes.append(contentsOf: [0x75, ASCII.zero, ASCII.zero, ASCII.zero + byte >> 4])
      bytes.append(low < 10 ? ASCII.zero + low : 0x61 + low - 10)
    }
  }
}
