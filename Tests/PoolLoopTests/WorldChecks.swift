import AgentCore
import PoolAllocator
import PoolLoop

extension World {
  /// What must hold at every moment.
  mutating func check() throws(Violation) {
    let pool = server.loop?.pool ?? server.durablePool
    for node in nodes {
      try checkDevices(of: node)
      for process in node.processes where !process.isStray {
        guard let lease = pool.lease(process.lease), lease.fencing == process.fencing else {
          throw Violation(
            "\(process.fencing.raw) lives on node \(node.number), and the pool calls it ended")
        }
        // A lease that is stopped before its end, on a node that hears nothing, runs until its end.
        let isStoppedEarly = lease.cause == .cancelled || lease.cause == .released
        if holdsEnds, !isStoppedEarly, lease.state == .stopping, lease.killBy.ns == .max {
          throw Violation(
            "\(process.fencing.raw) lives on node \(node.number) past its kill deadline")
        }
      }
    }
  }

  /// Never two where one has the device, never more shares than it has.
  private func checkDevices(of node: WorldNode) throws(Violation) {
    for index in node.processes.indices {
      for share in node.processes[index].shares {
        var used = 0
        for process in node.processes {
          for other in process.shares where other.device == share.device {
            used += Int(other.milli.value)
          }
        }
        if used > 1_000 {
          let living = node.processes.map { $0.fencing.raw }
          throw Violation("\(living) of node \(node.number) share a device of 1000 as \(used)")
        }
      }
    }
  }

  /// What must have come about some time after the faults stopped and no claim came any more.
  func checkQuiet() throws(Violation) {
    guard let pool = server.loop?.pool else { throw Violation("no leader") }
    var left: [String] = []
    pool.forEachClaim { id, claim in left.append("claim \(id.row): \(claim.state)") }
    pool.forEachLease { id, lease in left.append("lease \(id.row): \(lease.state)") }
    pool.forEachNode { id, node in
      if node.reach != .ready { left.append("node \(id.row): \(node.reach)") }
    }
    pool.forEachDevice { id, device in
      if device.health != .usable { left.append("device \(id.row): \(device.health)") }
    }
    for node in nodes {
      for process in node.processes { left.append("process \(process.fencing.raw)") }
      for lease in node.agent?.leases ?? [] {
        left.append("agent \(node.number): \(lease.fencing.raw) \(lease.state)")
      }
    }
    if !left.isEmpty { throw Violation("left over: " + left.joined(separator: ", ")) }
  }
}
