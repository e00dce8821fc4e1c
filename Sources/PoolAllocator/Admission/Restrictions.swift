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
    releaseHeld(row)
  }

  /// The first restricted identity of a waiting claim that keeps it from being served: one that is
  /// suspended, or held to lower classes. (A throttle counts claims at the door.)
  func holder(of claim: Claim) -> UInt32? {
    guard !queue.identityTimers.isEmpty(0) else { return nil }
    let tenant = keys.identities.row(for: Identity.indexKey(.tenant, claim.spec.tenant))
    if let tenant, holds(tenant, claim.serviceClass) { return tenant }
    for index in claim.identities.indices where holds(claim.identities[index], claim.serviceClass) {
      return claim.identities[index]
    }
    return nil
  }

  private func holds(_ row: UInt32, _ serviceClass: ServiceClass) -> Bool {
    guard let restriction = identities[row: row].restriction, restriction.until > now else {
      return false
    }
    switch restriction.measure {
    case .suspend: return true
    case .ceiling(let ceiling): return serviceClass < ceiling
    case .throttle: return false
    }
  }

  /// After a restriction changed: what it held is let go of, and held again where it must be. Every
  /// lane with claims is looked at: whoever it holds steps aside, and whoever it held no more may
  /// go, also from behind a head.
  mutating func releaseHeld(_ row: UInt32) {
    for lane in 0..<UInt32(lanes.extent) where head(of: lane) != nil { stirred.insert(row: lane) }
    queue.admit(identity: row)
    identities[row: row].isReleasing = !queue.held.isEmpty(row) && !planted(.heldForever)
    refreshIdentityTimer(row)
    dropIdentityIfIdle(row)
  }

  /// The last held claim of an identity is gone.
  mutating func stopReleasing(_ row: UInt32) {
    identities[row: row].isReleasing = false
    refreshIdentityTimer(row)
    dropIdentityIfIdle(row)
  }

  /// Sets the moment at which an identity needs attention: now while it lets go of claims, else at
  /// the end of its restriction.
  mutating func refreshIdentityTimer(_ row: UInt32) {
    let identity = identities[row: row]
    let moment = identity.isReleasing ? .origin : identity.restriction?.until ?? .farFuture
    QueueIndex.set(&queue.identityTimers, row, moment)
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
      !identities[row: row].isReleasing, let id = identities.id(at: row)
    else { return }
    let identity = identities[id]
    keys.identities.remove(Identity.indexKey(identity.kind, identity.key))
    identities.remove(id)
  }
}
