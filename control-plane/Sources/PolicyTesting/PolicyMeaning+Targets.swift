internal import PoolAllocator
internal import PoolWire

/// What the policy promises of waits, beside what it aims at.
extension PolicyMeaning {
  /// An objective that the bound of a wait does not keep is kept by luck, where it is kept. A class
  /// without any bound is told as such.
  mutating func lookAtTargets() {
    for (index, target) in source.document.targets.enumerated() {
      guard let aim = target.queueWait, let (tenant, bound) = longestWait(of: target.serviceClass),
        bound > aim
      else { continue }
      let word = target.serviceClass.word
      note(
        "wait_above_slo", .warning, ["slos", .index(index), "queue_wait_seconds"],
        "\(word) of \"\(names.text(tenant.key))\" waits at most \(Amounts.seconds(bound.ns)) s by"
          + " the policy alone, and its objective is \(Amounts.seconds(aim.ns)) s",
        "shorten lease_max_seconds of its lanes, reserve devices for it, or give \(word)"
          + " queue_wait_max_seconds")
    }
  }

  /// The tenant whose claims of a class may wait longest; the first of several.
  private func longestWait(
    of serviceClass: ServiceClass
  ) -> (tenant: TenantRule, bound: Span)? {
    var longest: (tenant: TenantRule, bound: Span)?
    for (index, tenant) in policy.tenants.enumerated() {
      guard served[index].contains(serviceClass), let id = pool.pool.tenant(named: tenant.key),
        let bound = waitMost(id, tenant, serviceClass), bound > longest?.bound ?? Span(ns: -1)
      else { continue }
      longest = (tenant, bound)
    }
    return longest
  }
}
