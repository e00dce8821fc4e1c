import PoolAllocator

/// What comes too late changes nothing: orders of an older holder of a lease (D3), reports that are
/// older than the last one of their boot (D4), and a clock that jumps (T1).
struct StaleWords {
  private struct Report {
    var boot: Key
    var generation: UInt64
    var sequence: UInt64
  }

  private var fencings = ByID<Lease, Fencing>()
  private var reports = ByID<Node, Report>()
  private var last: Instant?

  /// Looks at one command with what came of it.
  mutating func note(
    _ command: Command, _ decision: Decision, _ log: borrowing EventLog
  ) throws(Violation) {
    if let (lease, fencing) = Self.order(command), decision.verdict == .done {
      let own = fencings[lease]
      try must(
        own == fencing, "D3",
        "an order with number \(fencing.raw) is obeyed, and the lease has \(own?.raw ?? 0)")
    }
    for index in log.events.indices { try note(log.events[index], log) }
    if let last {
      try must(
        log.at <= last + Limits.clockStepMax, "T1",
        "pool time went from \(last.ns) to \(log.at.ns) in one step")
    }
    last = log.at
  }

  private mutating func note(_ event: Event, _ log: borrowing EventLog) throws(Violation) {
    switch event {
    case .leaseGranted(_, let grants):
      for index in grants.indices { fencings[log.grants[index].lease] = log.grants[index].fencing }
    case .leaseEnded(let lease): fencings[lease] = nil
    case .nodeForgotten(let node): reports[node] = nil
    case .nodeAdvertised(let node, let fact):
      let report = log.nodeReports[Int(fact)]
      if let old = reports[node], old.boot == report.boot {
        try must(
          (old.generation, old.sequence) < (report.generation, report.sequence), "D4",
          "report \(report.sequence) of node \(node.row) is taken in after \(old.sequence)")
      }
      reports[node] = Report(
        boot: report.boot, generation: report.generation, sequence: report.sequence)
    default: break
    }
  }

  /// The lease and the fencing number that an order names.
  private static func order(_ command: Command) -> (LeaseID, Fencing)? {
    switch command {
    case .confirmStarted(let lease, let fencing), .renew(let lease, let fencing),
      .confirmCheckpoint(let lease, let fencing), .release(let lease, let fencing, _),
      .confirmEmpty(let lease, let fencing):
      (lease, fencing)
    default: nil
    }
  }
}
