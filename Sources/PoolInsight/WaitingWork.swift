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

  /// Whether nothing waits.
  var isEmpty: Bool {
    shares.isEmpty
      && lanes.allSatisfy { lane in
        lane.weights == 0 && (0..<4).allSatisfy { lane.work[$0] == 0 }
      }
  }

  /// Adds a claim that begins to wait.
  mutating func add(_ item: Item) {
    let lane = Int(item.lane)
    while lanes.count <= lane { lanes.append(LaneWork()) }
    let mean = lanes[lane].mean
    lanes[lane].mean =
      mean == 0 ? item.expected.ns : mean + (item.expected.ns - mean) / Self.memory
    lanes[lane].work[Int(item.level)] += item.work
    var share = shares[item.place] ?? Share(weight: item.weight)
    if share.claims == 0 { lanes[lane].weights += share.weight }
    share.claims += 1
    share.work[Int(item.level)] += item.work
    shares[item.place] = share
  }

  /// Moves a claim that was added to another level.
  mutating func move(_ item: inout Item, to level: UInt8) {
    let (old, work) = (Int(item.level), item.work)
    item.level = level
    lanes[Int(item.lane)].work[old] -= work
    lanes[Int(item.lane)].work[Int(level)] += work
    shares[item.place]?.work[old] -= work
    shares[item.place]?.work[Int(level)] += work
  }

  /// Takes out a claim that was added.
  mutating func remove(_ item: Item) {
    let lane = Int(item.lane)
    lanes[lane].work[Int(item.level)] -= item.work
    guard var share = shares[item.place] else { return }
    share.claims -= 1
    share.work[Int(item.level)] -= item.work
    if share.claims == 0 { lanes[lane].weights -= share.weight }
    shares[item.place] = share.claims == 0 ? nil : share
  }

  /// How long a claim would wait if it were added now and nobody came after it.
  ///
  /// Before it goes the work of better levels; of its own level what its tenant has waiting, and as
  /// much of the others as the fair order serves beside that, by their weights. That work and the
  /// devices that it needs come free at the speed of the lane. Where a claim rises before its turn
  /// would come, the same holds at the better level, but not before it is there. A quarter of a
  /// runtime stands for what runs on devices that it cannot see.
  /// - Parameters:
  ///   - capacity: devices of the lane that may receive a lease. Unit: thousandths.
  ///   - rise: how long until it has risen to a level better than its own; nil where it never does.
  /// - Returns: 1 ns or more.
  /// - Complexity: O(1).
  func wait(of item: Item, capacity: Int64, rise: (UInt8) -> Span?) -> Span {
    let lane = Int(item.lane) < lanes.count ? lanes[Int(item.lane)] : LaneWork()
    let share = shares[item.place]
    let weights = lane.weights + (share == nil ? item.weight : 0)
    let mean = lane.mean == 0 ? item.expected.ns : lane.mean
    let itself = Int128(item.milli) * Int128(mean)
    var least = Int128(Int64.max)
    var own = item.work
    var all = Int128(0)
    for level in stride(from: Int(item.level), through: 0, by: -1) {
      own += share?.work[level] ?? 0
      all += lane.work[level]
      guard let rise = level == Int(item.level) ? .zero : rise(UInt8(level)) else { break }
      var better = Int128(0)
      for above in 0..<level { better += lane.work[above] }
      let fair = min(all, own * Int128(weights) / Int128(max(1, item.weight)) - item.work)
      let span = (better + fair + itself) / Int128(max(1, capacity))
      least = min(least, max(Int128(rise.ns), span))
    }
    return Span(ns: Int64(clamping: max(1, least + Int128(mean / 4))))
  }
}
