/// How long the first claim of each tenant has waited for a turn in each lane at the best level:
/// the clock behind the bound of every wait (docs/decisions/0019).
struct TurnClocks: Sendable {
  /// One tenant in one lane.
  struct Clock: BitwiseCopyable, Sendable {
    /// When it came to the best level there, or its last first claim was granted; `.farFuture`
    /// while nothing of it waits at that level.
    var since = Instant.farFuture
    /// When its turn became overdue; `.farFuture` while it is not.
    var overdue = Instant.farFuture
    /// When something of its own last happened that its bounds there do not cover: a claim came
    /// back into the order, changed its lanes, or gave up the tenant's turn.
    var voided = Instant.origin

    /// Whether work of it waits at the best level.
    var runs: Bool { since < .farFuture }
  }

  private var lanes: [[Clock]] = Array(repeating: [], count: Limits.lanes)

  /// The clock of a tenant in a lane.
  subscript(tenant: UInt32, lane: UInt32) -> Clock {
    get {
      Int(tenant) < lanes[Int(lane)].count ? lanes[Int(lane)][Int(tenant)] : Clock()
    }
    set {
      while lanes[Int(lane)].count <= Int(tenant) { lanes[Int(lane)].append(Clock()) }
      lanes[Int(lane)][Int(tenant)] = newValue
    }
  }

  /// Row of a clock in the heap of their timers.
  static func row(_ tenant: UInt32, _ lane: UInt32) -> UInt32 {
    tenant * UInt32(Limits.lanes) + lane
  }

  /// The tenant and lane of such a row.
  static func subject(_ row: UInt32) -> (tenant: UInt32, lane: UInt32) {
    (row / UInt32(Limits.lanes), row % UInt32(Limits.lanes))
  }

  /// Visits every clock, in the order of rows.
  func forEach(_ body: (_ tenant: UInt32, _ lane: UInt32, Clock) -> Void) {
    for lane in lanes.indices {
      for tenant in lanes[lane].indices {
        body(UInt32(tenant), UInt32(lane), lanes[lane][tenant])
      }
    }
  }

  mutating func pass(through coder: inout some ImageCoder) { coder.pass(lists: &lanes) }
}
