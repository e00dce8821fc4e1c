@testable import PoolAllocator

/// One grant of a claim, as later lines name it: `c1` is the last, `c1#1` the first.
struct TableGrant {
  var lease: LeaseID
  var fencing: Fencing
}

/// What the rows of a pool are called in a table; rows that went keep their names.
struct TableNames {
  private var nodes: [NodeID: String] = [:]
  private var devices: [DeviceID: String] = [:]
  private var claims: [ClaimID: String] = [:]
  private var leases: [LeaseID: String] = [:]
  private var buckets: [BucketID: String] = [:]
  private var bucketRows: [UInt32: String] = [:]
  private var quotes: [QuoteID: String] = [:]
  private var tenants: [TenantID: String] = [:]
  private var laneRows: [UInt32: String] = [:]
  private var identityRows: [UInt32: String] = [:]
  /// Grants by claim.
  private(set) var grants: [String: [TableGrant]] = [:]

  subscript(id: NodeID) -> String { nodes[id] ?? "?" }
  subscript(id: DeviceID) -> String { devices[id] ?? "?" }
  subscript(id: ClaimID) -> String { claims[id] ?? "?" }
  subscript(id: LeaseID) -> String { leases[id] ?? "?" }
  subscript(id: BucketID) -> String { buckets[id] ?? "?" }
  subscript(id: QuoteID) -> String { quotes[id] ?? "?" }
  subscript(id: TenantID) -> String { tenants[id] ?? "?" }
  subscript(id: LaneID) -> String { laneRows[id.row] ?? "?" }
  func lane(row: UInt32) -> String { laneRows[row] ?? "?" }
  func bucket(row: UInt32) -> String { bucketRows[row] ?? "?" }
  func identity(row: UInt32) -> String { identityRows[row] ?? "?" }

  /// The claim whose lease this is, without the number of the grant.
  func claim(of lease: LeaseID) -> String { String(self[lease].prefix { $0 != "#" }) }

  func lanes(_ set: LaneSet) -> String {
    var names: [String] = []
    var left = set
    while let row = left.firstRow {
      names.append(lane(row: row))
      left = left.withoutFirst
    }
    return names.joined(separator: "+")
  }

  /// The grant that `c1` or `c1#2` means.
  func grant(_ name: String) throws -> TableGrant {
    let parts = name.split(separator: "#")
    let all = grants[String(parts[0])] ?? []
    let number = parts.count == 2 ? try TableValue.int(parts[1]) : all.count
    guard number >= 1, number <= all.count else { throw TableError("no lease \(name)") }
    return all[number - 1]
  }

  /// Takes in the names that one command brought.
  mutating func learn(_ pool: Pool, _ log: EventLog) {
    pool.forEachTenant { id, tenant in tenants[id] = TableValue.name(tenant.key) }
    for event in log.events {
      switch event {
      case .nodeEnrolled(let id, let fact):
        nodes[id] = TableValue.name(log.enrolments[Int(fact)].key)
      case .deviceAdvertised(let id, let fact):
        devices[id] = TableValue.name(log.deviceFacts[Int(fact)].report.key)
      case .claimSubmitted(let id, let fact):
        claims[id] = TableValue.name(log.claimFacts[Int(fact)].spec.key)
      case .quoteIssued(let id, let fact):
        quotes[id] = TableValue.name(log.quotes[Int(fact)].key)
      case .leaseGranted(let id, let members):
        let claim = self[id]
        for grant in log.grants[members.indices] {
          grants[claim, default: []].append(
            TableGrant(lease: grant.lease, fencing: grant.fencing))
          let number = grants[claim]?.count ?? 0
          leases[grant.lease] = number > 1 ? "\(claim)#\(number)" : claim
        }
      default: break
      }
    }
    pool.forEachLane { laneRows[$0.row] = TableValue.name($1.key) }
    pool.forEachBucket { id, bucket in
      buckets[id] = TableValue.name(bucket.rule.key)
      bucketRows[id.row] = buckets[id]
    }
    pool.identities.forEach { identityRows[$0.row] = "\($1.kind) \(TableValue.name($1.key))" }
    pool.forEachDevice { id, device in
      let key = TableValue.name(device.report.key)
      if devices[id] == nil { devices[id] = key + (device.lane.map { "/" + lane(row: $0) } ?? "") }
    }
  }
}
