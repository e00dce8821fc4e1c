public import PoolAllocator
public import PoolWire
public import StrictJSON

/// Everything that is known of one claim: lane by lane what stands in its way and what it would
/// cost, and what would run instead; of one that runs, where, since when and at what cost.
public struct ExplanationView: Sendable {
  let scene: Scene
  let form: ClaimForm
  /// Nil where nobody submitted it.
  let id: ClaimID?
  /// Why it is not said what would run instead.
  private let refusal: ExplainBudget.Refusal?

  /// A place in the order is counted only where no more claims wait: it looks at each of them.
  /// Unit: claims.
  public static let placedMax = 10_000

  /// Looks at a claim; without an id at one that nobody submitted.
  /// - Parameter refusal: why it is not said what would run instead; nil: it is.
  public init(
    of form: ClaimForm, _ id: ClaimID?, in scene: Scene,
    refusing refusal: ExplainBudget.Refusal? = nil
  ) {
    self.scene = scene
    self.form = form
    self.id = id
    self.refusal = refusal
  }

  private func alternatives(submitted: Instant) -> AlternativesView {
    AlternativesView(of: form, submitted: submitted, in: scene, refusing: refusal)
  }

  /// What one lane says.
  private struct LaneRow {
    var lane: Lane
    /// Nil where it never serves the claim.
    var price: Credits?
    var reservation: Credits?
    var would: Decision.Verdict?
    var reasons: [Reason]
    var clears: Instant?
  }

  private var pool: Pool { scene.pool }

  /// Members of an object that is open.
  public func write(_ writer: inout JSONWriter) {
    guard let id, let claim = pool.claim(id) else { return writeNew(&writer) }
    if claim.isWaiting {
      writeWaiting(id, claim, &writer)
    } else {
      writeRunning(id, claim, &writer)
    }
  }

  // MARK: a claim that nobody submitted

  private func writeNew(_ writer: inout JSONWriter) {
    let spec = form.spec(in: pool, at: pool.now)
    let judgement = pool.judgement(on: spec)
    writer.string("claim", form.name)
    writer.string("tenant", form.tenant)
    let service = pool.policy.services.first { $0.key == spec.service }
    if let service { writer.string("class", service.serviceClass.word) }
    writer.string("state", "not_submitted")
    writer.string("would_be", judgement.verdict.wire)
    if judgement.verdict != .rejected, judgement.verdict != .infeasible {
      writePrice(judgement.price, judgement.reservation, &writer)
    }
    if let moment = judgement.retryAt {
      writer.hint(RetryHint(moment, now: pool.now, key: form.key))
    }
    writeReasons(judgement.reasons, &writer)
    write(
      lanes(of: spec).map { id, lane in
        let alone = pool.judgement(on: spec, in: id)
        let isRefused = alone.verdict == .rejected || alone.verdict == .infeasible
        return LaneRow(
          lane: lane, price: isRefused ? nil : alone.price,
          reservation: isRefused ? nil : alone.reservation, would: alone.verdict,
          reasons: alone.reasons, clears: alone.retryAt)
      }, &writer)
    writer.alternatives(alternatives(submitted: pool.now), at: pool.now)
  }

  // MARK: a claim that waits

  private func writeWaiting(_ id: ClaimID, _ claim: Claim, _ writer: inout JSONWriter) {
    let (all, lanes) = pool.obstaclesByLane(of: id)
    let rows = lanes.compactMap { lane, reasons -> LaneRow? in
      guard let row = pool.lane(lane) else { return nil }
      let price = pool.price(of: id, in: lane)
      return LaneRow(
        lane: row, price: price?.price, reservation: price?.reservation, reasons: reasons,
        clears: claim.state == .awaitingApproval ? nil : Self.latest(reasons))
    }
    writer.waiting(
      LiveView.WaitingRow(id: id, claim: claim, form: form), in: scene, blocking: all,
      isPlaced: pool.waitingClaims <= Self.placedMax)
    if let row = cheapest(rows) { writePrice(row.price, row.reservation, &writer) }
    if let moment = rows.compactMap(\.clears).min() {
      writer.hint(RetryHint(moment, now: pool.now, key: form.key))
    }
    write(rows, &writer)
    writer.alternatives(alternatives(submitted: claim.turn.submitted), at: pool.now)
  }

  /// Lanes of its own tenant first, then the cheapest: the order in which they are tried.
  private func cheapest(_ rows: [LaneRow]) -> LaneRow? {
    func rank(_ row: LaneRow) -> (Int, Int64) {
      (row.lane.rule.owner == nil ? 1 : 0, row.price?.value ?? .max)
    }
    return rows.filter { $0.price != nil }.min { rank($0) < rank($1) }
  }

  /// When all of a lane's reasons have cleared, where each says when it does; those of a shortage's
  /// causes say nothing of it.
  private static func latest(_ reasons: [Reason]) -> Instant? {
    let clears = reasons.filter { !$0.code.isCause }.map(\.clearsAt)
    return clears.contains(nil) ? nil : clears.compactMap { $0 }.max()
  }

  // MARK: a claim that has leases

  private func writeRunning(_ id: ClaimID, _ claim: Claim, _ writer: inout JSONWriter) {
    writer.string("claim", form.name)
    writer.string("tenant", form.tenant)
    writer.string("class", claim.serviceClass.word)
    writer.string("state", claim.state.wire)
    writer.milliseconds("submitted_at_ms", claim.turn.submitted)
    let leases = claim.lease.map { pool.gang(of: $0) } ?? []
    if let lane = claim.lease.flatMap({ pool.lease($0)?.lane }),
      let price = pool.price(of: id, in: lane)
    {
      writePrice(price.price, price.reservation, &writer)
    }
    writer.degraded(id, in: pool, names: scene.names)
    writer.array("runs") { writer in
      for id in leases {
        guard let lease = pool.lease(id) else { continue }
        writer.object { writer in
          writer.key("lease")
          writer.lease(id, lease, in: pool, names: scene.names)
          if let started = lease.started { writer.milliseconds("started_ms", started) }
          writer.gpuSeconds("spent_gpu_seconds", pool.spent(by: id))
        }
      }
    }
  }

  // MARK: lanes

  private func lanes(of spec: ClaimSpec) -> [(LaneID, Lane)] {
    var found: [(LaneID, Lane)] = []
    pool.forEachLane { id, lane in
      if spec.lanes.contains(row: id.row) { found.append((id, lane)) }
    }
    return found
  }

  private func write(_ rows: [LaneRow], _ writer: inout JSONWriter) {
    writer.array("by_lane") { writer in
      for row in rows {
        writer.object { writer in
          writer.string("lane", scene.names.text(row.lane.key))
          writer.string("profile", scene.names.text(row.lane.profile.key))
          if let would = row.would { writer.string("would_be", would.wire) }
          writePrice(row.price, row.reservation, &writer)
          if let moment = row.clears { writer.milliseconds("clears_at_ms", moment) }
          writeReasons(row.reasons, &writer)
        }
      }
    }
  }

  private func writePrice(
    _ price: Credits?, _ reservation: Credits?, _ writer: inout JSONWriter
  ) {
    guard let price, let reservation else { return }
    writer.gpuSeconds("price_gpu_seconds", price)
    writer.gpuSeconds("reservation_gpu_seconds", reservation)
  }

  private func writeReasons(_ reasons: [Reason], _ writer: inout JSONWriter) {
    writer.array("blocking") { writer in
      for reason in reasons {
        writer.reason(ReasonText(reason, in: pool, names: scene.names, claim: form))
      }
    }
  }
}
