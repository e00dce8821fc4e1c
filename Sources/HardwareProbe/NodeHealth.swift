/// The health of every device of a node over time: one monitor for each GPU and each MIG device,
/// fed with what the driver reports and with what a probe sees. A pure state machine; time is an
/// argument.
public struct NodeHealth: Sendable {
  /// Devices that are remembered. They come and go; what is no device of this machine must not fill
  /// memory. Unit: devices.
  public static let devicesMax = 1024

  /// What there is to tell.
  public enum Change: Sendable, Equatable {
    /// A device is judged anew. Its key is its UUID, or `index N` while it does not tell it.
    case judged(key: String, before: HealthMonitor.Health, now: HealthMonitor.Health)
    /// A GPU that needed a reset got one; why that is believed.
    case reset(uuid: String, sign: String)
  }

  private var monitors: [String: HealthMonitor] = [:]
  private var resets = ResetWatch()

  /// A node of which nothing is known.
  public init() {}

  /// What is believed of a device; nil for one that was never seen.
  public func health(of key: String) -> HealthMonitor.Health? { monitors[key]?.health }

  /// Takes in what the driver reported since the last look, then the look.
  ///
  /// - Parameter now: Nanoseconds of the monotonic clock.
  /// - Returns: What changed, in the order in which it did.
  /// - Complexity: O(events × devices + GPUs²).
  public mutating func look(
    _ inventory: NodeInventory, after events: [DriverEvent], at now: UInt64
  ) -> [Change] {
    var changes: [Change] = []
    for event in events {
      guard let uuid = event.uuid, let seen = HealthMonitor.Observation(event) else { continue }
      resets.faulted(uuid)
      let whom = inventory.gpus.flatMap(event.concerned(on:))
      for key in whom.isEmpty ? [uuid] : whom { observe(seen, key, at: now, &changes) }
    }
    let reset = resets.look(inventory)
    for gpu in inventory.gpus {
      let seen = Self.seen(of: gpu)
      if let sign = reset.first(where: { $0.uuid == gpu.uuid })?.sign {
        let broken = seen.map(\.key).filter { monitors[$0]?.needsReset == true }
        if !broken.isEmpty { changes.append(.reset(uuid: gpu.uuid ?? "", sign: sign)) }
        for key in broken { observe(.restarted, key, at: now, &changes) }
      }
      for (key, seen) in seen { observe(seen, key, at: now, &changes) }
    }
    return changes
  }

  /// What was seen of a GPU, and of its MIG devices, each of which is well or not by itself.
  private static func seen(of gpu: GPUEntry) -> [(key: String, seen: HealthMonitor.Observation)] {
    let whole = HealthMonitor.Observation(gpu)
    let parts = (gpu.mig.instances ?? []).map { instance in
      let fault = instance.fault.map { HealthMonitor.Observation.bad(reason: $0) }
      return (instance.uuid ?? "index \(gpu.index).\(instance.position)", fault ?? whole)
    }
    return [(gpu.uuid ?? "index \(gpu.index)", whole)] + parts
  }

  private mutating func observe(
    _ seen: HealthMonitor.Observation, _ key: String, at now: UInt64, _ changes: inout [Change]
  ) {
    if monitors[key] == nil, monitors.count >= Self.devicesMax { return }
    let before = monitors[key, default: HealthMonitor()].observe(seen, at: now)
    guard let before, let health = monitors[key]?.health else { return }
    changes.append(.judged(key: key, before: before, now: health))
  }
}
