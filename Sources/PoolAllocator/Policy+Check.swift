extension CompiledPolicy {
  /// The rule that a policy breaks, as a number for a compiler's bug report; nil where it is sound.
  ///
  /// Documents are checked by `PoolWire` with lines and words; this is the core's own last check,
  /// so that no policy can lead it into an impossible state.
  var defect: Int? {
    let checks: [Bool] = [
      classes.count == 4, hasUniqueKeys, profilesAreSound, slicesAreSound, poolsAreSound,
      lanesAreSound, classesAreSound, tenantsAreSound, bucketsAreSound, servicesAreSound,
      costsAreSound, approvalsAreSound, preemption?.isSound ?? true, gaugesAreSound,
      emergencyIsSound, quotes?.isSound ?? true, placement.isSound(pools: pools.count),
    ]
    return checks.firstIndex(of: false)
  }

  private var hasUniqueKeys: Bool {
    func unique(_ keys: [Key]) -> Bool {
      var seen = KeyIndex()
      for key in keys {
        if seen.row(for: key) != nil { return false }
        seen.insert(key, 0)
      }
      return true
    }
    return unique(profiles.map(\.key)) && unique(slices.map(\.key)) && unique(pools.map(\.key))
      && unique(lanes.map(\.key)) && unique(tenants.map(\.key)) && unique(buckets.map(\.key))
      && unique(services.map(\.key))
  }

  private var profilesAreSound: Bool {
    profiles.allSatisfy {
      $0.kind != .slice && $0.weightMilli >= 1 && $0.weightMilli <= Limits.weightMilli
        && $0.memory > .zero && $0.memory <= Limits.memoryMax
    }
  }

  private var slicesAreSound: Bool {
    slices.count <= Int(UInt16.max)
      && slices.allSatisfy { rule in
        rule.billedMilli >= 1 && rule.billedMilli <= 1000
          && profiles.contains { $0.key == rule.profile && $0.kind == .gpu }
      }
  }

  private var poolsAreSound: Bool {
    pools.count <= Limits.lanes
      && pools.allSatisfy { pool in profiles.contains { $0.key == pool.profile } }
  }

  private var lanesAreSound: Bool {
    guard lanes.count <= Limits.lanes, lanes.allSatisfy({ Int($0.pool) < pools.count }) else {
      return false
    }
    for (index, pool) in pools.enumerated() {
      let own = lanes.filter { Int($0.pool) == index }
      guard own.filter({ $0.reserved == 0 }).count == 1 else { return false }
      let isCPU = profiles.contains { $0.key == pool.profile && $0.kind == .cpu }
      let areSound = own.allSatisfy {
        $0.leaseMax > .zero && $0.leaseMax <= Limits.spanMax
          && $0.reserved >= 0 && $0.reserved < 1 << 40
          && (isCPU || $0.reserved % $0.cellMilli == 0) && [1, 2, 4, 8].contains($0.cell)
          && ($0.cell == 1 || !isCPU && $0.owner != nil)
          && ($0.owner == nil) == ($0.reserved == 0) && Self.isSound($0.lending, of: $0)
      }
      guard areSound else { return false }
    }
    return true
  }

  private static func isSound(_ lending: Lending, of lane: LaneRule) -> Bool {
    guard case .reclaimable(let within, let most) = lending else { return true }
    return lane.owner != nil && within > .zero && within <= Limits.spanMax && most >= 0
  }

  private var classesAreSound: Bool {
    let step = order.ageingStep ?? Limits.spanMax
    guard step > .zero, step <= Limits.spanMax, order.ceiling <= 1 else { return false }
    return classes.allSatisfy { rule in
      let wait = rule.queueWaitMax ?? Limits.spanMax
      let limit = rule.waitLimit ?? Limits.spanMax
      return [rule.quantum, rule.startWithin, rule.killWithin, wait, limit].allSatisfy {
        $0 > .zero && $0 <= Limits.spanMax
      } && rule.shield >= .zero && rule.shield <= Limits.spanMax
    }
  }

  private var tenantsAreSound: Bool {
    tenants.count <= Int(UInt16.max)
      && tenants.allSatisfy {
        $0.weightMilli >= 1 && $0.weightMilli <= Limits.tenantWeightMilli
          && ($0.borrowingMax ?? 0) >= 0
      }
  }

  private var bucketsAreSound: Bool {
    guard buckets.count <= Int(UInt16.max) else { return false }
    var roots = Array(repeating: 0, count: tenants.count)
    var fields: [Int?] = Array(repeating: nil, count: buckets.count)
    var children = KeyIndex()
    for (index, bucket) in buckets.enumerated() {
      guard Int(bucket.tenant) < tenants.count, bucket.cap >= .zero,
        bucket.refillPerSecond >= .zero, bucket.opening >= .zero, bucket.opening <= bucket.cap,
        bucket.debtMax >= .zero, bucket.emergency >= .zero,
        [bucket.cap, bucket.debtMax, bucket.emergency].allSatisfy({ $0.value <= Credits.limit }),
        bucket.cap.value + bucket.debtMax.value + bucket.emergency.value <= Credits.limit
      else { return false }
      guard let parent = bucket.parent else {
        guard bucket.match == .tenant else { return false }
        roots[Int(bucket.tenant)] += 1
        continue
      }
      guard Int(parent) < index, buckets[Int(parent)].tenant == bucket.tenant,
        bucket.match != .tenant, depth(of: index) <= Limits.bucketsPerPath
      else { return false }
      // Siblings are told apart by one field, so that at most one of them matches a claim.
      guard Self.field(bucket.match) == fields[Int(parent)] ?? Self.field(bucket.match) else {
        return false
      }
      fields[Int(parent)] = Self.field(bucket.match)
      let child = Pool.childKey(of: UInt32(parent), bucket.match)
      guard children.row(for: child) == nil else { return false }
      children.insert(child, UInt32(index))
    }
    return roots.allSatisfy { $0 <= 1 }
  }

  private static func field(_ match: BucketMatch) -> Int {
    switch match {
    case .tenant: 0
    case .application: 1
    case .serviceClass: 2
    case .action: 3
    }
  }

  private func depth(of index: Int) -> Int {
    var depth = 1
    var row = index
    while let parent = buckets[row].parent, depth <= Limits.bucketsPerPath {
      row = Int(parent)
      depth += 1
    }
    return depth
  }

  private var servicesAreSound: Bool {
    services.allSatisfy {
      $0.weightMilli >= 1 && $0.weightMilli <= Limits.weightMilli
        && Int($0.approval ?? 0) < ($0.approval == nil ? 1 : approvals.count)
    }
  }

  private var approvalsAreSound: Bool {
    approvals.count <= Int(UInt16.max)
      && approvals.allSatisfy {
        $0.lasts > .zero && $0.lasts <= Limits.spanMax && !$0.approvers.isEmpty
          && $0.approvers.count <= Limits.approvers && $0.actions.count <= Limits.guardedActions
      }
  }

  private var emergencyIsSound: Bool {
    guard let rule = emergency else { return buckets.allSatisfy { $0.emergency == .zero } }
    return rule.lastsMax > .zero && rule.lastsMax <= Limits.spanMax
      && (2...Limits.approvers).contains(rule.approvers.count)
  }

  private var costsAreSound: Bool {
    costs.allSatisfy { rule in
      rule.retryMilli >= 1000 && rule.retryMilli <= Limits.weightMilli
        && [rule.base, rule.perThousandPrompt, rule.perThousandOutput, rule.perToolCall]
          .allSatisfy { $0 >= .zero && $0 <= Limits.spanMax }
    }
  }
}
