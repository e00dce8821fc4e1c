import PoolAllocator

/// Liveness: once nothing goes wrong any more, every claim ends, nothing leaks, guarantees hold.
enum Liveness {
  static func violation(_ left: [String]) -> Violation {
    let shown = left.prefix(12).joined(separator: ", ")
    let more = left.count > 12 ? " and \(left.count - 12) more" : ""
    return Violation("liveness", "left over: \(shown)\(more)")
  }
}

extension Pool {
  /// Whether no claim lives and no lease holds a device.
  var isEmptied: Bool {
    var isEmpty = true
    forEachTenant { _, tenant in if tenant.live > 0 { isEmpty = false } }
    forEachNode { _, node in if node.leases > 0 { isEmpty = false } }
    return isEmpty
  }

  /// What should not be there any more, in words.
  func leftovers() -> [String] {
    var left: [String] = []
    forEachClaim { id, claim in left.append("claim \(id.row): \(claim.state)") }
    forEachLease { id, lease in left.append("lease \(id.row): \(lease.state)") }
    if waitingClaims > 0 { left.append("\(waitingClaims) waiting") }
    forEachNode { id, node in
      if !node.isOpen { left.append("node \(id.row): \(node.reach), \(node.duty)") }
    }
    forEachDevice { id, device in
      if device.used.value != 0 || device.shares != 0 { left.append("device \(id.row) in use") }
      if device.health != .usable, device.health != .gone {
        left.append("device \(id.row): \(device.health)")
      }
    }
    forEachBucket { id, bucket in
      let reserved = bucket.delegation?.reserved.value ?? 0
      if bucket.committed.value != 0 || bucket.leases != 0 || reserved != 0 {
        left.append("bucket \(id.row) keeps \(bucket.committed.value) back")
      }
    }
    forEachLane { id, lane in
      if lane.short > 0, !lane.isRetired { left.append("lane \(id.row) is short of \(lane.short)") }
    }
    return left
  }
}
