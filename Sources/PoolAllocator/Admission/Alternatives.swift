/// Another way to ask for what does not run now, which would run at once (SEMANTICS 7.2).
public struct Alternative: BitwiseCopyable, Sendable {
  /// What it changes.
  public enum Change: UInt8, BitwiseCopyable, CaseIterable, Sendable {
    /// A lane of the same hardware that was not named.
    case lane
    /// A lane of other hardware.
    case profile
    /// A shorter runtime: in the gap before a planned start, or a half, a quarter, an eighth.
    case runtime
    /// Fewer devices, or less processor time where that is what is asked for.
    case devices
    /// Fewer members of a gang.
    case members
    /// A service of a less urgent class.
    case service
  }

  /// What it changes; all else is as it was asked for, but for a quote: its price is its own.
  public let change: Change
  /// The claim to submit, under a name that no live claim has.
  public let spec: ClaimSpec
  /// The lane that would serve it.
  public let lane: LaneID
  /// What it would cost for the time that it is expected to run.
  public let price: Credits
  /// What its first quantum would reserve.
  public let reservation: Credits
}

extension Pool {
  /// What would be granted if it were submitted now, instead of a claim that waits or was refused:
  /// the nearest of each kind of change, where there is one. It holds nothing: whoever comes first
  /// may take what it rests on.
  ///
  /// A claim that waits goes on waiting while its alternative runs, unless it is cancelled.
  /// - Returns: at most one for each `Alternative.Change`, in their order; none where the claim
  ///   would be granted as it is.
  /// - Complexity: that of about `Limits.alternativeTrials` submissions at most; changes nothing.
  public func alternatives(to spec: ClaimSpec) -> [Alternative] {
    // No way around an approval.
    guard spec.isWellFormed, approvalRule(for: spec) == nil, trial(spec, .lane) == nil else {
      return []
    }
    var trials = Limits.alternativeTrials
    var found: [Alternative] = []
    for change in Alternative.Change.allCases {
      for variant in variants(of: spec, change) {
        guard trials > 0 else { return found }
        trials -= 1
        guard let alternative = trial(variant, change) else { continue }
        found.append(alternative)
        break
      }
    }
    return found
  }

  /// What a claim would be granted as, were it submitted now; nil where it would not be.
  private func trial(_ spec: ClaimSpec, _ change: Alternative.Change) -> Alternative? {
    guard approvalRule(for: spec) == nil,
      case .success(let (resolved, plan)) = resolve(spec, isNew: false)
    else { return nil }
    let (eligible, first, _) = eligibleLanes(spec, resolved)
    guard let first, pauseObstacles(eligible, resolved.serviceClass) == nil,
      case .grant(let opening, let offer) = route(spec, resolved, eligible, first),
      let lane = lanes.id(at: opening.placement.lane)
    else { return nil }
    var decision = done()
    decision.quote(offer, for: min(plan.expected, spec.runtimeMax))
    return Alternative(
      change: change, spec: spec, lane: lane, price: decision.price,
      reservation: decision.reservation)
  }

  /// Claims that differ from one in a single thing, the nearest first.
  private func variants(of spec: ClaimSpec, _ change: Alternative.Change) -> [ClaimSpec] {
    var variants: [ClaimSpec] = []
    func add(_ edit: (inout ClaimSpec) -> Void) {
      var variant = spec
      // It would be granted as it says, on no rung.
      variant.accepts = .none
      // Its price is its own, not one that was quoted for the claim.
      variant.quote = nil
      edit(&variant)
      variants.append(variant)
    }
    switch change {
    case .lane:
      for lane in otherLanes(than: spec, ofItsHardware: true) { add { $0.lanes = lane } }
    case .profile:
      for lane in otherLanes(than: spec, ofItsHardware: false) { add { $0.lanes = lane } }
    case .runtime:
      for runtime in shorterRuntimes(than: spec) { add { $0.runtimeMax = runtime } }
    case .devices:
      if spec.demand.shape == .cpuOnly {
        for part in [2, 4, 8] as [Int32] where spec.demand.cpu.value >= part {
          add { $0.demand.cpu = MilliCPU(spec.demand.cpu.value / part) }
        }
      }
      for devices in stride(from: Int(spec.demand.devices) - 1, to: 0, by: -1) {
        add { $0.demand.devices = UInt8(devices) }
      }
    case .members:
      for members in stride(from: Int(spec.demand.members) - 1, to: 0, by: -1) {
        add { $0.demand.members = UInt16(members) }
      }
    case .service:
      guard let rank = service(spec.service, for: spec.tenant)?.serviceClass.rank else { break }
      let others = policy.services.filter {
        $0.serviceClass.rank > rank && ($0.tenant == nil || $0.tenant == spec.tenant)
      }
      for other in others.sorted(by: { $0.serviceClass.rank < $1.serviceClass.rank }) {
        add { $0.service = other.key }
      }
    }
    return variants
  }

  /// Lanes that a claim does not name, cheapest hardware first: of the profiles of those that it
  /// names, or of others.
  private func otherLanes(than spec: ClaimSpec, ofItsHardware isSame: Bool) -> [LaneSet] {
    var named: [Key] = []
    var left = spec.lanes
    while let row = left.firstRow {
      left = left.withoutFirst
      if lanes.id(at: row) != nil { named.append(lanes[row: row].profile.key) }
    }
    var others: [(weight: Int32, row: UInt32)] = []
    lanes.forEach { id, lane in
      guard !lane.isRetired, !spec.lanes.contains(row: id.row),
        named.contains(lane.profile.key) == isSame
      else { return }
      others.append((lane.profile.weightMilli, id.row))
    }
    return others.sorted { $0 < $1 }.map { LaneSet(bits: 1 << UInt64($0.row)) }
  }

  /// Runtimes that end before a start that is planned in a lane of a claim, and the half, the
  /// quarter and the eighth of what it asks for, in whole milliseconds as documents say them; the
  /// longest first.
  private func shorterRuntimes(than spec: ClaimSpec) -> [Span] {
    guard let serviceClass = service(spec.service, for: spec.tenant)?.serviceClass else {
      return []
    }
    var runtimes = [2, 4, 8].map { Span(ns: spec.runtimeMax.ns / $0) }
    let around = leaves(serviceClass, .zero) - now
    var left = LaneSet(bits: spec.lanes.bits & placement.pinnedLanes.bits)
    while let lane = left.firstRow {
      left = left.withoutFirst
      var row = placement.pins.first(of: lane)
      var looked = 0
      while row != RowLists.none, looked < Limits.pinProbes {
        looked += 1
        if let pin = claims[row: row].pin {
          runtimes.append(Span(ns: (pin.starts - now).ns - around.ns))
        }
        row = placement.pins.next(after: row)
      }
    }
    let shorter = runtimes.map { Span(ns: $0.ns / 1_000_000 * 1_000_000) }
      .filter { $0 > .zero && $0 < spec.runtimeMax }.sorted { $0 > $1 }
    return shorter.indices.filter { $0 == 0 || shorter[$0] != shorter[$0 - 1] }.map { shorter[$0] }
  }
}
