import PoolIdentity
import StrictJSON

/// The token of an identity provider (RFC 7519), read and not yet believed: whoever uses what it
/// says has seen its signature before.
struct ProviderToken {
  /// Longest text. Unit: bytes.
  private static let bytesMax = 8_192
  /// The last second that a time of a token may name: the year 9999.
  private static let secondsMax: Int64 = 253_402_300_799

  /// When it ends, when it was made, and from when on it holds. Unit: seconds since 1970.
  struct Times {
    var expires: Int64
    var issued: Int64
    var notBefore: Int64?
  }

  /// The whole of it.
  let text: String
  /// How it says that it was signed.
  let algorithm: String
  /// The key that it says it was signed with.
  let key: String?
  /// Who says that it made it.
  let issuer: String
  /// For whom it is.
  let audiences: [String]
  /// When it holds.
  let times: Times
  private let claims: JSONDocument

  /// Whether a text has the form of such a token, and no other one of ours.
  static func isOne(_ text: String) -> Bool {
    !text.hasPrefix("pool_") && text.utf8.count(where: { $0 == UInt8(ascii: ".") }) == 2
  }

  /// Reads a token.
  /// - Throws: `Problem` where it is none.
  init(_ text: String) throws(Problem) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard text.utf8.count <= Self.bytesMax, parts.count == 3,
      let head = Base64URL.bytes(parts[0].utf8), let body = Base64URL.bytes(parts[1].utf8)
    else { throw .unauthenticated(because: "the token is none") }
    self.text = text
    do throws(JSONErrors) {
      claims = try JSONDocument(body)
      (algorithm, key) = try JSONDocument(head).decode { try Self.head($0) }
      (issuer, audiences, times) = try claims.decode { try Self.claims($0) }
    } catch {
      throw .unauthenticated(because: "the token is in error: \(error.description)")
    }
  }

  private static func head(_ root: JSONValue) throws -> (String, String?) {
    try root.object { fields in
      fields.ignoreUnknownKeys()
      let algorithm = fields.string("alg", 1...16)
      let key = fields.optionalString("kid", 1...1_024)
      if fields.contains("crit") { fields.record("crit", "no extension is known here") }
      return (try algorithm.value, try key.value)
    }
  }

  private static func claims(_ root: JSONValue) throws -> (String, [String], Times) {
    try root.object { fields in
      fields.ignoreUnknownKeys()
      let issuer = fields.string("iss", 1...1_024)
      let audiences = fields.read("aud") { try strings($0) }
      let expires = fields.int64("exp", in: 0...secondsMax)
      let issued = fields.int64("iat", in: 0...secondsMax)
      let notBefore = fields.optionalInt64("nbf", in: 0...secondsMax)
      let times = Times(
        expires: try expires.value, issued: try issued.value, notBefore: try notBefore.value)
      return (try issuer.value, try audiences.value, times)
    }
  }

  /// The strings of a claim of the token: itself where it is one, or those of a list.
  func strings(of claim: String) -> [String] {
    let found = try? claims.decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        return try fields.optional(claim) { try Self.strings($0) }.value
      }
    }
    return found ?? []
  }

  private static func strings(_ value: JSONValue) throws -> [String] {
    switch value.kind {
    case .string: return [try value.string()]
    case .array:
      let found = try value.array(max: 1_000) { one -> String? in
        try one.kind == .string ? one.string() : nil
      }
      return found.compactMap { $0 }
    default: return []
    }
  }
}

extension String {
  /// Whether it is the same text byte for byte: for `==`, an accent may be written in two ways.
  func isExactly(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
