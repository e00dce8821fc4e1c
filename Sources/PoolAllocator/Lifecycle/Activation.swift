/// Putting a policy in force: lanes, buckets and tenants by name, levels kept, devices bound.
extension Pool {
  mutating func activate(
    _ generation: PolicyGeneration, _ policy: CompiledPolicy, _ log: inout EventLog
  ) -> Decision {
    guard generation > self.generation else {
      return refuse(
        Reason(
          .generationStale, have: Int64(self.generation.value), need: Int64(generation.value)),
        &log)
    }
    if let defect = policy.defect { return refuse(Reason(.malformed, have: Int64(defect)), &log) }
    if let refusal = roomObstacle(policy) { return refuse(refusal, &log) }
    let postings = settleUnderOldRates(policy, &log)
    log.policy = policy
    step(.policyActivated(generation, postings: postings), &log)
    bindShortLanes(&log, on: nil)
    return done()
  }

  /// Rows of the old policy stay while something cites them; what is new must find room beside.
  private func roomObstacle(_ policy: CompiledPolicy) -> Reason? {
    let cited = citedLanes()
    var laneCount = policy.lanes.count
    lanes.forEach { id, lane in
      let stays = policy.lanes.contains { $0.key == lane.key }
      if !stays, cited.contains(row: id.row) || lane.leases > 0 { laneCount += 1 }
    }
    let newTenants = policy.tenants.filter { keys.tenants.row(for: $0.key) == nil }.count
    let newBuckets = policy.buckets.filter { keys.buckets.row(for: $0.key) == nil }.count
    if laneCount > Limits.lanes {
      return Reason(.tableFull, have: Int64(laneCount), need: Int64(Limits.lanes))
    }
    if tenants.count + newTenants > tenants.limit {
      return Reason(.tableFull, have: Int64(tenants.count), need: Int64(tenants.limit))
    }
    if buckets.count + newBuckets > buckets.limit {
      return Reason(.tableFull, have: Int64(buckets.count), need: Int64(buckets.limit))
    }
    return nil
  }

  /// Every bucket is refilled at its old rate and clamped to its new cap.
  private func settleUnderOldRates(
    _ policy: CompiledPolicy, _ log: inout EventLog
  ) -> Span32 {
    let first = UInt32(log.postings.count)
    buckets.forEach { id, bucket in
      let refill = bucket.credits.refill(at: now)
      var posting = Posting(bucket: id, refilled: refill.gained, remainder: refill.remainder)
      if let rule = policy.buckets.first(where: { $0.key == bucket.rule.key }) {
        let excess =
          Int128(bucket.credits.level.value) + posting.change - Int128(rule.cap.value)
        if excess >= 0 {
          posting.forfeited = Credits(Int64(excess))
          posting.remainder = 0
        }
      }
      log.postings.append(posting)
    }
    return Span32(first: first, count: UInt16(log.postings.count) - UInt16(first))
  }

  /// Lanes that a live claim names.
  private func citedLanes() -> LaneSet {
    var cited = LaneSet.none
    claims.forEach { _, claim in cited.bits |= claim.spec.lanes.bits }
    return cited
  }

  // MARK: binding devices to reserved lanes

  /// Binds devices to reserved lanes that are short of what their rule asks for.
  /// - Parameter node: look at this node's devices alone; nil looks at all.
  mutating func bindShortLanes(_ log: inout EventLog, on node: NodeID?) {
    for row in 0..<UInt32(lanes.extent) {
      guard let lane = lanes.id(at: row), !lanes[lane].isRetired,
        lanes[lane].bound < lanes[lane].rule.reserved
      else { continue }
      let first = UInt32(log.uses.count)
      collect(for: lane, on: node, &log)
      let count = log.uses.count - Int(first)
      guard count > 0 else { continue }
      step(.laneBound(lane, uses: Span32(first: first, count: UInt16(count))), &log)
    }
  }

