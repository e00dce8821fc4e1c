import HTTPTypes
import PoolAllocator
import PoolLoop
import PoolViews
import PoolWire

/// Who may ask what, of what there is.
extension API {
  /// Whether somebody may ask this: of its own tenant, and a workload of its own work.
  /// - Parameter name: that of the request. One that was answered may be asked again when what it
  ///   is about is gone.
  func check(
    _ operation: StreamRequest.Operation, _ name: RequestName?, by identity: Identity
  ) async throws {
    if case .decide(let tenant, let claim, _, _) = operation {
      guard identity.mayAct(for: tenant) else { throw Problem.unknown }
      return try await checkApproval(of: ClaimForm.key(tenant: tenant, name: claim), by: identity)
    }
    guard identity.role != .operator else { return }
    let isOwn: Bool
    switch operation {
    case .claim(let form): return try check(form, by: identity)
    case .quote(let form): return try check(form.claim, by: identity)
    case .explain(.document(let form)): return try check(form, by: identity)
    case .revoke(let tenant, _): isOwn = identity.mayAct(for: tenant)
    case .delegate(let form): isOwn = identity.mayAct(for: form.tenant)
    case .cancel(let tenant, let claim):
      let key = ClaimForm.key(tenant: tenant, name: claim)
      let asker = try await engine.look { scene in
        scene.pool.claim(named: key).flatMap { scene.claims[$0]?.principal }
      }
      isOwn =
        identity.mayAct(for: tenant)
        && (identity.role != .workload || asker == identity.name)
    case .renew(let lease, _), .checkpoint(let lease, _), .complete(let lease, _, _, _):
      let holder = try await engine.look { scene in
        scene.holders[lease].map { (tenant: $0.tenant, principal: $0.principal) }
      }
      isOwn =
        holder.map {
          identity.mayAct(for: $0.tenant)
            && (identity.role != .workload || $0.principal == identity.name)
        } ?? false
    default: throw Problem.forbidden
    }
    guard try isOwn || engine.remembers(name) else { throw Problem.unknown }
  }

  /// The name that a claim gives is whatever its asker writes: nobody decides on what they asked
  /// for, in whosever name.
  private func checkApproval(of claim: Key, by identity: Identity) async throws {
    guard try await engine.asker(of: claim) == identity.name else { return }
    throw Problem(
      .conflict, "approver_involved",
      "nobody decides on what they asked for; ask another of the approvers of its service")
  }

  func check(_ form: ClaimForm, by identity: Identity) throws(Problem) {
    guard identity.mayAct(for: form.tenant) else { throw .forbidden }
    guard identity.role != .workload || form.principal == identity.name else {
      throw Problem(
        .forbidden, "not_authorised",
        "a workload asks in its own name: principal has to be \"\(identity.name)\"")
    }
  }
}
