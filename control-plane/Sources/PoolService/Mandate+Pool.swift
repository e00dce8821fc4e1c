import PoolAllocator
import PoolIdentity
import PoolViews
import PoolWire

/// What a chain allows in a pool as it is.
extension Mandate {
  /// Why it allows nothing: a budget of it is closed, or was not given out of the one before it.
  func closure(in scene: Scene) -> String? {
    var above: BucketID?
    for name in budgets {
      guard let id = scene.budget(name, of: tenant), scene.pool.isOpen(id) else {
        return "the budget \(name) of the token is not there, or is closed"
      }
      if let above, !scene.pool.givers(of: id).contains(above) {
        return "the budget \(name) of the token was not given out of the one before it"
      }
      above = id
    }
    return nil
  }

  /// Whether a claim is paid by its budget, or by one given out of that.
  func pays(for form: ClaimForm, in scene: Scene) -> Bool {
    guard form.tenant == tenant, let own = scene.budget(budget, of: tenant),
      let key = form.outline.spec.budget, let id = scene.pool.budget(named: key)
    else { return false }
    return scene.pool.givers(of: id).contains(own)
  }

  /// What of a claim is more than it allows; nil where nothing is.
  func excess(of form: ClaimForm, in scene: Scene) -> String? {
    guard pays(for: form, in: scene) else {
      return "the budget has to be \"\(budget)\", or one given out of that"
    }
    let spec = form.outline.spec
    let services = scene.pool.policy.services
    guard let service = services.firstIndex(where: { $0.key == spec.service }),
      services[service].serviceClass.rank >= ceiling.rank
    else { return "the class of the service is above \(ceiling.rawValue)" }
    if let lane = foreignLane(of: form, service, in: scene) {
      return "the lane \(lane) is not among those of the token"
    }
    if let principal = spec.onBehalfOf,
      !onBehalfOf.contains(where: { NameTable.key(.principal, $0) == principal })
    {
      return "on_behalf_of has to be one of \(onBehalfOf.joined(separator: ", ")), or left out"
    }
    return nil
  }

  /// A lane that is none of its own and that a claim names, or may come to on a rung.
  /// - Parameter service: the row of the claim's service.
  private func foreignLane(of form: ClaimForm, _ service: Int, in scene: Scene) -> String? {
    guard let lanes else { return nil }
    if let lane = form.lanes.first(where: { !lanes.contains($0) }) { return lane }
    guard !form.accepts.isEmpty else { return nil }
    let policy = scene.pool.policy
    for rung in policy.rungs where Int(rung.service) == service {
      guard let others = rung.lanes else { continue }
      for (row, lane) in policy.lanes.enumerated() where others.contains(row: UInt32(row)) {
        let name = scene.names.text(lane.key)
        if !lanes.contains(name) { return name }
      }
    }
    return nil
  }
}

extension Scene {
  /// A budget by its tenant and name. A key is a hash that whoever asks may aim: the budget has to
  /// have the name, too.
  func budget(_ name: String, of tenant: String) -> BucketID? {
    let key = DelegationForm.key(tenant: tenant, budget: name)
    guard names.name(key) == NamePath.join(tenant, name) else { return nil }
    return pool.budget(named: key)
  }
}

extension Pool {
  /// A budget and those that it was given out of, itself first.
  /// - Complexity: O(depth), four at most.
  func givers(of leaf: BucketID) -> [BucketID] {
    var found: [BucketID] = []
    var next: BucketID? = leaf
    while let id = next, let bucket = bucket(id), bucket.delegation != nil {
      found.append(id)
      next = bucket.parent
    }
    return found
  }

  /// Whether neither a budget nor one that it was given out of is closed or has expired.
  func isOpen(_ budget: BucketID) -> Bool {
    givers(of: budget).allSatisfy { id in
      guard let delegation = bucket(id)?.delegation else { return false }
      return delegation.closed == nil && delegation.expires > now
    }
  }
}
