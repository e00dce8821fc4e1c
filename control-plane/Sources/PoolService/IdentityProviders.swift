import Foundation
import PoolIdentity
public import PoolStore
import PoolWire
import StrictJSON

/// The identity providers whose tokens are taken, and what their claims make of whoever has one.
public struct IdentityProviders: Sendable {
  private let providers: [Provider]

  /// Reads a document of kind `identity_providers`, and the keys that it names.
  /// - Throws: `StoreError` where they are not as they have to be.
  public init(file: String) async throws(StoreError) {
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
    var read: [Provider] = []
    for form in try Self.forms(file) {
      let keys =
        form.keys.hasPrefix("/") ? form.keys : folder.appendingPathComponent(form.keys).path
      read.append(Provider(form: form, keys: try await ProviderKeys(keys)))
    }
    providers = read
  }

  private static func forms(_ file: String) throws(StoreError) -> [ProviderForm] {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw StoreError(
        .unavailable, "\(file) cannot be read", remedy: "name another file: --identity-providers")
    }
    do throws(JSONErrors) {
      return try JSONDocument(Array(data)).decode { root in
        try root.object { fields in
          let version = fields.int64("schema_version", in: 1...1)
          let kind = fields.choice("kind", ["identity_providers": true])
          let list = fields.array("providers", max: 100) { try ProviderForm($0) }
          _ = try (version.value, kind.value)
          return try list.value
        }
      }
    } catch {
      throw StoreError(.unavailable, error.formatted(file: file), remedy: "change the document")
    }
  }

  /// For how long the keys of each provider cannot be read, by its issuer; 0 where they can. Unit:
  /// seconds.
  func unread(at now: Int64) async -> [(issuer: String, seconds: Int64)] {
    var found: [(issuer: String, seconds: Int64)] = []
    for one in providers { found.append((one.form.issuer, await one.keys.unread(at: now))) }
    return found
  }

  /// Whoever has a token.
  /// - Throws: `Problem` where it does not hold, or says of nobody what they may.
  func caller(of text: String, at now: Int64) async throws -> Caller {
    let token = try ProviderToken(text)
    guard let provider = providers.first(where: { $0.form.isFor(token) }) else {
      throw Problem.unauthenticated(
        because: "the token is of no issuer that is known here, or for another audience")
    }
    return try await provider.caller(of: token, at: now)
  }
}

/// One provider as the document has it.
private struct ProviderForm: Sendable {
  /// What a claim makes of whoever has it.
  struct Rule: Sendable {
    var claim: String
    var value: String
    var role: Role
    var tenant: String?
  }

  var issuer: String
  var audience: String
  /// The file of its keys.
  var keys: String
  /// The claim that names the principal.
  var principal: String
  /// The first that holds counts; where none does nobody may anything.
  var rules: [Rule]

  /// Whether a token says that it is of this provider, and for this server.
  func isFor(_ token: ProviderToken) -> Bool {
    issuer.isExactly(token.issuer) && token.audiences.contains { audience.isExactly($0) }
  }
}

extension ProviderForm {
  /// Reads it.
  init(_ value: JSONValue) throws {
    self = try value.object { fields in
      let issuer = fields.string("issuer", 1...1_024)
      let audience = fields.string("audience", 1...1_024)
      let keys = fields.string("jwks_file", 1...1_024)
      let principal = fields.optionalString("principal_claim", 1...128)
      let rules = fields.array("rules", max: 1_000) { try Self.rule($0) }
      return ProviderForm(
        issuer: try issuer.value, audience: try audience.value, keys: try keys.value,
        principal: try principal.value ?? "sub", rules: try rules.value)
    }
  }

  private static func rule(_ value: JSONValue) throws -> Rule {
    try value.object { fields in
      let claim = fields.string("claim", 1...128)
      let wanted = fields.string("value", 1...1_024)
      let holder = RoleFields(&fields)
      let (role, tenant) = try holder.value(of: value)
      return Rule(claim: try claim.value, value: try wanted.value, role: role, tenant: tenant)
    }
  }
}

/// A provider with its keys.
private struct Provider: Sendable {
  /// Longest life of a token. Unit: seconds.
  private static func longest(_ role: Role) -> Int64 { role == .workload ? 3_600 : 86_400 }

  let form: ProviderForm
  let keys: ProviderKeys

  /// Whoever has a token that says that it is of this provider.
  func caller(of token: ProviderToken, at now: Int64) async throws -> Caller {
    try await keys.verify(token, at: now)
    let times = token.times
    guard times.expires > now else {
      throw Problem.unauthenticated(because: "the token has expired")
    }
    guard times.notBefore ?? now <= now else {
      throw Problem.unauthenticated(because: "the token does not hold yet")
    }
    let names = token.strings(of: form.principal)
    guard let name = names.first, names.count == 1, NameTable.isName(name),
      !Identity.isReserved(name)
    else {
      throw Problem.unauthenticated(
        because: "the claim \(form.principal) of the token names no principal")
    }
    let rule = form.rules.first { rule in
      token.strings(of: rule.claim).contains { rule.value.isExactly($0) }
    }
    guard let rule else {
      throw Problem.forbidden(because: "no rule of the provider is for a token with these claims")
    }
    let most = Self.longest(rule.role)
    guard times.expires - min(times.issued, now) <= most else {
      throw Problem.unauthenticated(
        because: "the token holds too long: \(rule.role.rawValue), \(most) seconds at most")
    }
    return Caller(identity: Identity(name, rule.role, of: rule.tenant), expires: times.expires)
  }
}
