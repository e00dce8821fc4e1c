/// A row of one of the pool's tables, with the generation that tells it from the row's earlier
/// uses.
public struct ID<Row>: BitwiseCopyable, Hashable, Sendable {
  /// Index of the row in its table.
  public let row: UInt32
  /// Counts the uses of the row; 0 is never live.
  public let generation: UInt32

  /// Makes an id from its two parts, as a wire form carries them.
  public init(row: UInt32, generation: UInt32) {
    self.row = row
    self.generation = generation
  }
}

/// Names a node.
public typealias NodeID = ID<Node>
/// Names a device, or a lane's part of a CPU set.
public typealias DeviceID = ID<Device>
/// Names a lane; its row is its bit in a `LaneSet`.
public typealias LaneID = ID<Lane>
/// Names a tenant.
public typealias TenantID = ID<Tenant>
/// Names a claim.
public typealias ClaimID = ID<Claim>
/// Names a lease.
public typealias LeaseID = ID<Lease>
/// Names a bucket, or the budget of a delegation, which is a row of the same table.
public typealias BucketID = ID<Bucket>
/// Names a quote.
public typealias QuoteID = ID<Quote>

/// An outside name: a UUID, or the hash of a string. Names themselves never enter the core.
public struct Key: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// The upper 64 bits.
  public let high: UInt64
  /// The lower 64 bits.
  public let low: UInt64

  /// Makes a key from its two halves.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Orders keys as 128-bit numbers.
  public static func < (left: Key, right: Key) -> Bool {
    left.high != right.high ? left.high < right.high : left.low < right.low
  }
}

/// A number that only rises and makes an old holder's order refused: epoch and sequence in one.
///
/// 24 bits of epoch (one per leadership) and 40 bits of sequence (10¹² grants an epoch).
public struct Fencing: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// Both parts in one number, epoch first.
  public let raw: UInt64

  /// Makes a fencing number from its raw form.
  public init(raw: UInt64) { self.raw = raw }

  /// Makes a fencing number from its parts; epoch below 2²⁴, sequence below 2⁴⁰.
  init(epoch: UInt32, sequence: UInt64) {
    invariant(epoch < 1 << 24 && sequence < 1 << 40, "a fencing number has room for its parts")
    raw = UInt64(epoch) << 40 | sequence
  }

  /// The leadership that issued the number.
  public var epoch: UInt32 { UInt32(raw >> 40) }
  /// The number's place within its epoch.
  public var sequence: UInt64 { raw & (1 << 40 - 1) }

  /// Orders by epoch, then sequence.
  public static func < (left: Fencing, right: Fencing) -> Bool { left.raw < right.raw }
}

/// Version of the policy in force; rises with every activation.
public struct PolicyGeneration: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// The version; 0 means that no policy is active.
  public let value: UInt32

  /// Makes a generation.
  public init(_ value: UInt32) { self.value = value }

  /// Orders by age.
  public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// Workload class as its service binds it: P0 (most urgent) … P3. Never the aged level.
public struct ServiceClass: BitwiseCopyable, Hashable, Comparable, Sendable {
  /// 0 … 3.
  public let rank: UInt8

  /// Makes a class from its rank.
  /// - Returns: nil above 3.
  public init?(rank: UInt8) {
    guard rank < 4 else { return nil }
    self.rank = rank
  }

  private init(unchecked rank: UInt8) { self.rank = rank }

  /// Most urgent.
  public static let p0 = ServiceClass(unchecked: 0)
  /// Interactive.
  public static let p1 = ServiceClass(unchecked: 1)
  /// Routine.
  public static let p2 = ServiceClass(unchecked: 2)
  /// Background.
  public static let p3 = ServiceClass(unchecked: 3)

  /// The more urgent class is less.
  public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}

/// A set of workload classes.
public struct ClassSet: BitwiseCopyable, Hashable, Sendable {
  /// Bit r stands for class Pr.
  public let bits: UInt8

  /// Makes a set from its bits; bits above 3 are dropped.
  public init(bits: UInt8) { self.bits = bits & 0xF }

  /// Every class.
  public static let all = ClassSet(bits: 0xF)

  /// Whether a class is in the set.
  public func contains(_ serviceClass: ServiceClass) -> Bool {
    bits & (1 << serviceClass.rank) != 0
  }
}

/// A set of lanes by row; a pool has at most 64 lanes alive.
public struct LaneSet: BitwiseCopyable, Hashable, Sendable {
  /// Bit r stands for the lane in row r.
  public var bits: UInt64

  /// Makes a set from its bits.
  public init(bits: UInt64 = 0) { self.bits = bits }

  /// No lane.
  public static let none = LaneSet()
  /// The lane in one row.
  static func one(_ row: UInt32) -> LaneSet { LaneSet(bits: 1 << UInt64(row)) }
  /// Whether no lane is in the set.
  public var isEmpty: Bool { bits == 0 }
  /// How many lanes.
  public var count: Int { bits.nonzeroBitCount }
  /// Whether the lane in a row is in the set.
  public func contains(row: UInt32) -> Bool { bits & (1 << UInt64(row)) != 0 }
  /// Adds the lane in a row.
  public mutating func insert(row: UInt32) { bits |= 1 << UInt64(row) }
  /// Adds a lane.
  public mutating func insert(_ lane: LaneID) { insert(row: lane.row) }
  /// The least row in the set.
  public var firstRow: UInt32? { bits == 0 ? nil : UInt32(bits.trailingZeroBitCount) }
  /// The set without its least row.
  public var withoutFirst: LaneSet { LaneSet(bits: bits & (bits &- 1)) }
}
