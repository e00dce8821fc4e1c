/// What was learned outside about estimates: recorded by `signal`, read when a claim is submitted.
extension Pool {
  /// The factor in force for claims of a scope, in thousandths: its own, else the one for every
  /// model class of the service, else 1.000.
  /// - Complexity: O(1) expected.
  public func correctionMilli(for scope: Correction.Scope) -> Int32 {
    if corrections.count == 0 { return Correction.none }
    if let own = correction(scope) { return own }
    let all = Correction.Scope(tenant: scope.tenant, service: scope.service)
    return correction(all) ?? Correction.none
  }

  /// The factor that is recorded for exactly this scope, in thousandths; nil where none is.
  /// - Complexity: O(1) expected.
  public func correction(_ scope: Correction.Scope) -> Int32? {
    guard let row = keys.corrections.row(for: scope.indexKey), corrections[row: row].scope == scope
    else { return nil }
    return corrections[row: row].milli
  }

  /// Visits every correction in force, in row order.
  public func forEachCorrection(_ body: (Correction) -> Void) {
    corrections.forEach { _, correction in body(correction) }
  }

  /// How long a claim is expected to run; nil where the cost model has no rule or its result is too
  /// long.
  func runtimePlan(_ spec: ClaimSpec) -> RuntimePlan? {
    guard let planned = expectedRuntime(spec) else { return nil }
    let plan = RuntimePlan(
      planned: planned, correctionMilli: Correction.none, runtimeMax: spec.runtimeMax)
    guard plan.isEstimate else { return plan }
    let milli = correctionMilli(
      for: Correction.Scope(
        tenant: spec.tenant, service: spec.service, modelClass: spec.modelClass))
    return RuntimePlan(planned: planned, correctionMilli: milli, runtimeMax: spec.runtimeMax)
  }

  // MARK: recording

  mutating func record(_ signal: Signal, _ log: inout EventLog) -> Decision {
    switch signal {
    case .measured(let measurement): record(measurement, &log)
    case .corrected(let correction): record(correction, &log)
    }
  }

  private mutating func record(_ measurement: Measurement, _ log: inout EventLog) -> Decision {
    let key = Measurement.indexKey(measurement.measure, measurement.subject)
    if let row = keys.signals.row(for: key).map({ Int($0) }),
      signals[row].measure != measurement.measure || signals[row].subject != measurement.subject
    {
      return refuse(Reason(.duplicateKey), &log)
    }
    guard keys.signals.row(for: key) != nil || signals.count < Limits.signals else {
      return refuse(
        Reason(.tableFull, have: Int64(signals.count), need: Int64(Limits.signals)), &log)
    }
    step(.signalRecorded(measurement), &log)
    return done()
  }

  private mutating func record(_ correction: Correction, _ log: inout EventLog) -> Decision {
    if let obstacle = obstacle(to: correction) { return refuse(obstacle, &log) }
    guard self.correction(correction.scope) != correction.milli else { return done() }
    log.corrections.append(correction)
    step(.correctionRecorded(fact: UInt32(log.corrections.count - 1)), &log)
    return done()
  }

  private func obstacle(to correction: Correction) -> Reason? {
    let scope = correction.scope
    let row = keys.corrections.row(for: scope.indexKey)
    if let row, corrections[row: row].scope != scope { return Reason(.duplicateKey) }
    // What is in force can be forgotten even after its tenant or service left the policy.
    guard let milli = correction.milli else { return row == nil ? Reason(.unknownSubject) : nil }
    guard Limits.correctionMilli.contains(milli) else {
      let range = Limits.correctionMilli
      let bound = milli < range.lowerBound ? range.lowerBound : range.upperBound
      return Reason(.fieldOutOfRange, have: Int64(milli), need: Int64(bound))
    }
    guard generation.value > 0 else { return Reason(.policyMissing) }
    guard let tenant = tenant(named: scope.tenant), !tenants[tenant].isRetired else {
      return Reason(.tenantUnknown)
    }
    guard service(scope.service, for: scope.tenant) != nil else { return Reason(.serviceUnknown) }
    guard row != nil || corrections.hasRoom else {
      return Reason(.tableFull, have: Int64(corrections.count), need: Int64(corrections.limit))
    }
    return nil
  }

  // MARK: folding

  mutating func evolveMeasurement(_ measurement: Measurement) {
    let key = Measurement.indexKey(measurement.measure, measurement.subject)
    if let known = keys.signals.row(for: key) {
      signals[Int(known)] = measurement
    } else {
      keys.signals.insert(key, UInt32(signals.count))
      signals.append(measurement)
    }
  }

  mutating func evolveCorrection(_ correction: Correction) {
    let key = correction.scope.indexKey
    switch (keys.corrections.row(for: key).flatMap(corrections.id(at:)), correction.milli) {
    case (let id?, let milli?): corrections[id].milli = milli
    case (let id?, nil):
      corrections.remove(id)
      keys.corrections.remove(key)
    case (nil, .some): keys.corrections.insert(key, corrections.insert(correction).row)
    case (nil, nil): broken("only a correction in force is forgotten")
    }
  }
}
