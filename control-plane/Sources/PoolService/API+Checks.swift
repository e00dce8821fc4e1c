import HTTPTypes
import PoolAllocator
import PoolIdentity
import PoolLoop
import PoolViews
import PoolWire

/// Who may ask what, of what there is.
extension API {
  /// Whether somebody may ask this: of its own tenant, and a workload of its own work.
  /// - Parameter name: that of the request. One that was answered may be asked again when what it
  ///   is about is gone.
  /// - Returns: the claim that a decision is about: it is about no other one of that name.
  @discardableResult
  func check(
    _ operation: StreamRequest.Operation, _ name: RequestName?, by identity: Identity
  ) async throws -> ClaimID? {
    guard case .decide(let tenant, let claim, _, _) = operation else {
      try await checkOwn(operation, name, by: identity)
      return nil
    }
    guard identity.mayAct(for: tenant) else { throw Problem.unknown }
    let key = ClaimForm.key(tenant: tenant, name: claim)
    guard let asked = try await engine.askers(of: key) else {
      guard try engine.remembers(name) else { throw Problem.unknown }
      return nil
    }
    // The name that a claim gives is whatever its asker writes: nobody decides on what they asked
    // for, in whosever name, or had asked for by whoever acts in theirs.
    guard !asked.names.contains(identity.name) else {
      throw Problem(
        .conflict, "approver_involved",
        "nobody decides on what they asked for; ask another of the approvers of its service")
    }
    return asked.claim
  }

  private func checkOwn(
    _ operation: StreamRequest.Operation, _ name: RequestName?, by identity: Identity
  ) async throws {
    guard identity.role != .operator else { return }
    let isOwn: Bool
    switch operation {
    case .claim(let form): return try await check([form], by: identity)
    case .quote(let form): return try await check([form.claim], by: identity)
    case .explain(.document(let form)): return try await check([form], by: identity)
    case .revoke(let tenant, _): isOwn = identity.mayAct(for: tenant)
    case .delegate(let form): isOwn = identity.mayAct(for: form.tenant)
    case .cancel(let tenant, let claim):
      let key = ClaimForm.key(tenant: tenant, name: claim)
      let isTheirs = try await engine.look { scene in
        let id = scene.pool.claim(named: key)
        return identity.asked(for: id.flatMap { scene.claims[$0] }, in: scene)
      }
      isOwn = identity.mayAct(for: tenant) && (identity.role != .workload || isTheirs)
    case .renew(let lease, _), .checkpoint(let lease, _), .complete(let lease, _, _, _):
      isOwn = try await engine.look { scene in
        let form = scene.holders[lease]
        guard identity.role == .workload else {
          return form.map { identity.mayAct(for: $0.tenant) } ?? false
        }
        return identity.asked(for: form, in: scene)
      }
    default: throw Problem.forbidden
    }
    guard try isOwn || engine.remembers(name) else { throw Problem.unknown }
  }

  /// Whether somebody may ask for these claims.
  func check(_ forms: [ClaimForm], by identity: Identity) async throws {
    for form in forms {
      guard identity.mayAct(for: form.tenant) else { throw Problem.forbidden }
      guard identity.role != .workload || form.principal == identity.name else {
        throw Problem.forbidden(
          because: "a workload asks in its own name: principal has to be \"\(identity.name)\"")
      }
    }
    guard let scope = identity.scope else { return }
    let (excess, suspended) = try await engine.look { scene in
      // Whoever hands on stays under what is laid on them.
      let suspended = scope.onBehalfOf.first {
        scene.pool.isSuspended(principal: NameTable.key(.principal, $0))
      }
      return (forms.lazy.compactMap { scope.excess(of: $0, in: scene) }.first, suspended)
    }
    if let suspended {
      throw Problem.forbidden(because: "\(suspended), in whose name the token is, is suspended")
    }
    if let excess { throw Problem.forbidden(because: "the token does not reach so far: \(excess)") }
  }
}

extension Identity {
  /// Whether a workload asked for a claim itself, and within what its chain allows now.
  fileprivate func asked(for form: ClaimForm?, in scene: Scene) -> Bool {
    guard let form, mayAct(for: form.tenant), form.principal == name else { return false }
    return scope.map { $0.pays(for: form, in: scene) } ?? true
  }
}
