public import PoolAllocator
public import PoolWire
public import StrictJSON

/// What would be granted at once instead of a claim: the model behind the table and the JSON.
public struct AlternativesView: Sendable {
  /// One alternative, in the names of the pool.
  public struct Row: Sendable {
    var change: Alternative.Change
    var from: String
    var to: String
    /// Where it would run.
    public var lane: String
    /// What would be granted.
    public var alternative: Alternative
  }

  /// Why there is none.
  public enum Absence: Sendable {
    case approvalNeeded
    case grantedAsAsked
    case nothingRuns
    case budgetSpent(ExplainBudget.Refusal)
    case leftOut(after: Int)
  }

  /// The claim.
  public let form: ClaimForm
  /// What would be granted instead.
  public private(set) var rows: [Row] = []
  /// Why there is none.
  public private(set) var absence: Absence?

  /// Asks the pool.
  /// - Parameters:
  ///   - submitted: when the claim was submitted, or would be.
  ///   - refusal: why it is not asked; nil: it is.
  public init(
    of form: ClaimForm, submitted: Instant, in scene: Scene,
    refusing refusal: ExplainBudget.Refusal? = nil
  ) {
    self.form = form
    if let refusal {
      absence = .budgetSpent(refusal)
      return
    }
    let (pool, spec) = (scene.pool, form.spec(in: scene.pool, at: submitted))
    rows = pool.alternatives(to: spec).map { alternative in
      let (from, to) = Self.sides(of: alternative, spec, form, scene)
      let lane = pool.lane(alternative.lane).map { scene.names.text($0.key) } ?? "-"
      return Row(
        change: alternative.change, from: from, to: to, lane: lane, alternative: alternative)
    }
    guard rows.isEmpty else { return }
    if pool.needsApproval(spec) {
      absence = .approvalNeeded
    } else if pool.judgement(on: spec, isNew: false).verdict == .admitted {
      absence = .grantedAsAsked
    } else {
      absence = .nothingRuns
    }
  }

  /// Nothing was asked.
  public init(of form: ClaimForm, absent absence: Absence) {
    self.form = form
    self.absence = absence
  }

  private static func sides(
    of alternative: Alternative, _ asked: ClaimSpec, _ form: ClaimForm, _ scene: Scene
  ) -> (from: String, to: String) {
    let (pool, given) = (scene.pool, alternative.spec)
    func profile(_ lane: Lane) -> String { scene.names.text(lane.profile.key) }
    switch alternative.change {
    case .lane:
      let lane = pool.lane(alternative.lane).map { scene.names.text($0.key) }
      return (form.lanes.joined(separator: ", "), lane ?? "-")
    case .profile:
      var known: [String] = []
      pool.forEachLane { id, lane in
        guard asked.lanes.contains(row: id.row), !known.contains(profile(lane)) else { return }
        known.append(profile(lane))
      }
      let to = pool.lane(alternative.lane).map(profile)
      return (known.joined(separator: ", "), to ?? "-")
    case .runtime:
      return (
        "\(Amounts.seconds(asked.runtimeMax.ns)) s", "\(Amounts.seconds(given.runtimeMax.ns)) s"
      )
    case .devices where asked.demand.shape == .cpuOnly:
      return (
        "\(Amounts.milli(Int64(asked.demand.cpu.value))) cores",
        "\(Amounts.milli(Int64(given.demand.cpu.value))) cores"
      )
    case .devices: return ("\(asked.demand.devices)", "\(given.demand.devices)")
    case .members: return ("\(asked.demand.members)", "\(given.demand.members)")
    case .service: return (form.service, scene.names.text(given.service))
    }
  }
}

extension AlternativesView.Absence {
  /// The word of the wire.
  var wire: String {
    switch self {
    case .approvalNeeded: "approval_needed"
    case .grantedAsAsked: "granted_as_asked"
    case .nothingRuns: "nothing_runs"
    case .budgetSpent: "budget_spent"
    case .leftOut: "left_out"
    }
  }

  /// Why, for people.
  public func sentence(at now: Instant) -> String {
    switch self {
    case .approvalNeeded:
      "another principal has to approve what it plans, and no alternative is a way around that"
    case .grantedAsAsked: "it would be granted at once as it is"
    case .nothingRuns:
      "no other lane, hardware, runtime, number or service would be granted at once, all else as"
        + " asked"
    case .budgetSpent(let refusal): refusal.sentence(at: now)
    case .leftOut(let after): "only the first \(after) claims that are not placed are looked at"
    }
  }
}

extension AlternativesView.Row {
  /// What the claim asked, in a few words.
  public var asked: String { "\(change) \(from)" }
  /// What it would get.
  public var given: String { "\(change) \(to)" }

  func write(_ form: ClaimForm, _ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("change", "\(change)")
      writer.string("from", from)
      writer.string("to", to)
      writer.string("lane", lane)
      writer.gpuSeconds("price_gpu_seconds", alternative.price)
      writer.gpuSeconds("reservation_gpu_seconds", alternative.reservation)
      writer.object("claim_patch") { writePatch(form, &$0) }
    }
  }

  /// What to change in the claim's document, as a merge patch (RFC 7396).
  private func writePatch(_ form: ClaimForm, _ writer: inout JSONWriter) {
    let (spec, demand) = (alternative.spec, alternative.spec.demand)
    switch change {
    case .lane, .profile: writer.array("lanes") { $0.string(lane) }
    case .runtime:
      writer.milli("runtime_max_seconds", spec.runtimeMax.ns / Amounts.nanosecondsPerMilli)
    case .devices:
      writer.object("demand") { writer in
        switch demand.shape {
        case .whole: writer.int64("gpus", Int64(demand.devices))
        case .fraction, .slice: writer.int64("count", Int64(demand.devices))
        case .cpuOnly: writer.int64("cpu_milli", Int64(demand.cpu.value))
        }
      }
    case .members: writer.object("demand") { $0.int64("members", Int64(demand.members)) }
    case .service: writer.string("service", to)
    }
    // It is granted as it says, on no rung, and at its own price.
    if !form.accepts.isEmpty { writer.null("accept_rungs") }
    if form.namesQuote { writer.null("quote") }
  }
}

extension JSONWriter {
  /// Writes the alternatives of a claim, or why there is none.
  public mutating func alternatives(_ view: AlternativesView, at now: Instant) {
    guard let absence = view.absence else {
      return array("alternatives") { writer in
        for row in view.rows { row.write(view.form, &writer) }
      }
    }
    object("no_alternatives") { writer in
      writer.string("code", absence.wire)
      writer.string("sentence", absence.sentence(at: now))
      if case .budgetSpent(let refusal) = absence {
        writer.milliseconds("clears_at_ms", refusal.again)
      }
    }
  }
}
