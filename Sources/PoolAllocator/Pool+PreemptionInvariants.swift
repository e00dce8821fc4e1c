/// What must hold for preemption, counted from the tables alone.
extension Pool {
  /// P: who may be preempted is where it is looked for, nobody is preempted too often, and what is
  /// held is held for a claim that may hold it.
  func checkPreemption() {
    placement.victims.open.checkInvariants()
    placement.victims.shielded.checkInvariants()
    var rows = LaneSet.none
    leases.forEach { id, lease in
      let (open, shielded) = (placement.victims.open, placement.victims.shielded)
      let heap = open.heap(of: id.row) ?? shielded.heap(of: id.row)
      guard let (ends, saved) = victimTerms(lease) else {
        return invariant(heap == nil, "P: only who may be preempted is looked for")
      }
      let claim = claims[lease.claim]
      rows.insert(lease.lane)
      invariant(
        heap == VictimIndex.heap(lease.lane.row, claim.serviceClass.rank),
        "P: who may be preempted stands in its lane and class")
      let isOpen = ends <= lanes[lease.lane].opened
      invariant(isOpen == (open.heap(of: id.row) != nil), "P: a shield passes once")
      invariant(isOpen || shielded.order(of: id.row) == ends, "P: a shield ends in time")
      let order = UInt64.max - UInt64(saved.ns)
      invariant(!isOpen || open.order(of: id.row) == order, "P: who loses least is known")
    }
    invariant(placement.victims.lanes == rows, "P: lanes with somebody to preempt are noted")
    claims.forEach { _, claim in
      invariant(
        Int(claim.preemptions) <= Limits.preemptionsPerClaim, "P: no claim is preempted too often")
    }
    lanes.forEach { _, lane in
      invariant(
        (lane.preemptions != nil) == (policy.preemption != nil), "P: every lane counts its losses")
      guard let rule = policy.preemption, let bucket = lane.preemptions else { return }
      let cap = Int64(rule.burst) * PreemptionBucket.lease
      invariant(bucket.level <= cap && bucket.asOf <= now, "P: a lane loses no more than it may")
    }
    leases.forEach { _, lease in
      guard let saved = lease.checkpoint, let started = lease.started else { return }
      invariant(started <= saved && saved <= now, "a checkpoint lies in the run of its lease")
    }
  }
}
