/// A pool of many CPU nodes with two tenants that want for nothing.
enum Documents {
  private static let terms = """
    {"quantum_seconds": 3600, "start_within_seconds": 3600, "kill_within_seconds": 10,
     "on_empty_bucket": "park", "overrun": "stop"}
    """

  private static func tenant(_ name: String) -> String {
    """
    {"name": "\(name)", "queue_max": 200000,
     "bucket": {"burst_gpu_seconds": 1000000000, "refill_gpu_seconds_per_hour": 3600}}
    """
  }

  static let policy = """
    {"schema_version": 1, "kind": "policy", "generation": 1,
     "profiles": [{"name": "cpu-x86-64", "kind": "cpu", "weight": 0.001}],
     "pools": [{"name": "cpu", "profile": "cpu-x86-64",
       "lanes": [{"name": "shared", "lease_max_seconds": 7200, "share_across_tenants": true}]}],
     "classes": {"P0": \(terms), "P1": \(terms), "P2": \(terms), "P3": \(terms)},
     "order": {"ageing_step_seconds": 600},
     "tenants": [\(tenant("acme")), \(tenant("zeta"))],
     "services": [
       {"name": "work", "tenant": "acme", "class": "P1", "owner": "acme-team"},
       {"name": "other", "tenant": "zeta", "class": "P1", "owner": "zeta-team"}]}
    """

  /// A node with as many cores as a device may have.
  static func node(_ name: String) -> String {
    """
    {"schema_version": 1, "kind": "node", "name": "\(name)", "cpu_milli": 1024000,
     "host_memory_gib": 1024, "enforcement": "none", "devices": [{"uuid": "\(name)/cpu0",
     "kind": "cpu", "profile": "cpu-x86-64", "milli": 1024000}]}
    """
  }
}
