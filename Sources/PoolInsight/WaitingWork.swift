import PoolAllocator

/// The work that waits in each lane, summed so that the wait of one more claim can be estimated
/// without a look at the others.
struct WaitingWork: Sendable {
  /// One waiting claim.
  struct Item: Sendable {
    var lane: UInt32
    var level: UInt8
    var tenant: UInt32
    /// Weight of the tenant when the claim was queued. Unit: thousandths.
    var weight: Int64
    /// What is asked. Unit: thousandths of devices.
    var milli: Int64
    /// How long it is expected to run.
    var expected: Span

    /// Unit: thousandths of devices × nanoseconds.
    var work: Int128 { Int128(milli) * Int128(expected.ns) }
    fileprivate var place: Place { Place(lane: lane, tenant: tenant) }
  }

  fileprivate struct Place: Hashable {
    var lane: UInt32
    var tenant: UInt32
  }

  /// What one tenant has waiting in a lane.
  private struct Share {
    var work = InlineArray<4, Int128>(repeating: 0)
    var claims = 0
    /// Its weight when it began to wait.
    var weight: Int64
  }

  private struct LaneWork {
    var work = InlineArray<4, Int128>(repeating: 0)
    /// Weights of the tenants that wait.
    var weights: Int64 = 0
    /// Running mean of what is expected of a claim; 0 before the first.
    var mean: Int64 = 0
  }

  /// The share of the newest claim in the mean is one in so many. Unit: claims.
  private static let memory: Int64 = 16

  private var lanes: [LaneWork] = []
  private var shares: [Place: Share] = [:]

  /// Adds a claim that begins to wait.
  mutating func add(_ item: Item) {
    while lanes.count <= Int(item.lane) { lanes.append(LaneWork()) }
    let mean = lanes[Int(item.lane)].mean
    lanes[Int(item.lane)].mean =
      mean == 0 ? item.expected.ns : mean + (item.expected.ns - mean) / Self.memory
    insert(item)
  }

  /// Moves a claim to a level.
  mutating func move(_ item: inout Item, to level: UInt8) {
    let work = item.work
    lanes[Int(item.lane)].work[Int(item.level)] -= work
    shares[item.place]?.work[Int(item.level)] -= work
    item.level = level
    lanes[Int(item.lane)].work[Int(item.level)] += work
    shares[item.place]?.work[Int(item.level)] += work
  }

  private mutating func insert(_ item: Item) {
    lanes[Int(item.lane)].work[Int(item.level)] += item.work
    var share = shares[item.place] ?? Share(weight: item.weight)
    if share.claims == 0 { lanes[Int(item.lane)].weights += share.weight }
    share.claims += 1
    share.work[Int(item.level)] += item.work
    shares[item.place] = share
  }

  /// Takes out a claim that was added.
  mutating func remove(_ item: Item) {
    lanes[Int(item.lane)].work[Int(item.level)] -= item.work
    guard var share = shares[item.place] else { return }
    share.claims -= 1
    share.work[Int(item.level)] -= item.work
    if share.claims == 0 {
      lanes[Int(item.lane)].weights -= share.weight
      shares[item.place] = nil
    } else {
      shares[item.place] = share
    }
  }

  /// How long a claim that is not added yet would wait if nobody came after it: the work before it
  /// and the devices that it needs, over what the lane has.
  /// - Parameter capacity: devices of the lane that may receive a lease. Unit: thousandths.
  /// - Returns: 1 ns or more.
  /// - Complexity: O(1).
  func wait(of item: Item, capacity: Int64, rises: (UInt8) -> Span?) -> Span {
    guard Int(item.lane) < lanes.count else {
      return Self.span(item.work, over: capacity)
    }
    let lane = lanes[Int(item.lane)]
    let share = shares[item.place]
    let weights = lane.weights + (share == nil ? item.weight : 0)
    let mean = lane.mean == 0 ? item.expected.ns : lane.mean
    let itself = Int128(item.milli) * Int128(mean)
    var best = Span(ns: .max)
    var own = item.work
    var others = Int128(0)
    for level in stride(from: Int(item.level), through: 0, by: -1) {
      own += share?.work[level] ?? 0
      others += lane.work[level]
      guard let rise = level == Int(item.level) ? .zero : rises(UInt8(level)) else { break }
      var better = Int128(0)
      for above in 0..<level { better += lane.work[above] }
      let fair = min(others, own * Int128(weights) / Int128(max(1, item.weight)) - item.work)
      best = min(best, max(rise, Self.span(better + fair + itself, over: capacity)))
    }
    return best
  }

  private static func span(_ work: Int128, over capacity: Int64) -> Span {
    Span(ns: Int64(clamping: max(1, work / Int128(max(1, capacity)))))
  }
}
