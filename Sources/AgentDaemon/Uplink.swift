internal import StrictJSON

/// Where an agent's server is.
public struct ServerAddress: Equatable, Sendable {
  /// Scheme, host, port and path, without a slash at the end.
  public let base: String

  /// Reads an address. Without TLS only this machine may be asked: the credential would be read on
  /// the way.
  /// - Throws: with what is wrong with it.
  public init(_ text: String) throws(StateError) {
    var rest = Substring(text)
    let isPlain = text.hasPrefix("http://")
    guard isPlain || text.hasPrefix("https://") else {
      throw StateError("expected an address that begins with https://, or http:// for this machine")
    }
    rest = rest.dropFirst(isPlain ? 7 : 8)
    while rest.hasSuffix("/") { rest = rest.dropLast() }
    let authority = rest.prefix { $0 != "/" }
    let isClean = rest.utf8.allSatisfy { byte in
      (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "?") && byte != UInt8(ascii: "#")
        && byte != UInt8(ascii: "@") && byte != UInt8(ascii: "\\")
    }
    guard isClean, !authority.isEmpty else {
      throw StateError("expected a host, perhaps a port and a path, and nothing else")
    }
    let host = Self.host(authority)
    guard !host.isEmpty else { throw StateError("expected a host before the port") }
    if isPlain, !Self.isLoopback(host) {
      throw StateError(
        "http:// goes to this machine only, as the credential could be read on the way; "
          + "use https://")
    }
    base = (isPlain ? "http://" : "https://") + rest
  }

  private static func host(_ authority: Substring) -> Substring {
    if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
      return authority[authority.index(after: authority.startIndex)..<end]
    }
    return authority.prefix { $0 != ":" }
  }

  private static func isLoopback(_ host: Substring) -> Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127"
      && parts.allSatisfy { !$0.isEmpty && $0.count <= 3 && UInt8($0) != nil }
  }

  /// A path below it; what stands in a name is no part of the path.
  func path(_ words: String...) -> String {
    words.reduce(base) { $0 + "/" + Self.encoded($1) }
  }

  private static func encoded(_ word: String) -> String {
    word.utf8.reduce(into: "") { text, byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        text += "%" + (digits.count < 2 ? "0" : "") + digits
      }
    }
  }
}

/// What is asked of a server, and what it answers; how it gets there is the link's affair.
enum Uplink {
  /// What a request is for.
  enum Purpose: Equatable, Sendable {
    case join
    case renewal
    /// A message, by its start of the agent and its number.
    case message(generation: UInt64, sequence: UInt64)
  }

  /// Largest answer that is read: orders for as many leases as a node has. Unit: bytes.
  static let answerBytesMax = 4 << 20
  /// How long an answer may take; the server holds one for 4 s at most. Unit: seconds.
  static let timeoutSeconds = 15

  /// What came back.
  enum Answer: Equatable, Sendable {
    case said(status: Int, body: [UInt8])
    /// Nothing did; why, in words.
    case failed(String)

    /// What went wrong, in one clause without secrets; nil where nothing did.
    var trouble: String? {
      switch self {
      case .failed(let reason): "it cannot be reached: \(reason)"
      case .said(let status, _) where (200...299).contains(status): nil
      case .said(let status, let body):
        "it answers \(status)\(Uplink.title(of: body).map { " (\($0))" } ?? "")"
      }
    }

    /// Whether the credential is not taken.
    var isRefused: Bool {
      if case .said(401, _) = self { return true }
      if case .said(403, _) = self { return true }
      return false
    }
  }

  /// The first sentence of a problem document.
  private static func title(of body: [UInt8]) -> String? {
    guard let document = try? JSONDocument(Array(body.prefix(65_536))) else { return nil }
    let found = try? document.decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        let detail = fields.optionalString("detail")
        let title = fields.optionalString("title")
        return try detail.value ?? title.value
      }
    }
    return found.flatMap { $0 }.map { text in
      String(
        String.UnicodeScalarView(
          text.unicodeScalars.prefix(200).map { $0.value < 0x20 || $0.value > 0x7E ? "?" : $0 }))
    }
  }

  /// Sends one request. What becomes of it is told later, once.
  protocol Link: Sendable {
    func post(_ url: String, secret: String, body: [UInt8], for purpose: Purpose)
  }
}

/// How long to wait before the next try.
struct Backoff: Sendable {
  /// Unit: nanoseconds.
  static let least: Int64 = 500_000_000
  /// Unit: nanoseconds.
  static let most: Int64 = 5_000_000_000

  private(set) var failures = 0

  mutating func succeeded() { failures = 0 }

  /// Notes a failure. Agents whose server came back must not all come at once.
  /// - Returns: the wait, in nanoseconds.
  mutating func failed(
    using random: inout some RandomNumberGenerator
  ) -> Int64 {
    let ceiling = min(Self.most, Self.least << Int64(min(failures + 1, 8)))
    failures += 1
    return Int64.random(in: Self.least...ceiling, using: &random)
  }
}