  /// Devices of the pool's shared lane that a reserved lane takes: empty ones first, then by row.
  private func collect(for lane: LaneID, on node: NodeID?, _ log: inout EventLog) {
    var missing = lanes[lane].rule.reserved - lanes[lane].bound
    for pass in 0..<3 {
      devices.forEach { id, device in
        guard missing > 0, node == nil || device.node == node, log.uses.count < Int(UInt16.max),
          device.health != .gone, device.report.kind != .slice, let from = device.lane,
          lanes[row: from].rule.reserved == 0, lanes[row: from].pool == lanes[lane].pool,
          pass == Self.bindingPass(device)
        else { return }
        let isPart = device.report.kind == .cpu
        let free = isPart ? max(0, device.milliFree.value) : device.capacity.value
        let take = isPart ? min(Int64(free), missing) : Int64(free)
        guard take > 0, take <= missing,
          !isPart || devices.count + log.uses.count < devices.limit
        else { return }
        missing -= take
        log.uses.append(DeviceUse(device: id, milli: MilliGPU(Int32(take)), memory: .zero))
      }
    }
  }

  /// Usable and empty, usable, may become usable; anything else is not bound.
  private static func bindingPass(_ device: Device) -> Int? {
    switch device.health {
    case .usable: device.shares == 0 ? 0 : 1
    case .unknown where device.isApproved, .quarantined: 2
    case .unknown, .dirty, .failed, .gone: nil
    }
  }

  // MARK: folding

  mutating func evolvePolicy(
    _ generation: PolicyGeneration, _ postings: Span32, _ log: borrowing EventLog
  ) {
    guard let policy = log.policy else { broken("an activation carries its policy") }
    let cited = citedLanes()
    post(postings, log)
    self.generation = generation
    self.policy = policy
    indexPolicy()
    installLanes(cited)
    installTenants()
    installBuckets()
    rebindDevices()
    dropRetiredTenants()
    for row in 0..<UInt32(buckets.extent) where buckets.id(at: row) != nil {
      refreshBucketTimer(row)
    }
    lanes.forEach { id, _ in queue.stirred.insert(id) }
  }

  /// Indexes over the policy's own lists.
  mutating func indexPolicy() {
    keys.services = KeyIndex()
    for (row, rule) in policy.services.enumerated() {
      keys.services.insert(rule.key, UInt32(row))
    }
    keys.slices = KeyIndex()
    for (row, rule) in policy.slices.enumerated() { keys.slices.insert(rule.key, UInt32(row)) }
  }

  private mutating func installLanes(_ cited: LaneSet) {
    for row in 0..<UInt32(lanes.extent) {
      guard let id = lanes.id(at: row) else { continue }
      guard !policy.lanes.contains(where: { $0.key == lanes[id].key }) else { continue }
      lanes[id].isRetired = true
      lanes[id].bound = 0
      lanes[id].rule.reserved = 0
    }
    // Devices leave retired lanes before a row may be reused.
    for row in 0..<UInt32(devices.extent) where devices.id(at: row) != nil {
      guard let lane = devices[row: row].lane, lanes[row: lane].isRetired,
        let id = devices.id(at: row)
      else { continue }
      let isPart = devices[id].isPart
      if isPart, devices[id].shares == 0 {
        removeDevice(id)
      } else if !isPart {
        setLane(id, nil)
      }
    }
    for row in 0..<UInt32(lanes.extent) {
      guard let id = lanes.id(at: row), lanes[id].isRetired, lanes[id].leases == 0,
        !cited.contains(row: row), !hasParts(lane: row)
      else { continue }
      keys.lanes.remove(lanes[id].key)
      lanes.remove(id)
      placement.lanes[Int(row)] = LaneIndex()
    }
    for rule in policy.lanes {
      let pool = policy.pools[Int(rule.pool)]
      guard let profile = policy.profiles.first(where: { $0.key == pool.profile }) else {
        broken("a checked policy names known profiles")
      }
      if let row = keys.lanes.row(for: rule.key) {
        lanes[row: row].rule = rule
        lanes[row: row].pool = pool
        lanes[row: row].profile = profile
        lanes[row: row].isRetired = false
      } else {
        let id = lanes.insert(Lane(key: rule.key, rule: rule, pool: pool, profile: profile))
        keys.lanes.insert(rule.key, id.row)
      }
    }
  }

  /// Whether a lane still has a part of a CPU set.
  private func hasParts(lane: UInt32) -> Bool {
    var has = false
    devices.forEach { _, device in if device.lane == lane { has = true } }
    return has
  }

