internal import PoolAllocator
internal import PoolWire

/// What buckets can pay, and what devices there are.
extension PolicyMeaning {
  /// What a first quantum of one whole device, or of one core, costs in a lane.
  private func quantumPrice(_ lane: LaneRule, _ serviceClass: ServiceClass) -> Credits? {
    let quantum = policy.classes[Int(serviceClass.rank)].quantum
    return price(lane, min(quantum, lane.leaseMax))
  }

  private func price(_ lane: LaneRule, _ span: Span) -> Credits? {
    let key = policy.pools[Int(lane.pool)].profile
    guard let profile = policy.profiles.first(where: { $0.key == key }),
      let rate = Price.rate(
        billedMilli: 1000, profileMilli: profile.weightMilli, jobMilli: 1000)
    else { return nil }
    return Price.of(rate: rate, span: span)
  }

  private func unit(of lane: LaneRule) -> String {
    let key = policy.pools[Int(lane.pool)].profile
    return policy.profiles.first { $0.key == key }?.kind == .cpu ? "one core" : "one device"
  }

  /// Classes of which claims of a bucket's tenant may pay from it.
  func classes(payingFrom bucket: BucketRule) -> [ServiceClass] {
    var found = (UInt8(0)..<4).compactMap { ServiceClass(rank: $0) }
      .filter { served[Int(bucket.tenant)].contains($0) }
    var next = bucket
    while true {
      if case .serviceClass(let only) = next.match { found.removeAll { $0 != only } }
      guard let parent = next.parent else { return found }
      next = policy.buckets[Int(parent)]
    }
  }

  mutating func lookAtBuckets() {
    for (bucket, steps) in zip(policy.buckets, bucketPlaces()) {
      let tenant = policy.tenants[Int(bucket.tenant)]
      for serviceClass in classes(payingFrom: bucket) {
        let lanes = policy.lanes.filter { admits($0, serviceClass, tenant) }
        lookAtQuantum(bucket, steps, serviceClass, lanes)
        if bucket.parent == nil { lookAtRuntime(bucket, steps, serviceClass, lanes) }
      }
    }
  }

  /// No claim of a whole device passes a bucket whose burst is below the first reservation.
  private mutating func lookAtQuantum(
    _ bucket: BucketRule, _ steps: [SourceNode.Step], _ serviceClass: ServiceClass,
    _ lanes: [LaneRule]
  ) {
    let priced = lanes.compactMap { lane in quantumPrice(lane, serviceClass).map { (lane, $0) } }
    let name = names.text(bucket.key)
    guard let cheapest = priced.min(by: { $0.1 < $1.1 }) else { return }
    let least = Amounts.gpuSeconds(cheapest.1.value)
    if cheapest.1 > bucket.cap {
      note(
        "reservation_above_cap", .error, steps + ["burst_gpu_seconds"],
        "the first reservation of \(serviceClass.word) is \(least) GPU-seconds even for"
          + " \(unit(of: cheapest.0)) of \"\(names.text(cheapest.0.key))\","
          + " and \"\(name)\" never holds more than \(Amounts.gpuSeconds(bucket.cap.value))",
        "raise the burst to \(least) or more, or shorten the quantum of \(serviceClass.word)")
      return
    }
    guard bucket.parent == nil else { return }
    for (lane, price) in priced where price > bucket.cap {
      note(
        "burst_below_quantum", .warning, steps + ["burst_gpu_seconds"],
        "\(unit(of: lane)) of \"\(names.text(lane.key))\" costs"
          + " \(Amounts.gpuSeconds(price.value)) GPU-seconds in the first quantum of"
          + " \(serviceClass.word), and \"\(name)\" never holds more than"
          + " \(Amounts.gpuSeconds(bucket.cap.value))",
        "raise the burst, or keep the class out of the lane")
    }
  }

  /// Work that runs as long as its lane allows stops before, where burst and refill cannot pay it.
  private mutating func lookAtRuntime(
    _ bucket: BucketRule, _ steps: [SourceNode.Step], _ serviceClass: ServiceClass,
    _ lanes: [LaneRule]
  ) {
    guard policy.classes[Int(serviceClass.rank)].overrun == .stop else { return }
    for lane in lanes {
      guard let price = price(lane, lane.leaseMax) else { continue }
      let gained =
        Int128(bucket.refillPerSecond.value) * Int128(lane.leaseMax.ns) / 1_000_000_000
      let means = Int128(bucket.cap.value) + gained
      guard Int128(price.value) > means else { continue }
      note(
        "runtime_unpayable", .warning, steps,
        "\(unit(of: lane)) of \"\(names.text(lane.key))\" for"
          + " \(Amounts.seconds(lane.leaseMax.ns)) s"
          + " costs \(Amounts.gpuSeconds(price.value)) GPU-seconds; a full bucket and its refill"
          + " pay \(Amounts.text(means, digits: 6)), so \(serviceClass.word) stops before",
        "raise burst or refill, or shorten lease_max_seconds")
    }
  }

  /// Where the buckets stand: each tenant's root, then its children in the order of the document.
  func bucketPlaces() -> [[SourceNode.Step]] {
    var places: [[SourceNode.Step]] = []
    func add(_ node: SourceNode, _ steps: [SourceNode.Step]) {
      places.append(steps)
      for child in node["children"]?.members ?? [] {
        add(child.value, steps + ["children", .key(child.key)])
      }
    }
    for (index, tenant) in (source.tree["tenants"]?.elements ?? []).enumerated() {
      if let bucket = tenant["bucket"] { add(bucket, ["tenants", .index(index), "bucket"]) }
    }
    return places
  }

  // MARK: devices

  /// Guarantees are bound by the core, in cells.
  mutating func lookAtGuarantees() {
    for (index, lane) in policy.lanes.enumerated() {
      guard let id = pool.pool.lane(named: lane.key), let row = pool.pool.lane(id) else { continue }
      let name = names.text(lane.key)
      if lane.owner != nil, row.bound < lane.reserved {
        let cells = lane.cell > 1 ? " in cells of \(lane.cell)" : ""
        note(
          "guarantee_exceeds_nodes", .error, place(ofLane: index),
          "the lane \"\(name)\" reserves \(Amounts.milli(lane.reserved)), and the nodes give it"
            + " \(Amounts.milli(row.bound))\(cells)",
          "reserve no more than that, or add nodes of its profile and label")
      } else if lane.owner == nil, pool.pool.capacity(of: id).total == 0 {
        note(
          "lane_without_devices", .warning, place(ofLane: index),
          "the nodes leave the shared lane \"\(name)\" no device",
          "add nodes of its profile and label, or reserve less")
      }
    }
  }

  /// Refills are rates of spending: what they promise together, beside what there is.
  mutating func lookAtRefills() {
    var devices = Int128(0)
    pool.pool.forEachLane { id, lane in
      devices += Int128(pool.pool.capacity(of: id).total) * Int128(lane.profile.weightMilli)
    }
    let roots = policy.buckets.filter { $0.parent == nil }
    let refill = roots.reduce(Int128(0)) { $0 + Int128($1.refillPerSecond.value) }
    guard refill > devices else { return }
    note(
      "refill_above_capacity", .warning, ["tenants"],
      "the buckets gain \(Amounts.text(refill, digits: 6)) GPU-seconds each second, and the devices"
        + " of the nodes are worth \(Amounts.text(devices, digits: 6)): tenants will wait for"
        + " devices while they have credits",
      "lower refills, or add nodes")
  }
}
