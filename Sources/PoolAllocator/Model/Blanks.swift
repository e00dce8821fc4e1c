// Rows with every field at nothing, which the record form fills in. Each names all fields: one that
// is added to a row does not compile before it stands here and is written there.

extension ID {
  /// The id of nothing.
  package static var blank: Self { ID(row: 0, generation: 0) }
}

extension Key {
  /// No name.
  package static let blank = Key(high: 0, low: 0)
}

extension RuntimePlan {
  /// No time.
  package static let blank = RuntimePlan(planned: .zero, correctionMilli: 0, runtimeMax: .zero)
}

extension ClaimSpec {
  /// A claim for nothing.
  package static let blank = ClaimSpec(
    key: .blank, tenant: .blank, service: .blank, action: .blank, modelClass: .blank,
    demand: Demand(shape: .whole), lanes: .none, runtimeMax: .zero)
}

extension ClaimShape {
  /// The form of nothing.
  package static let blank = ClaimShape(
    demand: Demand(shape: .whole), lanes: .none, modelClass: .blank, runtimeMax: .zero,
    plan: .blank)
}

extension DeviceUse {
  /// A share of nothing.
  package static let blank = DeviceUse(device: .blank, milli: MilliGPU(0), memory: .zero)
}

extension Posting {
  /// No change.
  package static let blank = Posting(
    bucket: .blank, refilled: .zero, remainder: 0, charged: .zero, refunded: .zero,
    forfeited: .zero)
}

extension DeviceFact {
  /// A report of nothing.
  package static let blank = DeviceFact(
    node: .blank,
    report: DeviceReport(key: .blank, kind: .gpu, profile: .blank, memory: .zero),
    parent: nil, isApproved: false)
}

extension RedeemedQuote {
  /// No price.
  package static let blank = RedeemedQuote(id: .blank, rate: 0)
}

extension ClaimFact {
  /// A claim for nothing.
  package static let blank = ClaimFact(
    spec: .blank, tenant: .blank, serviceClass: .p0, weightMilli: 0, plan: .blank,
    waitEnds: .origin, latestStart: .origin, quoted: nil)
}

extension Downgrade {
  /// A rung that changes nothing.
  package static let blank = Downgrade(
    claim: .blank, rung: 0, key: .blank, trigger: .dependency, code: .tenantUnknown,
    recovers: nil, asked: .blank, given: .blank, automation: .full, mode: .reduced,
    waitEnds: .origin, latestStart: .origin, changes: .none, queues: nil)
}

extension ClassRule {
  /// Terms of no time.
  package static let blank = ClassRule(
    quantum: .zero, startWithin: .zero, killWithin: .zero, emptyBucket: .park, overrun: .stop)
}

extension Grant {
  /// A grant of nothing.
  package static let blank = Grant(
    claim: .blank, lease: .blank, lane: .blank, node: .blank, fencing: Fencing(raw: 0),
    uses: .none, postings: .none, reserved: .zero, quantum: .zero, rate: 0, billedMilli: 0,
    startBy: .origin, terms: .blank, level: 0, isLent: false)
}

extension PinFact {
  /// Nothing is kept.
  package static let blank = PinFact(
    lane: .blank, node: .blank, uses: .none, starts: .origin, isHeld: false)
}

extension RestrictionFact {
  /// Nothing is lifted.
  package static let blank = RestrictionFact(kind: .tenant, key: .blank, restriction: nil)
}

extension Decision {
  /// The answer to nothing.
  package static let blank = Decision(
    verdict: .admitted, claim: nil, lease: nil, quote: nil, node: nil, plan: nil, price: .zero,
    reservation: .zero, retryAt: nil, reasons: .none, policy: PolicyGeneration(0), changes: .none)
}