  private mutating func installTenants() {
    for row in 0..<UInt32(tenants.extent) where tenants.id(at: row) != nil {
      tenants[row: row].isRetired = true
      tenants[row: row].bucket = nil
    }
    for rule in policy.tenants {
      if let row = keys.tenants.row(for: rule.key) {
        tenants[row: row].rule = rule
        tenants[row: row].isRetired = false
      } else {
        let id = tenants.insert(Tenant(key: rule.key, rule: rule))
        keys.tenants.insert(rule.key, id.row)
      }
    }
  }

  /// Tenants that nothing cites any more go.
  private mutating func dropRetiredTenants() {
    var isCited = Array(repeating: false, count: tenants.extent)
    leases.forEach { _, lease in isCited[Int(lease.tenant.row)] = true }
    buckets.forEach { _, bucket in isCited[Int(bucket.tenant.row)] = true }
    for row in 0..<UInt32(tenants.extent) {
      guard let id = tenants.id(at: row), tenants[id].isRetired, tenants[id].live == 0,
        !isCited[Int(row)]
      else { continue }
      keys.tenants.remove(tenants[id].key)
      tenants.remove(id)
    }
  }

  private mutating func installBuckets() {
    keys.children = KeyIndex()
    keys.childFields = []
    retireBuckets()
    var ids: [BucketID] = []
    for rule in policy.buckets {
      guard
        let tenant = keys.tenants.row(for: policy.tenants[Int(rule.tenant)].key)
          .flatMap(tenants.id(at:))
      else { broken("a checked policy names known tenants") }
      let id: BucketID
      if let known = keys.buckets.row(for: rule.key).flatMap(buckets.id(at:)) {
        id = known
        buckets[id].rule = rule
        buckets[id].credits.cap = rule.cap
        buckets[id].credits.refillPerSecond = rule.refillPerSecond
        buckets[id].isRetired = false
      } else {
        let credits = CreditBucket(
          cap: rule.cap, refillPerSecond: rule.refillPerSecond, level: rule.opening, asOf: now)
        id = buckets.insert(Bucket(rule: rule, tenant: tenant, parent: nil, credits: credits))
        buckets[id].books.opening += rule.opening
        keys.buckets.insert(rule.key, id.row)
        queue.admit(bucket: id.row)
      }
      buckets[id].parent = rule.parent.map { ids[Int($0)] }
      ids.append(id)
      if buckets[id].parent == nil { tenants[tenant].bucket = id }
    }
    indexBuckets()
  }

  /// Buckets that the policy no longer names go, once no lease pays from them and nobody parks.
  private mutating func retireBuckets() {
    for row in 0..<UInt32(buckets.extent) {
      guard let id = buckets.id(at: row),
        !policy.buckets.contains(where: { $0.key == buckets[id].rule.key })
      else { continue }
      buckets[id].isRetired = true
      guard buckets[id].leases == 0, buckets[id].turn == nil, queue.parked.isEmpty(row) else {
        continue
      }
      keys.buckets.remove(buckets[id].rule.key)
      buckets.remove(id)
    }
  }

  /// Indexes the children of every bucket in force.
  mutating func indexBuckets() {
    keys.childFields = Array(repeating: 0, count: buckets.extent)
    keys.children = KeyIndex()
    buckets.forEach { id, bucket in
      guard let parent = bucket.parent, !bucket.isRetired else { return }
      keys.children.insert(Self.childKey(of: parent.row, bucket.rule.match), id.row)
      keys.childFields[Int(parent.row)] =
        switch bucket.rule.match {
        case .tenant: 0
        case .application: 1
        case .serviceClass: 2
        case .action: 3
        }
    }
  }

  // MARK: devices and lanes

  /// Row of the shared lane of the first pool of the policy that takes a device.
  func sharedLane(profile: Key, of node: NodeID) -> UInt32? {
    let labels = nodes[node].enrolment.labels
    for (index, pool) in policy.pools.enumerated() where pool.profile == profile {
      if let label = pool.label, !(0..<labels.count).contains(where: { labels[$0] == label }) {
        continue
      }
      let shared = policy.lanes.first { Int($0.pool) == index && $0.reserved == 0 }
      return shared.flatMap { keys.lanes.row(for: $0.key) }
    }
    return nil
  }

