internal import PoolAllocator
internal import PoolWire

/// What buckets save up, beside what devices can give and what was asked.
extension PolicyMeaning {
  /// What the devices of a lane are worth. Unit: credits a second.
  private func worth(_ lane: LaneRule) -> Int128 {
    guard let id = pool.pool.lane(named: lane.key), let row = pool.pool.lane(id) else { return 0 }
    return Int128(pool.pool.capacity(of: id).total) * Int128(row.profile.weightMilli)
  }

  /// What a tenant may count on of the nodes' devices: all of its own lanes, and of shared ones its
  /// weight over that of all who may enter them. Unit: credits a second.
  func share(of tenant: Int) -> Int128 {
    var sum = Int128(0)
    let own = Int128(policy.tenants[tenant].weightMilli)
    for (lane, all) in zip(policy.lanes, weights) where enters(lane, tenant) {
      sum += lane.owner == nil ? worth(lane) * own / all : worth(lane)
    }
    return sum
  }

  /// What is saved up beyond what all devices of a tenant's lanes are worth until its claims have
  /// waited as long as they may is of no use when it is wanted.
  mutating func lookAtBursts() {
    for (bucket, steps) in zip(policy.buckets, bucketPlaces()) where bucket.parent == nil {
      let tenant = policy.tenants[Int(bucket.tenant)]
      guard let id = pool.pool.tenant(named: tenant.key) else { continue }
      let bounds = classes(payingFrom: bucket).compactMap { waitMost(id, tenant, $0) }
      let devices = policy.lanes.filter { enters($0, Int(bucket.tenant)) }
        .reduce(Int128(0)) { $0 + worth($1) }
      guard let wait = bounds.max(), devices > 0 else { continue }
      let most = devices * Int128(wait.ns) / 1_000_000_000
      guard Int128(bucket.cap.value) > most else { continue }
      note(
        "burst_above_capacity", .warning, steps + ["burst_gpu_seconds"],
        "\"\(names.text(bucket.key))\" saves up \(Amounts.gpuSeconds(bucket.cap.value))"
          + " GPU-seconds, and all devices of its lanes are worth"
          + " \(Amounts.text(most, digits: 6)) within the bound of its waits,"
          + " \(Amounts.seconds(wait.ns)) s",
        "lower the burst to that, or add nodes")
    }
  }

  /// A burst that most recorded claims pass makes them live on the refill.
  mutating func lookAtRecord(_ demand: RecordedDemand) {
    var isKnown = false
    for (index, steps) in bucketPlaces().enumerated() where demand.isEnough(index) {
      isKnown = true
      let bucket = policy.buckets[index]
      guard let price = demand.price95(index), price > Int128(bucket.cap.value) else { continue }
      let least = Amounts.text(price, digits: 6)
      note(
        "burst_below_recorded_p95", .warning, steps + ["burst_gpu_seconds"],
        "of \(demand.asked[index].count) recorded claims 95 of a hundred cost at most \(least)"
          + " GPU-seconds, and \"\(names.text(bucket.key))\" never holds more than"
          + " \(Amounts.gpuSeconds(bucket.cap.value))",
        "raise the burst to \(least), or see that the refill pays while work runs")
    }
    guard !isKnown else { return }
    note(
      "record_too_short", .warning, ["tenants"],
      "the journal covers \(demand.hours) whole hours, and no bucket has enough claims in it",
      "bring one of \(RecordedDemand.hoursMin) hours and \(RecordedDemand.claimsMin) claims, or"
        + " check without it")
  }
}
