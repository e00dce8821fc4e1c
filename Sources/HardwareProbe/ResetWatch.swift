/// Finds out that a GPU was reset, from what it says before and after. Pure.
///
/// NVML has no word for "I was reset". Three things are as good as one, and each alone may deceive
/// for a moment, so it counts only once the GPU has answered well several times in a row:
///
/// - it was lost, or gone from driver and bus, and answers again: neither ends but by a reset;
/// - the driver asked for a recovery and no longer does;
/// - with persistence on, its energy or a volatile error counter is lower than before: the driver
///   starts them anew with the GPU. Without persistence it does so whenever nobody uses the GPU, so
///   there they say nothing.
struct ResetWatch: Sendable, Equatable {
  /// Good looks in a row, that with the sign included, until a reset is believed. Unit: looks.
  static let goodToBelieve = 3

  /// What is remembered of one GPU.
  private struct Seen: Sendable, Equatable {
    var index: Int
    var bus: String?
    var isGone = false
    var asked: String?
    var counters: [GPUNumber: UInt64] = [:]
    var sign: String?
    var good = 0
  }

  private var gpus: [String: Seen] = [:]

  /// Counters that only grow while a GPU runs.
  private static let growing: [GPUNumber] = [.energy, .eccCorrected, .eccUncorrected]

  /// Forgets the signs of a GPU of which the driver reported an error since: they were of before.
  mutating func faulted(_ uuid: String) {
    gpus[uuid]?.sign = nil
    gpus[uuid]?.good = 0
  }

  /// Takes in a look at the node.
  ///
  /// - Returns: The GPUs that were reset and are well since, with the sign in words. Each reset is
  ///   told once.
  /// - Complexity: O(GPUs²).
  mutating func look(_ inventory: NodeInventory) -> [(uuid: String, sign: String)] {
    var found: [(uuid: String, sign: String)] = []
    for gpu in inventory.gpus {
      guard let uuid = gpu.uuid, gpu.source == .nvml,
        gpus[uuid] != nil || gpus.count < NodeHealth.devicesMax
      else {
        continue
      }
      var seen = gpus[uuid] ?? Seen(index: gpu.index, bus: gpu.pciBusID)
      Self.look(gpu, &seen)
      if let sign = seen.sign, seen.good >= Self.goodToBelieve {
        found.append((uuid, sign))
        seen.sign = nil
      }
      gpus[uuid] = seen
    }
    // A driver that does not run says nothing of its GPUs.
    guard case .running = inventory.nvml else { return found }
    let told = Set(inventory.gpus.compactMap { $0.source == .nvml ? $0.uuid : nil })
    for (uuid, seen) in gpus where !told.contains(uuid) && Self.isGone(seen, from: inventory) {
      gpus[uuid]?.isGone = true
      gpus[uuid]?.sign = nil
      gpus[uuid]?.good = 0
    }
    return found
  }

  private static func look(_ gpu: GPUEntry, _ seen: inout Seen) {
    (seen.index, seen.bus) = (gpu.index, gpu.pciBusID ?? seen.bus)
    if gpu.isLost {
      (seen.isGone, seen.sign, seen.good) = (true, nil, 0)
      return
    }
    guard gpu.state.isAnswered else {
      seen.good = 0
      return
    }
    if let sign = sign(gpu, seen) { (seen.sign, seen.good) = (sign, 0) }
    seen.isGone = false
    let asks = gpu.readings.recoveryAction
    // An answer that did not come is neither: what was asked for before still stands.
    seen.asked = asks ?? seen.asked
    for number in growing {
      if let value = gpu.readings[number] { seen.counters[number] = value }
    }
    let isGood = gpu.state == .usable && (seen.asked ?? "none") == "none"
    seen.good = isGood ? min(seen.good + 1, goodToBelieve) : 0
  }

  /// What speaks for a reset between the last look and this one.
  private static func sign(_ gpu: GPUEntry, _ seen: Seen) -> String? {
    if seen.isGone { return "it was lost and answers again" }
    if let asked = seen.asked, asked != "none", gpu.readings.recoveryAction == "none" {
      return "the driver no longer asks for \(asked)"
    }
    guard gpu.readings[.persistence] == 1 else { return nil }
    let fallen = growing.first { number in
      guard let now = gpu.readings[number], let before = seen.counters[number] else { return false }
      return now < before
    }
    return fallen.map { "\($0.rawValue) began anew" }
  }

  /// Whether a GPU that gives no UUID now is lost or taken out, rather than hidden or silent.
  private static func isGone(_ seen: Seen, from inventory: NodeInventory) -> Bool {
    let here = inventory.gpus.filter { gpu in
      if let bus = gpu.pciBusID, let own = seen.bus { return bus == own }
      return gpu.uuid == nil && gpu.index == seen.index
    }
    return here.isEmpty || here.contains(where: \.isLost)
  }
}