  /// Gives every device its lane under a new policy; reserved lanes keep what they may keep.
  private mutating func rebindDevices() {
    lanes.forEach { id, lane in self.lanes[id].bound = 0 }
    for row in 0..<UInt32(devices.extent) {
      guard let id = devices.id(at: row), devices[id].health != .gone,
        devices[id].report.kind != .slice
      else { continue }
      if devices[id].report.kind == .cpu { rebindPart(id) } else { rebindBoard(id) }
    }
    for row in 0..<UInt32(devices.extent) {
      guard let id = devices.id(at: row), devices[id].report.kind == .slice else { continue }
      followParent(id)
    }
    for row in 0..<UInt32(devices.extent) where devices.id(at: row) != nil { refreshDevice(row) }
    lanes.forEach { id, _ in self.placement.staleCeilings.insert(row: id.row) }
  }

  private mutating func rebindBoard(_ id: DeviceID) {
    let shared = sharedLane(profile: devices[id].report.profile, of: devices[id].node)
    let size = Int64(devices[id].capacity.value)
    if let lane = devices[id].lane, let shared, !lanes[row: lane].isRetired,
      lanes[row: lane].rule.reserved > 0, lanes[row: lane].pool == lanes[row: shared].pool,
      lanes[row: lane].bound + size <= lanes[row: lane].rule.reserved
    {
      lanes[row: lane].bound += size
      return
    }
    setLane(id, shared)
  }

  /// A part outside the shared lane shrinks to what leases hold of it; the set's own row has the
  /// rest.
  private mutating func rebindPart(_ id: DeviceID) {
    let device = devices[id]
    if !device.isPart {
      setLane(id, sharedLane(profile: device.report.profile, of: device.node))
    } else if device.shares == 0 {
      removeDevice(id)
    } else {
      devices[id].capacity = device.used
      if let lane = device.lane { lanes[row: lane].bound += Int64(device.used.value) }
    }
    resizeSet(device.report.key, on: device.node)
  }

  /// Gives a CPU set's own row what the lanes' parts leave; a set that shrank shrinks its parts
  /// too, down to what leases hold.
  mutating func resizeSet(_ key: Key, on node: NodeID) {
    guard let own = keys.devices.row(for: key) else { return }
    var left = devices[row: own].report.capacity.value
    var row = placement.devices.first(of: node.row)
    while row != RowLists.none {
      let device = devices[row: row]
      if device.isPart, device.report.key == key {
        let keeps = max(device.used.value, min(device.capacity.value, left))
        if let lane = device.lane, lanes[row: lane].rule.reserved > 0, device.health != .gone {
          lanes[row: lane].bound += Int64(keeps - device.capacity.value)
        }
        devices[row: row].capacity = MilliGPU(keeps)
        refreshDevice(row)
        left = max(0, left - keeps)
      }
      row = placement.devices.next(after: row)
    }
    devices[row: own].capacity = MilliGPU(max(left, devices[row: own].used.value))
    refreshDevice(own)
  }

  /// A part whose lane is retired gives back what leases no longer hold of it.
  mutating func returnPart(_ id: DeviceID) {
    guard devices[id].isPart, let lane = devices[id].lane, lanes[row: lane].isRetired else {
      return
    }
    let device = devices[id]
    devices[id].capacity = device.used
    if device.shares == 0 { removeDevice(id) }
    resizeSet(device.report.key, on: device.node)
  }

  private mutating func setLane(_ id: DeviceID, _ lane: UInt32?) {
    guard devices[id].lane != lane else { return }
    placement.withdraw(id.row, node: devices[id].node.row)
    devices[id].lane = lane
  }

  /// An instance is in the lane of its board, under its profile's row in the policy.
  private mutating func followParent(_ id: DeviceID) {
    let lane = devices[id].parent.flatMap { devices.contains($0) ? devices[$0].lane : nil }
    setLane(id, lane)
    devices[id].slice =
      devices[id].report.slice.flatMap { keys.slices.row(for: $0) }.map { UInt16($0) }
  }

