public import PoolAllocator
public import PoolWire
public import StrictJSON

/// The pool's answer to one request, as it stands right after the command.
public struct AnswerView: Sendable {
  private let scene: Scene
  private let operation: StreamRequest.Operation
  private let op: String
  private let decision: Decision
  private let reasons: [Reason]
  /// Pool time before the command.
  private let asked: Instant
  /// By when the claim starts at the latest, or why nothing is said; nil where none was asked for.
  public let bound: Result<StartBound, Unbounded>?

  /// Looks at an answer.
  /// - Parameters:
  ///   - reasons: what stands in the way, spelt out.
  ///   - op: the word of the operation.
  ///   - asked: pool time before the command: hints count from then.
  public init(
    _ decision: Decision, _ reasons: [Reason], to operation: StreamRequest.Operation,
    called op: String, asked: Instant, in scene: Scene
  ) {
    self.scene = scene
    self.op = op
    self.operation = operation
    self.decision = decision
    self.reasons = reasons
    self.asked = asked
    // Other answers about a claim do not say it, and asking may look at much.
    if case .claim = operation, let id = decision.claim {
      bound = scene.pool.startBound(of: id)
    } else {
      bound = nil
    }
  }

  /// A place in the order is counted only where no more claims wait: it looks at each of them.
  /// Unit: claims.
  public static let placedMax = 1_000

  /// The claim that was asked for.
  private var form: ClaimForm? {
    switch operation {
    case .claim(let form): form
    case .quote(let form): form.claim
    default: nil
    }
  }

  /// When to come back, where that is known.
  public var hint: RetryHint? {
    decision.retryAt.map {
      RetryHint($0, now: asked, key: form?.key ?? NameTable.key(.text, op))
    }
  }

  /// What stands in the way first, in words.
  public var sentence: String? {
    reasons.first.map {
      ReasonText($0, in: scene.pool, names: scene.names, claim: form).sentence
    }
  }

  /// Whether the answer is about a lease that runs.
  public var hasLease: Bool { decision.lease.flatMap { scene.pool.lease($0) } != nil }

  /// Members of an object that is open: the claim, its price, its lease, and what stands in the
  /// way.
  public func write(_ writer: inout JSONWriter) {
    if let form { write(form, &writer) }
    if let id = decision.lease, let lease = scene.pool.lease(id) {
      writer.key("lease")
      writer.lease(id, lease, in: scene.pool, names: scene.names)
      if form != nil { writer.gang(of: id, in: scene.pool, names: scene.names) }
    }
    if let hint { writer.hint(hint) }
    guard !reasons.isEmpty else { return }
    writer.array("blocking") { writer in
      for reason in reasons {
        writer.reason(ReasonText(reason, in: scene.pool, names: scene.names, claim: form))
      }
    }
  }

  private func write(_ form: ClaimForm, _ writer: inout JSONWriter) {
    writer.string("claim", form.name)
    writer.string("tenant", form.tenant)
    writer.gpuSeconds("price_gpu_seconds", decision.price)
    writer.gpuSeconds("reservation_gpu_seconds", decision.reservation)
    if let plan = decision.plan, plan.correctionMilli != Correction.none {
      writer.milli("correction", Int64(plan.correctionMilli))
      let ms = Amounts.nanosecondsPerMilli
      writer.milli("expected_seconds", (plan.expected.ns + ms - 1) / ms)
    }
    if let id = decision.quote { writer.quote(id, in: scene) }
    if scene.pool.waitingClaims <= Self.placedMax,
      let position = decision.claim.flatMap({ scene.pool.position(of: $0) })
    {
      writer.int64("position", Int64(position))
    }
    guard let id = decision.claim else { return }
    writer.degraded(id, in: scene.pool, names: scene.names)
    if let bound { writer.startBound(bound) }
    writer.likely(id, in: scene)
  }
}
