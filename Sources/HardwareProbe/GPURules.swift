/// Whether a GPU may take work, from what it said. Pure.
enum GPURules {
  /// The first thing that speaks against the GPU decides.
  static func state(of gpu: GPURecord, entry: GPUEntry) -> GPUState {
    if gpu.handleCode != 0 { return refusal(gpu.handleCode) }
    return identityFault(gpu.facts) ?? memoryFault(entry) ?? repairFault(gpu.facts)
      ?? modeFault(gpu.facts, entry) ?? .usable
  }

  private static func refusal(_ code: Int32) -> GPUState {
    let result = NVMLReturn(code: code)
    if code == NVMLReturn.noSymbol { return .unusable(reason: "NVML gave no handle") }
    switch result.meaning {
    case .notAllowed: return .notPermitted(reason: result.description)
    case .later: return .unknown(reason: result.description)
    default: return .unusable(reason: result.description)
    }
  }

  private static func identityFault(_ facts: DriverFacts) -> GPUState? {
    let asked: [(String, Int32)] = [
      ("name", facts.code(.name)), ("UUID", facts.code(.uuid)),
      ("memory", facts.code(.memoryTotal)),
    ]
    for (question, code) in asked {
      let result = NVMLReturn(code: code)
      switch result.meaning {
      case .ok, .absent: continue
      case .deviceGone, .driverGone: return .unusable(reason: result.description)
      case .notAllowed where question == "name": continue
      case .later: return .unknown(reason: "\(question): \(result.description)")
      default: return .unusable(reason: "\(question): \(result.description)")
      }
    }
    if let code = facts.fatalCode { return .unusable(reason: NVMLReturn(code: code).description) }
    if facts[.uuid] == nil {
      let result = NVMLReturn(code: facts.code(.uuid))
      let why = result.isSuccess ? "NVML reports none" : result.description
      return .unusable(reason: "no UUID: \(why)")
    }
    return nil
  }

  private static func memoryFault(_ entry: GPUEntry) -> GPUState? {
    guard let memory = entry.memory else { return nil }
    if memory.totalBytes == 0 { return .unusable(reason: "NVML reports no memory") }
    if let used = memory.usedBytes, used > memory.totalBytes {
      return .unusable(reason: "NVML reports more memory used than there is")
    }
    return nil
  }

  private static func repairFault(_ facts: DriverFacts) -> GPUState? {
    if let action = facts[.recoveryAction], action != 0 {
      return .unusable(reason: "the driver asks for: \(GPUWords.recoveryAction(action))")
    }
    if facts[.remapFailed] == 1 {
      return .unusable(reason: "faulty memory could not be remapped; the GPU must be replaced")
    }
    return nil
  }

  private static func modeFault(_ facts: DriverFacts, _ entry: GPUEntry) -> GPUState? {
    if entry.mig.isChanging {
      let (now, next) = entry.mig.isEnabled == true ? ("on", "off") : ("off", "on")
      return .unusable(reason: "MIG is \(now) and will be \(next) after a reset of the GPU")
    }
    if entry.mig.isEnabled == true && entry.mig.instances == nil {
      return .unknown(reason: "MIG is on but its devices are not told")
    }
    // Whoever offers a whole GPU must know that it is whole.
    let mode = NVMLReturn(code: facts.code(.migMode))
    if entry.mig.isEnabled == nil && mode.meaning != .absent && !entry.sharesHostMemory {
      let why = mode.isSuccess ? "NVML reports no mode" : mode.description
      return .unknown(reason: "whether MIG is on is not told: \(why)")
    }
    if facts[.computeMode] == 2 {
      return .unusable(reason: "its compute mode is prohibited")
    }
    if facts[.virtualization] == 3 || facts[.virtualization] == 4 {
      return .unusable(reason: "it is given to virtual machines")
    }
    if let state = facts[.fabricState], state == 1 || state == 2 {
      return .unusable(
        reason: "the NVLink fabric is not ready (\(GPUWords.fabricState(state)));"
          + " is the fabric manager running?")
    }
    if facts[.fabricState] == 3, let status = facts[.fabricStatus], status != 0 {
      let result = NVMLReturn(code: Int32(truncatingIfNeeded: status))
      return .unusable(reason: "the NVLink fabric refused it: \(result.description)")
    }
    return nil
  }

