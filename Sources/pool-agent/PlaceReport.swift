import PoolAllocator
import PoolConsole
import PoolViews
import PoolWire

/// What became of the claims of one call.
struct PlaceReport {
  /// One claim, from its first answer to where it stands at the end.
  struct Entry {
    var form: ClaimForm
    var serviceClass: String
    var verdict: Decision.Verdict
    /// Where it stands now; nil where it was refused or has ended.
    var state: ClaimState?
    var id: ClaimID?
    var price: Credits
    var reservation: Credits
    var position: Int?
    var startBound: Result<StartBound, Unbounded>?
    var planned: Instant?
    var bucket: String?
    /// When its request for an approval lapses.
    var lapses: Instant?
    var hint: RetryHint?
    var reasons: [ReasonText]
    var lease: (id: LeaseID, lease: Lease)?
    var ended: String?
    var degraded: DegradationText?

    /// Whether it was granted devices, now or before.
    var isPlaced: Bool { !isWaiting && id != nil }

    var isWaiting: Bool {
      state == .queued || state == .parked || state == .awaitingApproval
    }
  }

  private(set) var entries: [Entry] = []
  let view: PoolView
  let session: PlaceSession
  let elapsedNanoseconds: Int64

  /// Submits the claims in order, each at its time, then lets the pool settle.
  init(deciding claims: [ClaimForm], in session: inout PlaceSession) throws(UsageError) {
    let start = Console.monotonicNanoseconds()
    var entries: [Entry] = []
    for form in claims {
      if let at = form.at { session.advancePlayingAgents(to: at) }
      let decision = try PlaceCommand.collisionFree { () throws(NameCollision) in
        try session.submit(form)
      }
      entries.append(Self.entry(form, decision, session))
    }
    session.tick(at: session.pool.now)
    session.playAgents()
    var ends: [String: String] = [:]
    for happening in session.takeHappenings() where happening.event == "claim_ended" {
      let words = happening.texts
      ends[NamePath.join(words["tenant"] ?? "", words["claim"] ?? "")] = words["end"]
    }
    elapsedNanoseconds = Console.monotonicNanoseconds() - start
    self.entries = entries.map { entry in
      var entry = entry
      Self.follow(&entry, session)
      if entry.id != nil, entry.state == nil {
        entry.ended = ends[NamePath.join(entry.form.tenant, entry.form.name)] ?? "ended"
      }
      return entry
    }
    self.session = session
    view = PoolView(session.look())
  }

  private static func entry(
    _ form: ClaimForm, _ decision: Decision, _ session: PlaceSession
  ) -> Entry {
    let now = session.pool.now
    let rank = session.pool.policy.services.first {
      $0.key == NameTable.key(.service, form.service)
    }
    return Entry(
      form: form, serviceClass: rank?.serviceClass.word ?? "-", verdict: decision.verdict,
      state: nil, id: decision.claim, price: decision.price, reservation: decision.reservation,
      hint: decision.retryAt.map { RetryHint($0, now: now, key: form.key) },
      reasons: session.reasons(of: decision, claim: form))
  }

  /// Where a claim stands after everything was decided.
  private static func follow(_ entry: inout Entry, _ session: PlaceSession) {
    guard let id = entry.id, let claim = session.pool.claim(id) else { return }
    entry.state = claim.state
    entry.degraded = DegradationText(id, in: session.pool, names: session.names)
    entry.position = session.pool.position(of: id)
    if claim.state == .queued {
      entry.startBound = session.pool.startBound(of: id)
      entry.planned = session.pool.planned(id)
    }
    if claim.state == .awaitingApproval { entry.lapses = claim.approval?.lapses }
    if claim.state == .parked {
      entry.bucket = claim.bucket.flatMap { session.pool.bucket($0) }
        .map { session.names.text($0.rule.key) }
    }
    if let lease = claim.lease, let row = session.pool.lease(lease) { entry.lease = (lease, row) }
  }

  var granted: [Entry] { entries.filter { $0.lease != nil } }
  var degraded: [Entry] { entries.filter { $0.degraded != nil } }
  var waiting: [Entry] { entries.filter(\.isWaiting) }
  var refused: [Entry] { entries.filter { $0.id == nil } }
  var ended: [Entry] { entries.filter { $0.ended != nil } }

  /// 0 where all were decided; for exactly one claim its outcome.
  var exitCode: Int32 {
    guard entries.count == 1, let entry = entries.first else { return 0 }
    if entry.isWaiting { return 3 }
    switch entry.verdict {
    case .rejected: return 4
    case .infeasible: return 5
    default: return 0
    }
  }

  /// `3 granted, 1 queued, …`.
  var footer: String {
    let queued = entries.filter { $0.state == .queued }.count
    let parked = entries.filter { $0.state == .parked }.count
    var parts = ["\(granted.count) granted", "\(queued) queued", "\(parked) parked"]
    let awaiting = entries.filter { $0.state == .awaitingApproval }.count
    if awaiting > 0 { parts.append("\(awaiting) awaiting approval") }
    parts.append("\(refused.count) refused")
    if !degraded.isEmpty { parts.append("\(degraded.count) degraded") }
    if !ended.isEmpty { parts.append("\(ended.count) ended") }
    let microseconds = (elapsedNanoseconds + 50_000) / 100_000
    let time = "\(microseconds / 10).\(microseconds % 10) ms"
    return parts.joined(separator: ", ")
      + "; policy generation \(view.generation.value); decided in \(time)"
  }
}
