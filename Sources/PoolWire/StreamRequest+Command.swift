public import PoolAllocator

extension StreamRequest.Operation {
  /// The one command that it asks for.
  /// - Returns: nil for a look, and for a node's account, which takes two.
  /// - Throws: `NameCollision` where a name in it has the key of another one that is known.
  public func command(
    in pool: borrowing Pool, names: NameTable
  ) throws(NameCollision) -> Command? {
    let now = pool.now
    switch self {
    case .claim(let form): return .submit(form.spec(in: pool, at: now))
    case .quote(let form):
      return .quote(form.key, form.claim.spec(in: pool, at: now), lasts: form.lasts)
    case .started(let lease, let fencing): return .confirmStarted(lease, fencing)
    case .renew(let lease, let fencing): return .renew(lease, fencing)
    case .checkpoint(let lease, let fencing): return .confirmCheckpoint(lease, fencing)
    case .complete(let lease, let fencing, let outcome, _):
      return .release(lease, fencing, outcome)
    case .empty(let lease, let fencing): return .confirmEmpty(lease, fencing)
    case .cancel(let tenant, let claim):
      return .cancel(try Self.claim(tenant, claim, pool, names))
    case .decide(let tenant, let claim, let by, let plan):
      let id = try Self.claim(tenant, claim, pool, names)
      let approver = try Self.key(.principal, by, names)
      guard let plan else { return .deny(id, by: approver) }
      return .approve(id, by: approver, plan: try Self.key(.plan, plan, names))
    case .delegate(let form): return .delegate(form.spec(at: now))
    case .revoke(let tenant, let budget):
      return .revoke(try Self.key(.budget, NamePath.join(tenant, budget), names))
    case .raiseEmergency(let bucket, let by, let other, let length):
      let raise = EmergencyRaise(
        by: try Self.key(.principal, by, names), and: try Self.key(.principal, other, names),
        until: now + length)
      let id = pool.bucket(named: try Self.key(.bucket, bucket, names))
      return .raiseEmergency(id ?? .absent, raise)
    case .tick: return .tick
    case .node(let name, let operation):
      let node = pool.node(named: try Self.key(.node, name, names)) ?? .absent
      return operation.command(on: node, at: now)
    case .restrict(let kind, let name, let restriction):
      let key = try Self.key(StreamRequest.nameKind(kind), name, names)
      return .restrict(kind, key, restriction?.restriction(at: now))
    case .correction(let form): return .signal(.corrected(form.correction))
    case .dependency(let name, let state):
      return .reportDependency(NameTable.key(.dependency, name), state)
    case .measure(let measurement): return .signal(.measured(measurement))
    case .policy(let document): return .activate(document.generation, document.policy)
    case .advertise, .status, .explain: return nil
    }
  }

  /// The key of a name, which is no other one that is known.
  private static func key(
    _ kind: NameKind, _ name: String, _ names: NameTable
  ) throws(NameCollision) -> Key {
    try names.check(kind, name)
    return NameTable.key(kind, name)
  }

  private static func claim(
    _ tenant: String, _ claim: String, _ pool: borrowing Pool, _ names: NameTable
  ) throws(NameCollision) -> ClaimID {
    try names.check(.claim, NamePath.join(tenant, claim))
    return pool.claim(named: ClaimForm.key(tenant: tenant, name: claim)) ?? .absent
  }
}

extension StreamRequest.NodeOperation {
  fileprivate func command(on node: NodeID, at now: Instant) -> Command {
    switch self {
    case .silence: .silence(node)
    case .hear: .hear(node)
    case .cordon: .cordon(node)
    case .uncordon: .uncordon(node)
    case .drain(let grace): .drain(node, deadline: now + grace)
    case .fence: .fence(node)
    }
  }
}

extension ID {
  /// An id that never lives: it gets the core's own answer for an unknown subject.
  fileprivate static var absent: ID { ID(row: .max, generation: 0) }
}
