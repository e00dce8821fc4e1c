import PoolAllocator
import PoolWire
public import StrictJSON

/// How hard the pools of a policy are pressed, what is not up, and what was degraded so far.
public struct PressureView: Sendable {
  private let scene: Scene

  /// Looks at a scene.
  public init(_ scene: Scene) { self.scene = scene }

  /// Members of an object that is open; nothing for a policy without ladders and gauges.
  public func write(_ writer: inout JSONWriter) {
    let (pool, names) = (scene.pool, scene.names)
    if !pool.policy.gauges.isEmpty {
      writer.array("pressure") { writer in
        for rule in pool.policy.gauges {
          guard let (level, _) = pool.gauge(named: rule.key) else { continue }
          writer.object { writer in
            writer.string("pool", names.text(pool.policy.pools[Int(rule.pool)].key))
            writer.string("gauge", names.text(rule.key))
            writer.string("level", "\(level)")
          }
        }
      }
    }
    if !pool.dependencies.isEmpty {
      writer.array("dependencies") { writer in
        for dependency in pool.dependencies {
          writer.object { writer in
            writer.string("name", names.text(dependency.key))
            writer.string("state", "\(dependency.state)")
          }
        }
      }
    }
    guard !pool.policy.rungs.isEmpty else { return }
    writer.array("degradations") { writer in
      pool.forEachDegradationCount { service, rung, trigger, count in
        writer.object { writer in
          writer.string("service", names.text(service))
          writer.string("rung", names.text(rung))
          writer.string("trigger", "\(trigger)")
          writer.int64("claims", Int64(clamping: count.claims))
          writer.gpuSeconds(
            "charged_gpu_seconds",
            Credits(min(Credits.limit, Int64(clamping: count.charged.value))))
        }
      }
    }
  }
}
