@testable import PoolAllocator

/// Delegations in random lives: given, given on, changed, revoked, expired.
extension SwarmDriver {
  mutating func delegate() {
    let number = random.below(9)
    let known = pool.budget(named: key(140, number)).flatMap { pool.bucket($0) }
    if known != nil, random.chance(20) {
      apply(.revoke(key(140, number)))
      return
    }
    // A tree of three roots with two heirs each; sometimes a name is tried elsewhere.
    let parent = random.chance(95) ? (number < 3 ? nil : (number - 3) / 2) : random.below(9)
    var spec = DelegationSpec(
      key: key(140, number), tenant: key(6, number % 3 % tenantCount),
      parent: parent.map { key(140, $0) },
      limit: Credits(Int64(2 + random.below(30)) * 200_000_000 / (number < 3 ? 1 : 3)),
      expires: now + .seconds(Int64(400 + random.below(number < 3 ? 5000 : 2000))))
    if let parent = spec.parent.flatMap({ pool.budget(named: $0) }).flatMap({ pool.bucket($0) }) {
      spec.tenant = pool.tenant(parent.tenant)?.key ?? spec.tenant
      if random.chance(80), let delegation = parent.delegation {
        spec.limit = min(spec.limit, parent.credits.cap)
        spec.expires = min(spec.expires, delegation.expires)
      }
    }
    if random.chance(3) { spec.ceiling = .p2 }
    if let known, random.chance(95) {
      spec.ceiling = known.delegation?.ceiling ?? .p0
      spec.tenant = pool.tenant(known.tenant)?.key ?? spec.tenant
    }
    apply(.delegate(spec))
  }

  /// Some claims are made under a delegation, mostly an open one of their own tenant.
  mutating func addBudget(to spec: inout ClaimSpec) {
    guard random.chance(30) else { return }
    if random.chance(4) { return spec.budget = key(140, random.below(12)) }
    var open: [(budget: Key, tenant: Key)] = []
    pool.forEachBucket { _, bucket in
      guard let delegation = bucket.delegation, delegation.closed == nil,
        let tenant = pool.tenant(bucket.tenant)
      else { return }
      open.append((bucket.rule.key, tenant.key))
    }
    guard let (budget, tenant) = random.pick(open) else { return }
    spec.budget = budget
    spec.tenant = tenant
  }
}

/// What the budgets of delegations must have spent, worked out from grants, renewals and
/// settlements alone: it knows no bucket and no posting.
struct DelegationTrail {
  private var parents: [Key: Key] = [:]
  private var budgets: [ClaimID: Key] = [:]
  /// Budgets of each lease, the narrowest first.
  private var chains: [LeaseID: [Key]] = [:]
  /// What each quantum of a lease has reserved.
  private var open: [LeaseID: [UInt32: Int64]] = [:]
  private var quanta: [LeaseID: UInt32] = [:]
  private(set) var spent: [Key: Int64] = [:]
  /// Charges that were seen.
  private(set) var charges = 0

  mutating func note(_ log: borrowing EventLog, _ pool: borrowing Pool) {
    for event in log.events {
      switch event {
      case .budgetOpened(_, let fact):
        let spec = log.delegations[Int(fact)]
        parents[spec.key] = spec.parent
        spent[spec.key] = 0
      case .budgetForgotten:
        for key in Array(spent.keys) where pool.budget(named: key) == nil { spent[key] = nil }
      case .claimSubmitted(let id, let fact):
        budgets[id] = log.claimFacts[Int(fact)].spec.budget
      case .leaseGranted(let claim, let grants):
        for grant in log.grants[grants.indices] { follow(grant, of: claim) }
      case .leaseRenewed(let id, _, let reserved, _):
        quanta[id, default: 0] += 1
        reserve(id, quanta[id] ?? 0, reserved)
      case .settled(let id, let quantum, let charge, _, _):
        add(charge.value - (open[id]?[quantum] ?? 0), id)
        open[id]?[quantum] = nil
      default: break
      }
    }
  }

  private mutating func follow(_ grant: Grant, of claim: ClaimID) {
    var chain: [Key] = []
    var next = budgets[claim]
    while let key = next {
      chain.append(key)
      next = parents[key]
    }
    chains[grant.lease] = chain
    quanta[grant.lease] = 1
    reserve(grant.lease, 1, grant.reserved)
  }

  private mutating func reserve(_ id: LeaseID, _ quantum: UInt32, _ amount: Credits) {
    open[id, default: [:]][quantum] = amount.value
    add(amount.value, id)
    if chains[id]?.isEmpty == false { charges += 1 }
  }

  private mutating func add(_ change: Int64, _ id: LeaseID) {
    for key in chains[id] ?? [] { spent[key, default: 0] += change }
  }
}
