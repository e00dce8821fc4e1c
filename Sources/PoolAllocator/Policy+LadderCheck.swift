/// The core's own last check of ladders and gauges.
extension CompiledPolicy {
  /// What is wrong with a rung: which one, and why. `PoolWire` says it with lines and words.
  public struct RungObstacle: BitwiseCopyable, Hashable, Sendable {
    /// Index in `CompiledPolicy.rungs`.
    public let rung: Int
    /// `rungNotCheaper`, `rungRaisesAutomation`, `preferenceTooRisky` or `malformed`.
    public let code: Reason.Code
  }

  /// The first rung that no claim may take; nil where every ladder is sound.
  ///
  /// A rung must cost less than the one above it, for the dearest claim that the policy lets in: a
  /// whole board, or a whole CPU set, for each of the most members, in every lane, for the longest
  /// time. At the door the same is asked of each claim, with its own figures.
  /// - Complexity: O(rungs × lanes).
  public func rungObstacle() -> RungObstacle? {
    var above: [Cost] = []
    var form: [ClaimShape] = []
    var automation = Automation.full
    for (index, rung) in rungs.enumerated() {
      let isFirst = index == 0 || rungs[index - 1].service != rung.service
      guard Int(rung.service) < services.count, isWellFormed(rung), index < Limits.rungsInAll,
        isFirst ? index == 0 || rungs[index - 1].service < rung.service : true
      else { return RungObstacle(rung: index, code: .malformed) }
      if isFirst {
        form = [Self.dearest(.whole), Self.dearest(.cpuOnly)]
        above = form.map { cost($0) }
        automation = .full
      }
      let asked = rung.automation ?? automation
      guard asked >= automation else {
        return RungObstacle(rung: index, code: .rungRaisesAutomation)
      }
      automation = asked
      if asked == .approvalRequired, services[Int(rung.service)].approval == nil {
        return RungObstacle(rung: index, code: .malformed)
      }
      for kind in form.indices { rung.lower(&form[kind], lanes: rung.lanes) }
      let below = form.map { cost($0) }
      guard below.contains(where: { $0 != nil }) else {
        return RungObstacle(rung: index, code: .malformed)
      }
      let pairs = zip(below, above)
      let isCheaper = pairs.contains { ($0 ?? .max) < ($1 ?? .max) }
      let isDearer = pairs.contains { new, old in old.map { new ?? $0 > $0 } ?? false }
      guard isCheaper, !isDearer else { return RungObstacle(rung: index, code: .rungNotCheaper) }
      above = zip(below, above).map { $0 ?? $1 }
      if rung.triggers.contains(.preference) {
        let isMild = asked == .full && services[Int(rung.service)].risk == .low
        guard isMild else { return RungObstacle(rung: index, code: .preferenceTooRisky) }
      }
    }
    return ladderTooLong().map { RungObstacle(rung: $0, code: .malformed) }
  }

  /// Whether every gauge is sound.
  var gaugesAreSound: Bool {
    var seen = KeyIndex()
    for gauge in gauges {
      guard seen.row(for: gauge.key) == nil else { return false }
      seen.insert(gauge.key, 0)
    }
    return gauges.count <= Limits.gauges && gauges.allSatisfy { isSound($0) }
  }

  private func isSound(_ gauge: GaugeRule) -> Bool {
    guard Int(gauge.pool) < pools.count, gauge.steps.count >= 1, gauge.dwell > .zero,
      gauge.dwell <= Limits.spanMax, gauge.pauseFrom > .normal
    else { return false }
    var last: GaugeRule.Step?
    for index in 0..<gauge.steps.count {
      let step = gauge.steps[index]
      guard step.level > .normal, step.lower < step.raise else { return false }
      if let last {
        guard step.level > last.level, step.raise >= last.raise, step.lower >= last.lower else {
          return false
        }
      }
      last = step
    }
    return true
  }

  private func ladderTooLong() -> Int? {
    var length = 0
    for (index, rung) in rungs.enumerated() {
      length = index > 0 && rungs[index - 1].service == rung.service ? length + 1 : 1
      let same = rungs[(index + 1 - length)..<index]
      if length > Limits.rungs || same.contains(where: { $0.key == rung.key }) { return index }
    }
    return nil
  }

  private func isWellFormed(_ rung: RungRule) -> Bool {
    func isSpan(_ span: Span?) -> Bool { span.map { $0 > .zero && $0 <= Limits.spanMax } ?? true }
    var demand = Demand(shape: rung.shape ?? .whole)
    demand.devices = rung.devices ?? 1
    demand.cpu = rung.cpu ?? MilliCPU(0)
    demand.hostMemory = rung.hostMemory ?? .zero
    let lanes = rung.lanes?.bits ?? 1
    let hasLanes = self.lanes.count == Limits.lanes || lanes >> UInt64(self.lanes.count) == 0
    return demand.isWellFormed && (rung.members ?? 1) >= 1 && lanes != 0 && hasLanes
      && isSpan(rung.runtimeMax) && isSpan(rung.waitMax) && rung.runtimeMilli >= 1
      && rung.runtimeMilli <= 1000 && rung.pressure > .normal
  }

  // MARK: what a form costs at most

  /// Billed thousandths × weight × nanoseconds; nil where no lane could serve the form.
  private typealias Cost = Int128?

  private static func dearest(_ shape: Demand.Shape) -> ClaimShape {
    var demand = Demand(shape: shape)
    demand.members = UInt16(Limits.members)
    if shape == .cpuOnly {
      demand.cpu = MilliCPU(Limits.deviceMilli)
    } else {
      demand.devices = UInt8(Limits.devicesPerMember)
    }
    return ClaimShape(
      demand: demand, lanes: LaneSet(bits: .max), modelClass: Key(high: 0, low: 0),
      runtimeMax: Limits.spanMax,
      plan: RuntimePlan(
        planned: Limits.spanMax, correctionMilli: Correction.none, runtimeMax: Limits.spanMax))
  }

  private func cost(_ form: ClaimShape) -> Cost {
    var most: Cost = nil
    for (row, lane) in lanes.enumerated() where form.lanes.contains(row: UInt32(row)) {
      let key = pools[Int(lane.pool)].profile
      guard let profile = profiles.first(where: { $0.key == key }),
        let billed = billed(form.demand, on: profile)
      else { continue }
      let span = min(form.plan.expected, form.runtimeMax)
      let price = Int128(billed) * Int128(profile.weightMilli) * Int128(span.ns)
      most = max(most ?? 0, price)
    }
    return most
  }

  /// Thousandths of a profile that a demand is billed; nil where the profile has no such device.
  private func billed(_ demand: Demand, on profile: ProfileRule) -> Int64? {
    let isCPU = profile.kind == .cpu
    let count = Int64(demand.devices) * Int64(demand.members)
    switch demand.shape {
    case .cpuOnly: return isCPU ? Int64(demand.cpu.value) * Int64(demand.members) : nil
    case .whole: return isCPU ? nil : 1000 * count
    case .slice(let key):
      guard let slice = slices.first(where: { $0.key == key && $0.profile == profile.key }) else {
        return nil
      }
      return Int64(slice.billedMilli) * count
    case .fraction(let milli, let bytes):
      if isCPU { return nil }
      let byMemory =
        (Int128(bytes.value) * 1000 + Int128(profile.memory.value) - 1)
        / Int128(profile.memory.value)
      return Int64(clamping: max(Int128(milli.value), byMemory)) * count
    }
  }
}