  /// What an operator should know of a GPU that may work all the same.
  static func warnings(of gpu: GPURecord, entry: GPUEntry) -> [String] {
    let facts = gpu.facts
    var warnings: [String] = []
    if facts[.remapPending] == 1 || facts[.retirementPending] == 1 {
      warnings.append("faulty memory is set aside at the next reset")
    }
    if let errors = facts[.eccUncorrected], errors > 0 {
      warnings.append("\(errors) uncorrected memory errors since the driver was loaded")
    }
    if let banks = facts[.rowsExhausted], banks > 0 {
      warnings.append("\(banks) memory banks have no spare rows left")
    }
    if facts[.sramOverThreshold] == 1 {
      warnings.append("errors of on-chip memory are over the threshold")
    }
    if facts[.channelRepairPending] == 1 || facts[.tpcRepairPending] == 1 {
      warnings.append("a repair inside the GPU waits for the next reset")
    }
    if let bits = facts[.clockReasons] {
      let slow = GPUWords.clockReasons(bits).filter(GPUWords.slowdowns.contains)
      if !slow.isEmpty { warnings.append("slowed down: \(slow.joined(separator: ", "))") }
    }
    if let width = facts[.pcieWidth], let most = facts[.pcieWidthMax], width < most, width > 0 {
      warnings.append("PCI Express runs \(width) of \(most) lanes")
    }
    // Bits 0 and 1: 1 says that the bandwidth is degraded. Bits 4 and 5: 1 says unhealthy.
    if let health = facts[.fabricHealth], health & 3 == 1 || health >> 4 & 3 == 1 {
      warnings.append("the NVLink fabric is degraded")
    }
    return warnings + limits(of: gpu) + instanceWarnings(entry.mig)
  }

  /// What this process may not ask, in one clause.
  private static func limits(of gpu: GPURecord) -> [String] {
    var denied = gpu.facts.denied
    if NVMLReturn(code: gpu.processes.code).meaning == .notAllowed { denied.append("processes") }
    for (name, answer) in [("cpus", gpu.cpus), ("numa_node", gpu.nodes)]
    where answer.meaning == .notAllowed { denied.append(name) }
    if gpu.samples.meaning == .notAllowed { denied.append("process_utilization") }
    guard !denied.isEmpty, gpu.handleCode == 0 else { return [] }
    let more = denied.count > 3 ? " and \(denied.count - 3) more" : ""
    return ["limited: no permission to ask for \(denied.prefix(3).joined(separator: ", "))\(more)"]
  }

  private static func instanceWarnings(_ mig: MIGState) -> [String] {
    if mig.isEnabled == true, !mig.isChanging, mig.instances?.isEmpty == true {
      return ["MIG is on and there is no MIG device, so nothing of it is offered"]
    }
    return (mig.instances ?? []).compactMap { instance in
      if let fault = instance.fault { return "MIG device \(instance.position): \(fault)" }
      if instance.sharesMemory {
        return "MIG device \(instance.position) shares the memory of GPU instance"
          + " \(instance.gpuInstance ?? 0) and is not offered"
      }
      if instance.placement == nil {
        return "MIG device \(instance.position): its placement is told to root only"
      }
      return instance.profile == nil
        ? "MIG device \(instance.position): its kind cannot be told" : nil
    }
  }

  /// A GPU that is well and has no memory of its own computes in the host's (Tegra, GB10).
  static func sharesHostMemory(_ facts: DriverFacts) -> Bool {
    facts[.uuid] != nil && facts[.computeMajor] != nil && facts[.memoryTotal] == nil
      && NVMLReturn(code: facts.code(.memoryTotal)).meaning == .absent
  }
}
