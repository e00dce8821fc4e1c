import PoolAllocator
import PoolLoop

/// D4: where the allocator says that a device is free, no process of an older lease lives.
extension WorldServer {
  /// Looks at the pool of the leader, or, while there is none, at what is durable of it.
  func checkAreKnown(_ nodes: [WorldNode], holdsEnds: Bool) throws(Violation) {
    if isUp {
      try loop.pool.checkAreKnown(nodes, holdsEnds: holdsEnds)
    } else {
      try disk.pool.checkAreKnown(nodes, holdsEnds: holdsEnds)
    }
  }
}

extension Pool {
  /// - Parameter holdsEnds: whether nothing is on that may have work outlast its kill deadline.
  /// - Complexity: O(processes).
  func checkAreKnown(_ nodes: [WorldNode], holdsEnds: Bool) throws(Violation) {
    for number in nodes.indices {
      for place in nodes[number].processes.indices {
        try checkIsKnown(
          nodes[number].processes[place], node: number, holdsEnds: holdsEnds)
      }
    }
  }

  /// - Parameter holdsEnds: whether nothing is on that may have work outlast its kill deadline.
  func checkIsKnown(_ process: WorldNode.Process, node: Int, holdsEnds: Bool) throws(Violation) {
    guard let lease = lease(process.lease), lease.fencing == process.fencing else {
      // What no record explains makes its devices dirty.
      if process.isStray, !areFree(process.shares, Names.node(node)) { return }
      throw Violation(
        "D4", "\(process.fencing.raw) lives on node \(node), and the pool calls it ended")
    }
    guard holdsEnds, lease.state == .stopping, lease.killBy.ns == .max, lease.cause != nil
    else { return }
    switch lease.cause {
    // Work that is stopped before its end, on a node that hears nothing, runs until its end.
    case .cancelled, .released, .reclaimed, .preempted, .drained, .gangEnded, nil: return
    case .expired, .unpaid, .startTimeout, .nodeLost:
      throw Violation("D4", "\(process.fencing.raw) lives on node \(node) past its kill deadline")
    }
  }

  /// Whether one of these devices may be given to somebody.
  private func areFree(_ shares: [DeviceShare], _ key: Key) -> Bool {
    guard let node = node(named: key) else { return false }
    var areFree = false
    forEachDevice { _, device in
      guard device.node == node, device.health == .usable else { return }
      if shares.contains(where: { $0.device == device.report.key }) { areFree = true }
    }
    return areFree
  }
}
