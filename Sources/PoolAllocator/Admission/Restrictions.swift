/// Measures against one identity: they act on it alone and end by themselves.
extension Pool {
  /// The row of an identity that lives or is restricted.
  func identity(_ kind: IdentityKind, _ key: Key) -> Identity? {
    keys.identities.row(for: Identity.indexKey(kind, key)).map { identities[row: $0] }
  }

  /// What restrictions say of a claim.
  func restrictions(on spec: ClaimSpec, serviceClass: ServiceClass) -> [Reason] {
    guard !queue.identityTimers.isEmpty(0) else { return [] }
    var reasons: [Reason] = []
    let named: [4 of (IdentityKind, Key)] = [
      (.tenant, spec.tenant), (.application, spec.application), (.workflow, spec.workflow),
      (.principal, spec.principal),
    ]
    for index in named.indices {
      let (kind, key) = named[index]
      guard let identity = identity(kind, key), let restriction = identity.restriction,
        restriction.until > now
      else { continue }
      let live = kind == .tenant ? tenant(named: key).map { tenants[$0].live } ?? 0 : identity.live
      switch restriction.measure {
      case .suspend:
        reasons.append(
          Reason(.identitySuspended, .identity(kind), clearsAt: restriction.until))
      case .throttle(let most) where live >= most:
        reasons.append(
          Reason(
            .identityThrottled, .identity(kind), have: Int64(live), need: Int64(most),
            clearsAt: restriction.until))
      case .ceiling(let ceiling) where serviceClass < ceiling:
        reasons.append(
          Reason(
            .classNotAllowed, .identity(kind), have: Int64(ceiling.rank),
            need: Int64(serviceClass.rank), clearsAt: restriction.until))
      case .throttle, .ceiling: break
      }
    }
    return reasons
  }

  /// Puts a restriction in force, replaces it, or lifts it.
  mutating func restrict(
    _ kind: IdentityKind, _ key: Key, _ restriction: Restriction?, _ log: inout EventLog
  ) -> Decision {
    if kind == .tenant, tenant(named: key) == nil {
      return refuse(Reason(.unknownSubject, .identity(kind)), &log)
    }
    if let restriction {
      guard restriction.until > now, restriction.until < .farFuture else {
        return refuse(Reason(.wrongState), &log)
      }
      guard identity(kind, key) != nil || identities.hasRoom else {
        let full = Reason(
          .tableFull, have: Int64(identities.count), need: Int64(identities.limit))
        return refuse(full, &log)
      }
    } else if identity(kind, key)?.restriction == nil {
      return refuse(Reason(.unknownSubject, .identity(kind)), &log)
    }
    log.restrictions.append(RestrictionFact(kind: kind, key: key, restriction: restriction))
    step(.identityRestricted(fact: UInt32(log.restrictions.count - 1)), &log)
    return done()
  }

  /// Folds a restriction.
  mutating func evolveRestriction(_ fact: RestrictionFact) {
    let row = identityRow(fact.kind, fact.key)
    identities[row: row].restriction = fact.restriction
    QueueIndex.set(&queue.identityTimers, row, fact.restriction?.until ?? .farFuture)
    dropIdentityIfIdle(row)
  }

  /// The row of an identity, made where it is new.
  mutating func identityRow(_ kind: IdentityKind, _ key: Key) -> UInt32 {
    let indexKey = Identity.indexKey(kind, key)
    if let row = keys.identities.row(for: indexKey) { return row }
    let id = identities.insert(Identity(kind: kind, key: key))
    keys.identities.insert(indexKey, id.row)
    return id.row
  }

  /// Removes an identity that neither lives nor is restricted.
  mutating func dropIdentityIfIdle(_ row: UInt32) {
    guard identities[row: row].live == 0, identities[row: row].restriction == nil,
      let id = identities.id(at: row)
    else { return }
    let identity = identities[id]
    keys.identities.remove(Identity.indexKey(identity.kind, identity.key))
    identities.remove(id)
  }
}
