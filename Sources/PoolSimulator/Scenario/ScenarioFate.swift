import PoolAllocator

/// What became of one claim of a scenario, as the durable records and its caller tell it.
struct ScenarioFate: Sendable {
  /// Its stream, by its place in `Scenario.streams`.
  let stream: Int
  /// When it arrived, counted from second 0.
  let arrives: Span
  /// Requests that were sent for it.
  var requests = 0
  /// Answers that refused it.
  var refusals = 0
  /// Whether its caller withdrew it, or gave up.
  var isWithdrawn = false
  /// When it was taken in.
  var submitted: Instant?
  /// The moment by which it was told to start.
  var bound: Instant?
  /// Whether it started later than that, though nothing voided the bound.
  var isOverBound = false
  /// When its first lease was granted.
  var granted: Instant?
  /// Lanes in which it had leases.
  var lanes: [Key] = []
  /// When and how it ended.
  var ended: Instant?
  var end: ClaimEnd?
  /// The deepest rung that it took; 0: it has what it asked for.
  var rung: UInt8 = 0
  /// Leases that a more urgent class, or the owner of a lane, took back, and that went with a
  /// node.
  var preempted = 0
  var reclaimed = 0
  var nodeLost = 0
  /// The longest that a lease held on after the owner of its lane had asked for it back. Unit:
  /// nanoseconds.
  var longestReclaim: Int64 = 0
  /// What it paid.
  var charged: Int64 = 0

  init(stream: Int, arrives: Span) {
    self.stream = stream
    self.arrives = arrives
  }

  /// Whether it was taken in and did not come to a good end, or one that its caller chose.
  var isLost: Bool {
    guard submitted != nil else { return false }
    switch end {
    case .completed: return false
    case .cancelled: return !isWithdrawn
    default: return true
    }
  }

  /// Whether it was never taken in.
  var isRefused: Bool { submitted == nil }
}
