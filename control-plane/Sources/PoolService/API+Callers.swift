import HTTPTypes
import Hummingbird
import PoolIdentity

/// Somebody who asks, and until when they are known.
struct Caller: Sendable {
  let identity: Identity
  /// When what they showed ends, in seconds since 1970; nil: it does not.
  let expires: Int64?
  /// Who made their credential; nil: nobody who is known.
  var issuer: String?

  /// Sees that somebody decides with a credential that was not made by whom it is to control.
  func checkIndependence(of principal: String?) throws(Problem) {
    guard let issuer, issuer == principal else { return }
    throw Problem(
      .conflict, "approver_involved",
      "\(issuer), who asked for it, made your credential; ask an operator with one of elsewhere")
  }
}

/// Who asks: by a credential of ours, a chain, the token of an identity provider, or as a user of
/// this machine.
extension API {
  /// Who asks, if that is one of some roles, and a chain of theirs allows it.
  /// - Parameter action: what is to be done; nil: what no chain allows.
  /// - Throws: `Problem` where nobody known is, or may not.
  func caller(
    _ request: Request, _ context: Context, _ roles: Set<Role>, to action: Mandate.Action? = nil
  ) async throws -> Caller {
    let caller = try await caller(request, context)
    context.asker.identity = caller.identity
    guard roles.contains(caller.identity.role) else { throw Problem.forbidden }
    guard let scope = caller.identity.scope else { return caller }
    guard let action else {
      throw Problem.forbidden(because: "a delegation token does not serve for this")
    }
    guard scope.actions.contains(action) else {
      throw Problem(
        .forbidden, "right_missing", "the token has no right to \(action.rawValue)")
    }
    return caller
  }

  /// The identity of who asks, as `caller` has it.
  func identity(
    _ request: Request, _ context: Context, _ roles: Set<Role>, to action: Mandate.Action? = nil
  ) async throws -> Identity {
    try await caller(request, context, roles, to: action).identity
  }

  private func caller(_ request: Request, _ context: Context) async throws -> Caller {
    if request.headers[.authorization] == nil, let peers {
      guard let user = await context.peer, let identity = peers.identity(of: user) else {
        throw Problem.unauthenticated
      }
      return Caller(identity: identity, expires: nil)
    }
    let text = Self.credential(of: request)
    if text.hasPrefix(Chain.prefix) { return try await holder(of: text) }
    if let providers, ProviderToken.isOne(text) {
      return try await providers.caller(of: text, at: SystemClock.utc)
    }
    guard let caller = credentials.caller(of: text) else { throw Problem.unauthenticated }
    return caller
  }

  /// The credential of a request; empty where there is none.
  static func credential(of request: Request) -> String {
    let scheme = "bearer "
    guard let value = request.headers[.authorization],
      value.prefix(scheme.count).lowercased() == scheme
    else { return "" }
    return String(value.dropFirst(scheme.count))
  }

  /// Whoever holds a chain, as long as the pool has its budgets.
  private func holder(of text: String) async throws -> Caller {
    let mandate: Mandate
    do throws(ChainError) {
      mandate = try Chain(text: text).verified(
        root: authority.key, audience: authority.audience, now: SystemClock.utc)
    } catch {
      throw Problem.unauthenticated(because: error.description)
    }
    if let why = try await engine.look({ mandate.closure(in: $0) }) {
      throw Problem.unauthenticated(because: why)
    }
    return Caller(identity: Identity(mandate), expires: mandate.expires)
  }
}
