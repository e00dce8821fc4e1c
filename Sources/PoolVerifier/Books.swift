import PoolAllocator

/// The level of a bucket in billionths of a credit: exact at any moment.
struct Level {
  var cap: Int128
  var rate: Int128
  var billionths: Int128
  var time: Int64
  var debtMax: Int64
  /// What its emergency allows below zero, and when that ends.
  var emergency: Int64 = 0
  var until: Int64?
  /// What a bucket is called, and the budget above a budget.
  var key: Key
  var parent: BucketID?
  var isBudget = false
  /// Leases that pay from it.
  var credits: Int128 { billionths >= 0 ? billionths / unit : (billionths - unit + 1) / unit }

  private var unit: Int128 { 1_000_000_000 }

  /// What it holds at a moment; a full bucket drops what it is given, fractions and all.
  func at(_ moment: Int64) -> Level {
    var later = self
    later.billionths = min(billionths + rate * Int128(max(0, moment - time)), cap * unit)
    later.time = max(time, moment)
    return later
  }

  /// Takes whole credits; gives them back where the amount is negative.
  mutating func take(_ amount: Int64) {
    billionths = min(billionths - Int128(amount) * unit, cap * unit)
  }

  /// How far below zero a class may take it at a moment.
  func allowance(_ rank: UInt8, at moment: Int64) -> Int128 {
    rank <= 1 && until.map { moment < $0 } ?? false ? Int128(emergency) : 0
  }

  /// The first moment at which it holds so much.
  func moment(of need: Int128) -> Int128? {
    if credits >= need { return Int128(time) }
    guard rate > 0, need <= cap else { return nil }
    return Int128(time) + (need * unit - billionths + rate - 1) / rate
  }
}

/// A claim as its submission fixed it.
struct ClaimBook {
  var fact: ClaimFact
  var isLive = true
  var lease: LeaseID?
  /// What it was quoted.
  var quotedRate: Int64?
}

/// A lease with all that it was granted and has paid.
struct LeaseBook {
  var grant: Grant
  var uses: [DeviceUse]
  var claim: ClaimFact
  var path: [BucketID]
  /// Length of every quantum reserved so far.
  var spans: [Int64]
  /// What is reserved and not settled, by quantum.
  var open: [UInt32: Int64]
  var charged: Int128 = 0
  var started: Int64?
  var stopped: Int64?
  var checkpoint: Int64?
  var isAway = false
  var sharesWithAny: Bool

  static let unit: Int128 = 1_000_000_000_000

  /// What the first so many nanoseconds cost, in 10⁻¹² credits.
  func cost(_ ns: Int64) -> Int128 { Int128(grant.rate) * Int128(ns) }

  static func up(_ cost: Int128) -> Int128 { (cost + unit - 1) / unit }

  /// Length and price of the quantum after the last one that is reserved; nil past the hard end.
  var next: (span: Int64, price: Int128)? {
    let paid = spans.reduce(0, +)
    let span = min(grant.terms.quantum.ns, claim.spec.runtimeMax.ns - paid)
    guard span > 0 else { return nil }
    return (span, Self.up(cost(paid + span)) - cost(paid) / Self.unit)
  }

  /// What of its time costs something if it is preempted: what it saved, and no less than the
  /// quanta that are over.
  func saved(_ now: Int64) -> Int64 {
    guard let started else { return .max }
    let first = Int(open.keys.min() ?? 1) - 1
    var begins = started + spans.prefix(first).reduce(0, +)
    if open.count > 1, now >= begins + spans[first] { begins += spans[first] }
    return max(begins, checkpoint ?? begins)
  }

  /// End of what is paid.
  var ends: Int64 {
    started.map { $0 + spans.reduce(0, +) } ?? grant.startBy.ns
  }
}

/// A machine, as far as its leases and its operator go.
struct NodeBook {
  var report: NodeReport?
  var reach = Reach.enrolled
  var duty = Duty.open
}

/// What the rows of the pool's tables are called, and which lane a device is in: taken from the
/// pool after each command, for events name rows.
struct Directory {
  struct DeviceEntry {
    var node: NodeID
    var lane: UInt32?
    var kind: DeviceKind
    var health: Health
    var capacity: Int32
    var memory: Int64
    var slice: Key?
    var isPartitioned: Bool
  }

  var lanes: [LaneID: Key] = [:]
  var laneIDs: [UInt32: LaneID] = [:]
  var tenants: [TenantID: Key] = [:]
  var buckets: [BucketID: Key] = [:]
  var bucketIDs: [UInt32: BucketID] = [:]
  var devices: [DeviceID: DeviceEntry] = [:]
  var nodes: [NodeID: (reach: Reach, duty: Duty)] = [:]

  init() {}

  init(_ pool: Pool) {
    pool.forEachLane { id, lane in
      lanes[id] = lane.key
      laneIDs[id.row] = id
    }
    pool.forEachTenant { id, tenant in tenants[id] = tenant.key }
    pool.forEachBucket { id, bucket in
      buckets[id] = bucket.rule.key
      bucketIDs[id.row] = id
    }
    pool.forEachNode { id, node in nodes[id] = (node.reach, node.duty) }
    pool.forEachDevice { id, device in
      devices[id] = DeviceEntry(
        node: device.node, lane: device.lane, kind: device.report.kind, health: device.health,
        capacity: device.capacity.value, memory: device.report.memory.value,
        slice: device.report.slice, isPartitioned: device.report.isPartitioned)
    }
  }
}
