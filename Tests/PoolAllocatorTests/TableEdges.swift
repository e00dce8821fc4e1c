@testable import PoolAllocator

/// One step of a state machine.
struct TableEdge: Hashable, Comparable, CustomStringConvertible {
  let machine: String
  let from: String
  let to: String

  var description: String { "\(machine): \(from) → \(to)" }

  static func < (left: TableEdge, right: TableEdge) -> Bool {
    left.description < right.description
  }
}

/// The state of every row that has a state machine.
struct TableStates {
  private var reach: [NodeID: Reach] = [:]
  private var duty: [NodeID: Duty] = [:]
  private var health: [DeviceID: Health] = [:]
  private var leases: [LeaseID: LeaseState] = [:]
  private var claims: [ClaimID: ClaimState] = [:]
  private var guarantees: [LaneID: String] = [:]
  private var budgets: [BucketID: String] = [:]
  private var emergencies: [BucketID: String] = [:]
  private var quotes: [QuoteID: String] = [:]

  /// `open`, `spent`, `expired` or `revoked`; nil for a bucket of the policy.
  static func state(of bucket: Bucket) -> String? {
    guard let delegation = bucket.delegation else { return nil }
    switch delegation.closed {
    case .delegationExpired: return "expired"
    case .delegationRevoked: return "revoked"
    default: return bucket.credits.level > .zero ? "open" : "spent"
    }
  }

  /// `open`, or how it ended.
  static func state(of quote: Quote) -> String { quote.end.map { "\($0)" } ?? "open" }

  init(_ pool: Pool) {
    pool.forEachNode { (reach[$0], duty[$0]) = ($1.reach, $1.duty) }
    var sets: Set<Key> = []
    pool.forEachDevice { id, device in
      // A lane's part of a CPU set is made from the set, with the set's health.
      let isPart = device.report.kind == .cpu && !sets.insert(device.report.key).inserted
      if !isPart { health[id] = device.health }
    }
    pool.forEachLease { leases[$0] = $1.state }
    pool.forEachQuote { quotes[$0] = Self.state(of: $1) }
    pool.forEachClaim { claims[$0] = $1.state }
    pool.forEachBucket { id, bucket in
      budgets[id] = Self.state(of: bucket)
      if budgets[id] == nil { emergencies[id] = bucket.emergencyUntil == nil ? "closed" : "open" }
    }
    pool.forEachLane { id, lane in
      if lane.rule.reserved > 0 { guarantees[id] = lane.short > 0 ? "impaired" : "bound" }
    }
  }

  /// The steps that lead from here to other states; what is no longer there has ended.
  func edges(to next: TableStates) -> Set<TableEdge> {
    var edges: Set<TableEdge> = []
    func compare<Row, State: Equatable>(
      _ machine: String, _ before: [ID<Row>: State], _ after: [ID<Row>: State], end: String
    ) {
      for (id, old) in before where after[id] != old {
        let to = after[id].map { "\($0)" } ?? end
        // A device that left while leases held it only gives up its row.
        if "\(old)" != to { edges.insert(TableEdge(machine: machine, from: "\(old)", to: to)) }
      }
    }
    compare("reach", reach, next.reach, end: "gone")
    compare("duty", duty, next.duty, end: "gone")
    compare("health", health, next.health, end: "gone")
    compare("lease", leases, next.leases, end: "ended")
    compare("claim", claims, next.claims, end: "ended")
    compare("guarantee", guarantees, next.guarantees, end: "gone")
    compare("emergency", emergencies, next.emergencies, end: "closed")
    compare("quote", quotes, next.quotes, end: "gone")
    compare("budget", budgets, next.budgets, end: "gone")
    edges.remove(TableEdge(machine: "claim", from: "new", to: "new"))
    return edges.filter { !["duty", "guarantee"].contains($0.machine) || $0.to != "gone" }
  }
}

/// Reservations: each quantum of a lease is reserved once and settled once.
struct TableReservations {
  private struct Quantum: Hashable {
    let lease: LeaseID
    let number: UInt32
  }
  private var open: Set<Quantum> = []

  /// Folds one event; the pool is that before the event.
  mutating func take(_ event: Event, _ log: EventLog, _ pool: Pool) throws -> TableEdge? {
    switch event {
    case .leaseGranted(_, let grants):
      for grant in log.grants[grants.indices] {
        open.insert(Quantum(lease: grant.lease, number: 1))
      }
    case .leaseRenewed(let id, _, _, _):
      guard let lease = pool.lease(id) else { throw TableError("renewal of no lease") }
      open.insert(Quantum(lease: id, number: lease.quantum + 1))
    case .settled(let id, let number, _, _, _):
      guard open.remove(Quantum(lease: id, number: number)) != nil else {
        throw TableError("quantum \(number) was settled and not reserved")
      }
      return TableEdge(machine: "reservation", from: "reserved", to: "settled")
    case .leaseEnded(let id):
      guard !open.contains(where: { $0.lease == id }) else {
        throw TableError("a lease ended with an open reservation")
      }
      return nil
    default: return nil
    }
    return TableEdge(machine: "reservation", from: "none", to: "reserved")
  }
}

/// Approvals: each is asked for once, decided at most once, and used by its claim alone.
struct TableApprovals {
  private var states: [ClaimID: String] = [:]

  /// Folds one event of one command's log.
  mutating func take(_ event: Event, _ log: borrowing EventLog) throws -> TableEdge? {
    switch event {
    case .approvalRequested(let id, _, _): return move(id, from: nil, to: "requested")
    case .approvalGranted(let id, _): return move(id, from: "requested", to: "granted")
    case .approvalDenied(let id, _):
      defer { states[id] = nil }
      return move(id, from: nil, to: states[id] == "granted" ? "revoked" : "denied")
    case .approvalLapsed(let id):
      defer { states[id] = nil }
      return move(id, from: "requested", to: "lapsed")
    case .claimQueued(let id, _, _, _) where states[id] == "requested":
      defer { states[id] = nil }
      return move(id, from: "requested", to: "withdrawn")
    case .leaseGranted(let id, _) where states[id] == "granted":
      return move(id, from: "granted", to: "used")
    case .claimEnded(let id, _):
      defer { states[id] = nil }
      guard let state = states[id], state != "used" else { return nil }
      return move(id, from: state, to: "withdrawn")
    default: return nil
    }
  }

  private mutating func move(_ id: ClaimID, from: String?, to: String) -> TableEdge {
    defer { states[id] = to }
    return TableEdge(machine: "approval", from: from ?? states[id] ?? "none", to: to)
  }
}

/// The edges that docs/STATES.md lists: rows `| machine | from, from | to | cause |`.
enum TableStatesPage {
  static func edges(in text: String) -> [TableEdge] {
    text.split(separator: "\n").flatMap { line -> [TableEdge] in
      let cells = line.split(separator: "|").map { $0.filter { $0 != " " && $0 != "`" } }
      guard line.hasPrefix("|"), cells.count >= 4, cells[0] != "machine", cells[0].first != "-"
      else { return [] }
      return cells[1].split(separator: ",").flatMap { from in
        cells[2].split(separator: ",").map {
          TableEdge(machine: cells[0], from: String(from), to: String($0))
        }
      }
    }
  }
}
