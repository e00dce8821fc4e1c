public import PoolAllocator
internal import StrictJSON

/// A delegation as a request gives it: names beside the core's form, its end as a length.
public struct DelegationForm: Sendable {
  public let tenant: String
  let budget: String
  let parent: String?
  let limit: Credits
  let length: Span
  let ceiling: ServiceClass

  /// The key of a budget by its tenant and name.
  public static func key(tenant: String, budget: String) -> Key {
    NameTable.key(.budget, NamePath.join(tenant, budget))
  }

  /// The budget's key.
  public var key: Key { Self.key(tenant: tenant, budget: budget) }

  /// The delegation as of a moment.
  public func spec(at now: Instant) -> DelegationSpec {
    var spec = DelegationSpec(
      key: key, tenant: NameTable.key(.tenant, tenant),
      parent: parent.map { Self.key(tenant: tenant, budget: $0) }, limit: limit,
      expires: now + length)
    spec.ceiling = ceiling
    return spec
  }

  /// Puts the budget's name in a table while the core knows it.
  /// - Throws: `NameCollision`; the table is unchanged then.
  public func intern(into names: inout NameTable) throws(NameCollision) {
    try names.check(.tenant, tenant)
    if let parent { try names.check(.budget, NamePath.join(tenant, parent)) }
    try names.intern(.budget, NamePath.join(tenant, budget))
  }
}

extension StreamReader {
  func delegation(_ fields: inout JSONFields) throws -> StreamRequest.Operation {
    let tenant = fields.name("tenant")
    let budget = fields.name("budget")
    let parent = fields.optionalName("parent")
    let limit = fields.read("limit_gpu_seconds") { try $0.credits() }
    let length = fields.span("for_seconds", atLeast: 1)
    let ceiling = fields.optionalChoice(
      "class_max", ["P0": ServiceClass.p0, "P1": .p1, "P2": .p2, "P3": .p3])
    return .delegate(
      DelegationForm(
        tenant: try tenant.value, budget: try budget.value, parent: try parent.value,
        limit: try limit.value, length: try length.value, ceiling: try ceiling.value ?? .p0))
  }
}
