public import PoolAllocator
import PoolWire
public import StrictJSON

/// What lives in a pool: its leases and the claims that wait, read once.
public struct LiveView: Sendable {
  /// Most leases of one answer. Unit: leases.
  public static let leasesMax = 10_000
  /// Most waiting claims of one answer, the first in the order: the place of each costs a look at
  /// its lane's queue. Unit: claims.
  public static let waitingMax = 1_000

  struct LeaseRow {
    var id: LeaseID
    var lease: Lease
    var holder: ClaimForm?
  }

  /// A claim that waits.
  public struct WaitingRow: Sendable {
    var id: ClaimID
    var claim: Claim
    var form: ClaimForm
  }

  private let scene: Scene
  private var leases: [LeaseRow] = []
  private var waiting: [WaitingRow] = []

  /// Reads a scene.
  /// - Parameter tenant: whose leases and claims alone; nil: those of all.
  public init(_ scene: Scene, of tenant: String? = nil) {
    self.scene = scene
    var leases: [LeaseRow] = []
    scene.pool.forEachLease { id, lease in
      let holder = scene.holders[id]
      if tenant == nil || holder?.tenant == tenant {
        leases.append(LeaseRow(id: id, lease: lease, holder: holder))
      }
    }
    var waiting: [WaitingRow] = []
    scene.pool.forEachClaim { id, claim in
      guard claim.isWaiting, let form = scene.claims[id], tenant == nil || form.tenant == tenant
      else { return }
      waiting.append(WaitingRow(id: id, claim: claim, form: form))
    }
    waiting.sort { $0.claim.turn < $1.claim.turn }
    self.leases = leases
    self.waiting = waiting
  }

  /// Members of an object that is open.
  public func write(_ writer: inout JSONWriter) {
    writeLeases(&writer)
    writeWaiting(&writer)
  }

  /// The leases, as members of an object that is open.
  public func writeLeases(_ writer: inout JSONWriter) {
    let (pool, names) = (scene.pool, scene.names)
    writer.array("leases") { writer in
      for row in leases.prefix(Self.leasesMax) {
        writer.lease(row.id, row.lease, holder: row.holder, in: pool, names: names)
      }
    }
    if leases.count > Self.leasesMax {
      writer.int64("leases_left_out", Int64(leases.count - Self.leasesMax))
    }
  }

  /// The claims that wait, the first in the order first, as members of an object that is open.
  /// - Parameter limit: how many at most; those behind them are counted. Unit: claims.
  public func writeWaiting(_ writer: inout JSONWriter, atMost limit: Int = Self.waitingMax) {
    writer.array("waiting") { writer in
      for row in waiting.prefix(limit) {
        writer.object { $0.waiting(row, in: scene) }
      }
    }
    if waiting.count > limit {
      writer.int64("waiting_left_out", Int64(waiting.count - limit))
    }
  }
}

extension JSONWriter {
  /// Writes the members of a claim that waits.
  /// - Parameters:
  ///   - blocking: what stands in its way, where that is known.
  ///   - isPlaced: whether its place in the order is counted.
  public mutating func waiting(
    _ row: LiveView.WaitingRow, in scene: Scene, blocking: [Reason]? = nil,
    isPlaced: Bool = true
  ) {
    string("claim", row.form.name)
    string("tenant", row.form.tenant)
    string("class", row.claim.serviceClass.word)
    string("state", row.claim.state.wire)
    milliseconds("submitted_at_ms", row.claim.turn.submitted)
    array("lanes") { writer in for lane in row.form.lanes { writer.string(lane) } }
    if isPlaced, let position = scene.pool.position(of: row.id) {
      int64("position", Int64(position))
    }
    if row.claim.state == .queued { int64("level", Int64(row.claim.level)) }
    planned(row.claim.pin, in: scene)
    startBound(row.id, in: scene)
    likely(row.id, in: scene)
    if row.claim.state == .parked,
      let bucket = row.claim.bucket.flatMap({ scene.pool.bucket($0) })
    {
      let name = scene.names.text(bucket.rule.key)
      if bucket.delegation == nil {
        string("bucket", name)
      } else {
        string("budget", NamePath.last(name))
      }
    }
    approval(row.claim, in: scene)
    degraded(row.id, in: scene.pool, names: scene.names)
    if let row = row.claim.heldBy, let identity = scene.pool.identity(atRow: row) {
      string("held_by", "\(identity.kind)")
    }
    array("blocking") { writer in
      for reason in blocking ?? scene.pool.obstacles(of: row.id) {
        writer.reason(
          ReasonText(reason, in: scene.pool, names: scene.names, claim: row.form))
      }
    }
  }

  /// Writes what is kept for a claim: the start that it was promised.
  private mutating func planned(_ pin: Pin?, in scene: Scene) {
    guard let pin else { return }
    object("planned") { writer in
      if let lane = scene.pool.lane(pin.lane) {
        writer.string("lane", scene.names.text(lane.key))
      }
      if let node = scene.pool.node(pin.node) {
        writer.string("node", scene.names.text(node.enrolment.key))
      }
      writer.milliseconds("at_ms", pin.starts)
    }
  }
}
