internal import PoolAllocator
internal import StrictJSON

/// What a policy says of preemption: how far apart classes have to be, how long each is let alone,
/// and how many leases a lane may lose.
struct PreemptionForm {
  private let rule: PreemptionRule
  private let shield: Span

  init(_ fields: inout JSONFields) throws {
    let most = Int64(Limits.preemptionsPerHour)
    let distance = fields.optionalInt64("distance", in: 1...3)
    let shield = fields.optionalSpan("shield_seconds")
    let burst = fields.int64("leases_burst", in: 1...most)
    let perHour = fields.int64("leases_per_hour", in: 0...most)
    rule = PreemptionRule(
      distance: UInt8(try distance.value ?? 2), burst: UInt32(try burst.value),
      perHour: UInt32(try perHour.value))
    self.shield = try shield.value ?? .zero
  }

  /// Puts it into a policy; a class that does not say how long it is let alone gets what all get.
  func apply(to policy: inout CompiledPolicy, shields: [Span?]) {
    policy.preemption = rule
    for (index, own) in shields.enumerated() where index < policy.classes.count {
      policy.classes[index].shield = own ?? shield
    }
  }
}
