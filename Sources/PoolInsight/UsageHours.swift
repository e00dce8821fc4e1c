public import PoolAllocator

/// What work reserved and was charged, by tenant, class and hour of pool time: folded from the
/// events of every command, so that folding a journal again gives the same.
public struct UsageHours: Hashable, Sendable {
  /// Hours that are kept, the present one among them. Unit: hours.
  public static let kept: Int64 = 48
  private static let hour: Int64 = 3_600_000_000_000

  /// What the work of a tenant's class took in one hour.
  public struct Row: Hashable, Sendable {
    /// The class.
    public let serviceClass: ServiceClass
    /// When the hour began.
    public let from: Instant
    /// What grants and renewals reserved in it.
    public let reserved: Credits
    /// What of reservations, of whichever hour, was charged in it.
    public let charged: Credits
  }

  private struct Place: Hashable {
    var tenant: Key
    var serviceClass: ServiceClass
    /// Whole hours of pool time before it.
    var hour: Int64
  }

  /// Credits; sums that pass `Credits.limit` stay there.
  private struct Amounts: Hashable {
    var reserved: Int64 = 0
    var charged: Int64 = 0
  }

  private struct Holder: Hashable {
    var tenant: Key
    var serviceClass: ServiceClass
  }

  private var amounts: [Place: Amounts] = [:]
  private var newest: Int64 = 0
  /// Of leases that live: the claim of one may end before it is settled.
  private var holders: [LeaseID: Holder] = [:]

  /// Begins with nothing, for an empty pool.
  public init() {}

  /// Takes in what a command did.
  /// - Parameter pool: as it is behind the command.
  /// - Complexity: O(events).
  public mutating func fold(_ log: borrowing EventLog, in pool: borrowing Pool) {
    // A server that begins goes over millions of them.
    let events = log.events.rows
    for index in 0..<log.events.count {
      switch events[index] {
      case .leaseGranted(let id, let grants):
        guard let claim = pool.claim(id), let holder = Self.holder(of: claim, in: pool) else {
          continue
        }
        for grant in log.grants[grants.indices] {
          holders[grant.lease] = holder
          add(grant.reserved, .zero, of: grant.lease, at: log.at)
        }
      case .leaseRenewed(let id, _, let reserved, _): add(reserved, .zero, of: id, at: log.at)
      case .settled(let id, _, let charge, _, _): add(.zero, charge, of: id, at: log.at)
      case .leaseEnded(let id): holders[id] = nil
      default: break
      }
    }
  }

  private static func holder(of claim: Claim, in pool: borrowing Pool) -> Holder? {
    pool.tenant(claim.tenant).map {
      Holder(tenant: $0.key, serviceClass: claim.serviceClass)
    }
  }

  private mutating func add(
    _ reserved: Credits, _ charged: Credits, of lease: LeaseID, at now: Instant
  ) {
    guard let holder = holders[lease], reserved > .zero || charged > .zero else { return }
    let place = Place(
      tenant: holder.tenant, serviceClass: holder.serviceClass, hour: now.ns / Self.hour)
    if place.hour > newest {
      newest = place.hour
      amounts = amounts.filter { $0.key.hour > place.hour - Self.kept }
    }
    var sum = amounts[place] ?? Amounts()
    // Each is at most the limit, so that two of them do not pass what 64 bits hold.
    sum.reserved = min(Credits.limit, sum.reserved + reserved.value)
    sum.charged = min(Credits.limit, sum.charged + charged.value)
    amounts[place] = sum
  }

  /// What a tenant's work took, hour by hour and by class; hours without work are left out.
  /// - Parameter now: pool time.
  /// - Complexity: O(all rows).
  public func rows(of tenant: Key, at now: Instant) -> [Row] {
    amounts.filter {
      $0.key.tenant == tenant && $0.key.hour > now.ns / Self.hour - Self.kept
    }.map { place, sum in
      Row(
        serviceClass: place.serviceClass, from: Instant(ns: place.hour * Self.hour),
        reserved: Credits(sum.reserved), charged: Credits(sum.charged))
    }.sorted { ($0.from, $0.serviceClass) < ($1.from, $1.serviceClass) }
  }

  // MARK: beside an image of the pool

  /// Words of a row in bytes.
  private static let words = 6
  /// Words of whose lease one is.
  private static let holderWords = 4

  /// The rows in bytes, for whoever keeps an image of the pool, and whose leases live: the claim of
  /// one that is not settled yet may be gone.
  public func image() -> [UInt8] {
    var rows = amounts.map { place, sum in
      [
        place.tenant.high, place.tenant.low, UInt64(place.hour),
        UInt64(place.serviceClass.rank), UInt64(sum.reserved), UInt64(sum.charged),
      ]
    }
    rows.sort { $0.lexicographicallyPrecedes($1) }
    var leases = holders.map { id, holder in
      [
        UInt64(id.row) << 32 | UInt64(id.generation), holder.tenant.high, holder.tenant.low,
        UInt64(holder.serviceClass.rank),
      ]
    }
    leases.sort { $0.lexicographicallyPrecedes($1) }
    let all = [[UInt64(rows.count)]] + rows + leases
    var bytes: [UInt8] = []
    bytes.reserveCapacity((1 + rows.count * Self.words + leases.count * Self.holderWords) * 8)
    for word in all.joined() {
      for shift in stride(from: UInt64(0), to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: word >> shift))
      }
    }
    return bytes
  }

  /// Reads an image.
  /// - Parameters:
  ///   - image: what `image()` gave beside the image of the pool.
  ///   - pool: of that image.
  /// - Returns: nil where it is none.
  public init?(image: [UInt8], in pool: borrowing Pool) {
    guard image.count % 8 == 0 else { return nil }
    let all = stride(from: 0, to: image.count, by: 8).map { start -> UInt64 in
      image[start..<(start + 8)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    guard let first = all.first, first <= UInt64(all.count / Self.words) else { return nil }
    let end = 1 + Int(first) * Self.words
    guard end <= all.count, (all.count - end) % Self.holderWords == 0 else { return nil }
    for start in stride(from: 1, to: end, by: Self.words) {
      let row = all[start..<(start + Self.words)].map { $0 }
      guard let serviceClass = Self.serviceClass(row[3]), let hour = Int64(exactly: row[2]),
        let reserved = Self.amount(row[4]), let charged = Self.amount(row[5])
      else { return nil }
      let place = Place(
        tenant: Key(high: row[0], low: row[1]), serviceClass: serviceClass, hour: hour)
      amounts[place] = Amounts(reserved: reserved, charged: charged)
      newest = max(newest, hour)
    }
    for start in stride(from: end, to: all.count, by: Self.holderWords) {
      let id = LeaseID(
        row: UInt32(truncatingIfNeeded: all[start] >> 32),
        generation: UInt32(truncatingIfNeeded: all[start]))
      guard pool.lease(id) != nil, let serviceClass = Self.serviceClass(all[start + 3]) else {
        return nil
      }
      holders[id] = Holder(
        tenant: Key(high: all[start + 1], low: all[start + 2]), serviceClass: serviceClass)
    }
  }

  private static func serviceClass(_ word: UInt64) -> ServiceClass? {
    word < 4 ? ServiceClass(rank: UInt8(word)) : nil
  }

  private static func amount(_ word: UInt64) -> Int64? {
    Int64(exactly: word).flatMap { $0 <= Credits.limit ? $0 : nil }
  }
}
