import PoolAllocator
import PoolWire
import StrictJSON

/// What lives in a pool: its leases and the claims that wait, read once.
struct LiveView {
  /// Most leases of one answer. Unit: leases.
  static let leasesMax = 10_000
  /// Most waiting claims of one answer, the first in the order: the place of each costs a look at
  /// its lane's queue. Unit: claims.
  static let waitingMax = 1_000

  struct LeaseRow {
    var id: LeaseID
    var lease: Lease
    var holder: ClaimForm?
  }

  struct WaitingRow {
    var id: ClaimID
    var claim: Claim
    var form: ClaimForm
  }

  private let session: PlaceSession
  private var leases: [LeaseRow] = []
  private var waiting: [WaitingRow] = []

  init(_ session: PlaceSession) {
    self.session = session
    var leases: [LeaseRow] = []
    session.pool.forEachLease { id, lease in
      leases.append(LeaseRow(id: id, lease: lease, holder: session.holders[id]))
    }
    var waiting: [WaitingRow] = []
    session.pool.forEachClaim { id, claim in
      guard claim.isWaiting, let form = session.claims[id] else { return }
      waiting.append(WaitingRow(id: id, claim: claim, form: form))
    }
    waiting.sort { $0.claim.turn < $1.claim.turn }
    self.leases = leases
    self.waiting = waiting
  }

  /// Members of an object that is open.
  func write(_ writer: inout JSONWriter) {
    let (pool, names) = (session.pool, session.names)
    writer.array("leases") { writer in
      for row in leases.prefix(Self.leasesMax) {
        writer.lease(row.id, row.lease, holder: row.holder, in: pool, names: names)
      }
    }
    if leases.count > Self.leasesMax {
      writer.int64("leases_left_out", Int64(leases.count - Self.leasesMax))
    }
    writer.array("waiting") { writer in
      for row in waiting.prefix(Self.waitingMax) {
        writer.object { $0.waiting(row, in: session) }
      }
    }
    if waiting.count > Self.waitingMax {
      writer.int64("waiting_left_out", Int64(waiting.count - Self.waitingMax))
    }
  }
}

extension JSONWriter {
  /// Writes the members of a claim that waits.
  /// - Parameters:
  ///   - blocking: what stands in its way, where that is known.
  ///   - isPlaced: whether its place in the order is counted.
  mutating func waiting(
    _ row: LiveView.WaitingRow, in session: PlaceSession, blocking: [Reason]? = nil,
    isPlaced: Bool = true
  ) {
    string("claim", row.form.name)
    string("tenant", row.form.tenant)
    string("class", row.claim.serviceClass.word)
    string("state", row.claim.state.wire)
    milliseconds("submitted_at_ms", row.claim.turn.submitted)
    array("lanes") { writer in for lane in row.form.lanes { writer.string(lane) } }
    if isPlaced, let position = session.pool.position(of: row.id) {
      int64("position", Int64(position))
    }
    if row.claim.state == .queued { int64("level", Int64(row.claim.level)) }
    planned(row.claim.pin, in: session)
    startBound(row.id, in: session)
    likely(row.id, in: session)
    if row.claim.state == .parked,
      let bucket = row.claim.bucket.flatMap({ session.pool.bucket($0) })
    {
      let name = session.names.text(bucket.rule.key)
      if bucket.delegation == nil {
        string("bucket", name)
      } else {
        string("budget", NamePath.last(name))
      }
    }
    approval(row.claim, in: session)
    degraded(row.id, in: session.pool, names: session.names)
    if let row = row.claim.heldBy, let identity = session.pool.identity(atRow: row) {
      string("held_by", "\(identity.kind)")
    }
    array("blocking") { writer in
      for reason in blocking ?? session.pool.obstacles(of: row.id) {
        writer.reason(
          ReasonText(reason, in: session.pool, names: session.names, claim: row.form))
      }
    }
  }

  /// Writes what is kept for a claim: the start that it was promised.
  private mutating func planned(_ pin: Pin?, in session: PlaceSession) {
    guard let pin else { return }
    object("planned") { writer in
      if let lane = session.pool.lane(pin.lane) {
        writer.string("lane", session.names.text(lane.key))
      }
      if let node = session.pool.node(pin.node) {
        writer.string("node", session.names.text(node.enrolment.key))
      }
      writer.milliseconds("at_ms", pin.starts)
    }
  }
}
