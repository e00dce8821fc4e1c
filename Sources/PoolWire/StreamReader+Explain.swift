internal import PoolAllocator
internal import StrictJSON

/// Which claim is to be explained.
extension StreamReader {
  private enum Claim {
    case name(String)
    case form(ClaimForm)
  }

  /// A live claim by `tenant` and `claim`, as in `cancel`; or `claim` is a whole claim, as in the
  /// op `claim`, that is not submitted.
  func explainTarget(_ fields: inout JSONFields) throws -> StreamRequest.ExplainTarget {
    let tenant = fields.optionalName("tenant")
    let claim = fields.read("claim") { value -> Claim in
      if value.kind == .object {
        return .form(try ClaimReader(vocabulary: vocabulary).claim(value, timed: false))
      }
      guard value.kind == .string else {
        throw value.refuse(
          "a claim is a name or an object", hint: "name a live claim, or give a whole one")
      }
      return .name(try value.name())
    }
    switch try claim.value {
    case .form(let form):
      if try tenant.value != nil {
        try fields.fail(
          "tenant", "the claim says itself whose it is", hint: "leave tenant to its document")
      }
      return .document(form)
    case .name(let name):
      guard let owner = try tenant.value else {
        try fields.fail(
          "claim", "a live claim is named by its tenant and name",
          hint: "add tenant, or give the whole claim")
      }
      return .live(tenant: owner, claim: name)
    }
  }
}
