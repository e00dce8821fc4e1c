import PoolAllocator

/// What may start where.
extension Oracle {
  /// The latest moment at which a claim that is granted now has left its devices.
  func leaves(_ asked: Asked) -> Int64 {
    let terms = policy.classes[Int(asked.rank)]
    return now + terms.startWithin.ns + asked.spec.runtimeMax.ns + terms.killWithin.ns
  }

  /// How far what is kept for others binds a claim.
  enum Regard {
    /// Nothing of it may be used, even where that does no harm.
    case all
    /// What the claim may use or take without harm may be used; else all of it counts as gone.
    case binding
    /// As before, but of processor time and host memory nothing counts as gone: whether a claim
    /// delays others there is a question of moments (`delays`).
    case devices
  }

  /// The machines as a claim may use them: without what is kept for others.
  func site(for asked: Asked, _ regard: Regard = .binding) -> Site {
    var site = site
    for other in claims.values {
      guard let kept = other.kept, regard == .all ? other.id != asked.id : binds(other, asked)
      else { continue }
      for place in kept.places {
        var demand = other.spec.demand
        if regard == .devices {
          if demand.shape == .cpuOnly { continue }
          (demand.cpu, demand.hostMemory) = (MilliCPU(0), .zero)
        }
        site.put(
          Holding(tenant: tenantIDs[other.tenant], demand: demand, place: place, isKept: true),
          lane: kept.lane)
      }
    }
    return site
  }

  /// Whether what is kept for one claim is closed to another: it would not be back in time, and
  /// does not go before it by a better level (SEMANTICS 4.4, decision 0018).
  private func binds(_ other: Asked, _ asked: Asked) -> Bool {
    guard let kept = other.kept, other.id != asked.id else { return false }
    return leaves(asked) > kept.starts && asked.level >= other.level
  }

  /// Whether a claim at these places keeps another from its processor time or host memory at the
  /// moment that was promised to it.
  func delays(_ asked: Asked, at places: [Place]) -> Bool {
    claims.values.contains { other in
      guard let kept = other.kept, binds(other, asked) else { return false }
      var then = site
      then.holdings = leases.values.filter { $0.gone > kept.starts }.map {
        Holding(tenant: tenantIDs[$0.tenant], demand: $0.demand, place: $0.place, isKept: false)
      }
      guard then.holds(kept.places, for: wish(other, kept.lane)) else { return false }
      then.holdings += places.map {
        Holding(
          tenant: tenantIDs[asked.tenant], demand: asked.spec.demand, place: $0, isKept: false)
      }
      return !then.holds(kept.places, for: wish(other, kept.lane))
    }
  }

  func wish(_ asked: Asked, _ lane: UInt32) -> Wish {
    Wish(demand: asked.spec.demand, tenant: tenantIDs[asked.tenant], lane: lane)
  }

  /// Whether a waiting claim could start in a lane now.
  func canStart(_ asked: Asked, _ lane: UInt32) -> Bool {
    canPay(asked, lane: lane) && !isBehind(asked)
      && site(for: asked).fits(wish(asked, lane))
  }

  /// The machines as they are, but for what will leave: nothing says when a lease goes that is past
  /// its kill deadline.
  var reliable: Site {
    var reliable = site.emptied(repaired: false)
    for lease in leases.values where lease.state == .stopping && lease.killBy == .max {
      reliable.holdings.append(
        Holding(
          tenant: tenantIDs[lease.tenant], demand: lease.demand, place: lease.place, isKept: false))
    }
    return reliable
  }

  /// Whether the machines can be relied on to hold the first claim of a lane. Behind one that none
  /// can hold another is served as if it were the first (decision 0021), and which one rests on
  /// what else is out of order.
  func isHeadReliable(_ lane: UInt32) -> Bool {
    let first = queue(lane).min { turn($0, in: lane) < turn($1, in: lane) }
    return first.map { reliable.fits(wish($0, lane)) } ?? true
  }

  /// Whether the head of a claim's line waits without a plan: behind a head that no machine can be
  /// relied on to hold lines are asked by their heads alone (decision 0021), so the order of those
  /// in their middle is compared only where their heads have plans.
  func isBehindUnplanned(_ asked: Asked) -> Bool {
    claims.values.contains { other in
      other.state == .queued && other.tenant == asked.tenant && other.rank == asked.rank
        && other.lanes == asked.lanes && other.isEarlier(than: asked) && isHead(other)
        && other.kept == nil
    }
  }

  /// Whether a claim may enter a lane at all.
  func isAdmitted(_ spec: ClaimSpec, rank: UInt8, lane: UInt32) -> Bool {
    let rule = self.lane(atRow: lane)
    guard let serviceClass = ServiceClass(rank: rank), rule.admits.contains(serviceClass),
      spec.runtimeMax <= rule.leaseMax
    else { return false }
    return rule.owner == nil
  }

  /// The members' places, from the shares of their devices one member after the other.
  func places(_ uses: [Share], _ demand: Demand) throws -> [Place] {
    let size = Int(demand.devices)
    try agree(
      uses.count == size * Int(demand.members), "\(uses.count) shares for \(demand)")
    return try stride(from: 0, to: uses.count, by: size).map { first in
      let own = Array(uses[first..<first + size])
      guard let part = site.parts.first(where: { $0.id == own[0].device }) else {
        throw Disagreement(description: "nobody reported \(own[0].device)")
      }
      return Place(node: part.node, uses: own)
    }
  }

  /// Puts what leases hold, and nothing else, on the machines.
  mutating func holdAgain() {
    site.holdings = leases.values.map {
      Holding(tenant: tenantIDs[$0.tenant], demand: $0.demand, place: $0.place, isKept: false)
    }
    for index in site.parts.indices {
      let id = site.parts[index].id
      if !site.holdings.contains(where: { $0.holds(id) }) { site.parts[index].closedTo = nil }
    }
  }
}