  /// Folds the binding of devices, or parts of CPU sets, to a reserved lane.
  mutating func evolveBound(_ lane: LaneID, _ uses: Span32, _ log: borrowing EventLog) {
    for index in uses.indices {
      let use = log.uses[index]
      lanes[lane].bound += Int64(use.milli.value)
      if let from = devices[use.device].lane { placement.staleCeilings.insert(row: from) }
      let node = devices[use.device].node.row
      if devices[use.device].report.kind == .cpu {
        bindPart(of: use.device, use.milli, to: lane.row)
      } else {
        setLane(use.device, lane.row)
        refreshDevice(use.device.row)
        followBoard(use.device)
      }
      raiseCeilings(of: node)
    }
    queue.stirred.insert(lane)
  }

  private mutating func followBoard(_ board: DeviceID) {
    var row = placement.devices.first(of: devices[board].node.row)
    while row != RowLists.none {
      if devices[row: row].parent == board, let id = devices.id(at: row) {
        followParent(id)
        refreshDevice(row)
      }
      row = placement.devices.next(after: row)
    }
  }

  /// Moves milli-cores from a CPU set's own row to a lane's part, made where it is new.
  private mutating func bindPart(of set: DeviceID, _ milli: MilliGPU, to lane: UInt32) {
    let whole = devices[set]
    devices[set].capacity = MilliGPU(whole.capacity.value - milli.value)
    var row = placement.devices.first(of: whole.node.row)
    while row != RowLists.none {
      let device = devices[row: row]
      if device.report.key == whole.report.key, device.lane == lane { break }
      row = placement.devices.next(after: row)
    }
    if row == RowLists.none {
      var part = whole
      part.lane = lane
      part.isPart = true
      part.capacity = MilliGPU(0)
      part.used = MilliGPU(0)
      part.memoryUsed = .zero
      part.shares = 0
      part.tenant = nil
      part.mode = .idle
      row = devices.insert(part).row
      placement.devices.insertInOrder(row, into: whole.node.row)
    }
    devices[row: row].capacity = MilliGPU(devices[row: row].capacity.value + milli.value)
    refreshDevice(set.row)
    refreshDevice(row)
  }

  /// Folds a new or changed device.
  mutating func evolveDevice(_ id: DeviceID, _ fact: DeviceFact) {
    if devices.contains(id) {
      if let lane = devices[id].lane { placement.staleCeilings.insert(row: lane) }
      devices[id].report = fact.report
      devices[id].isApproved = fact.isApproved
      devices[id].parent = fact.parent
      if devices[id].health == .gone {
        devices[id].health = .unknown
        setLane(id, nil)
      }
    } else {
      let inserted = devices.insert(
        Device(
          report: fact.report, node: fact.node, lane: nil, capacity: fact.report.capacity,
          parent: fact.parent, isApproved: fact.isApproved))
      invariant(inserted == id, "a device gets the id that its event names")
      keys.devices.insert(fact.report.key, id.row)
      placement.devices.insertInOrder(id.row, into: fact.node.row)
    }
    if !fact.isApproved, devices[id].health == .usable { evolveHealth(id, .failed) }
    switch fact.report.kind {
    case .gpu:
      if fact.report.isPartitioned { devices[id].mode = .mig }
      if !fact.report.isPartitioned, devices[id].mode == .mig { devices[id].mode = .idle }
      if devices[id].lane == nil {
        setLane(id, sharedLane(profile: fact.report.profile, of: fact.node))
      }
    case .cpu:
      if devices[id].lane == nil {
        setLane(id, sharedLane(profile: fact.report.profile, of: fact.node))
      }
      followSet(id)
    case .slice:
      placement.instances.remove(id.row)
      if let parent = fact.parent { placement.instances.insertInOrder(id.row, into: parent.row) }
      followParent(id)
    }
    refreshDevice(id.row)
    raiseCeilings(of: fact.node.row)
  }

  /// Parts of a CPU set share its report.
  private mutating func followSet(_ set: DeviceID) {
    let report = devices[set].report
    var row = placement.devices.first(of: devices[set].node.row)
    while row != RowLists.none {
      if row != set.row, devices[row: row].report.key == report.key {
        devices[row: row].report = report
      }
      row = placement.devices.next(after: row)
    }
    resizeSet(report.key, on: devices[set].node)
  }
}
