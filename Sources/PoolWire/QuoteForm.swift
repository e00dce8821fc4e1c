public import PoolAllocator
internal import StrictJSON

/// A quote as a request asks for it: its name, the claim that is to be priced, and for how long.
public struct QuoteForm: Sendable {
  /// Its name within the claim's tenant.
  public let quote: String
  /// The claim that is to be priced.
  public let claim: ClaimForm
  /// For how long; nil: as long as the policy says.
  public let lasts: Span?

  /// The key of a quote by its tenant and name.
  public static func key(tenant: String, quote: String) -> Key {
    NameTable.key(.quote, NamePath.join(tenant, quote))
  }

  /// The quote's key.
  public var key: Key { Self.key(tenant: claim.tenant, quote: quote) }

  /// Puts the quote's name in a table while the core knows it; the claim's names are compared with
  /// those that have their keys.
  /// - Throws: `NameCollision`; the table is unchanged then.
  public func intern(into names: inout NameTable) throws(NameCollision) {
    try claim.check(against: names)
    try names.intern(.quote, NamePath.join(claim.tenant, quote))
  }
}

extension StreamReader {
  func quote(_ fields: inout JSONFields) throws -> StreamRequest.Operation {
    let quote = fields.name("quote")
    let length = fields.optionalSpan("for_seconds", atLeast: 1)
    let claim = fields.read("claim") { value -> ClaimForm in
      let claim = try ClaimReader(vocabulary: vocabulary).claim(value, timed: false)
      if claim.base.quote != nil {
        throw value.refuse(
          "the claim names a quote, and no quote is given out of another",
          hint: "leave quote out of the claim here, and name it when the claim is submitted")
      }
      return claim
    }
    return .quote(
      QuoteForm(quote: try quote.value, claim: try claim.value, lasts: try length.value))
  }
}

/// How quotes are given, as a policy says it.
extension PolicyReader {
  /// Reads the `quotes` of a policy.
  func quotes(_ value: JSONValue) throws -> QuoteRule {
    try value.object { fields in
      let lasts = fields.span("lasts_seconds", atLeast: 1)
      let longest = fields.span("lasts_max_seconds", atLeast: 1)
      let most = fields.int64("per_tenant_max", in: 1...1_000_000)
      let rule = QuoteRule(
        lasts: try lasts.value, lastsMax: try longest.value, perTenant: UInt32(try most.value))
      if rule.lasts > rule.lastsMax {
        throw value.refuse(
          "quotes last longer than they may at most",
          hint: "lower lasts_seconds, or raise lasts_max_seconds")
      }
      return rule
    }
  }
}
