/// Asks NVML for the node's GPUs. One bad GPU is one unusable entry, never a failed probe.
enum GPUProbe {
  /// What asking gave.
  struct Answer {
    var status: NVMLStatus
    var gpus: [GPUEntry]
    var notes: [String]
  }

  /// Opens the first library that there is, asks every GPU and closes the library again.
  static func run(
    _ candidates: [String], isPrivileged: Bool, catalogue: ProfileCatalogue?
  ) -> Answer {
    switch NVMLLibrary.open(candidates, isPrivileged: isPrivileged) {
    case .failed(let status):
      return Answer(status: status, gpus: [], notes: [])
    case .open(let library):
      defer { library.close() }
      return ask(library, catalogue: catalogue)
    }
  }

  private static func ask(_ library: NVMLLibrary, catalogue: ProfileCatalogue?) -> Answer {
    let (count, result) = library.deviceCount()
    guard result.isSuccess else {
      let reason = "GPUs cannot be counted: \(result.description)"
      return Answer(
        status: .driverFailed(path: library.path, code: result.code, reason: reason), gpus: [],
        notes: [])
    }
    var notes: [String] = []
    if count > ProbeLimits.gpus {
      notes.append("NVML counts \(count) GPUs, only the first \(ProbeLimits.gpus) are asked")
    }
    var gpus: [GPUEntry] = []
    for index in 0..<min(count, ProbeLimits.gpus) {
      var entry = ask(library, index: index)
      if let uuid = entry.uuid, let twin = gpus.first(where: { $0.uuid == uuid }) {
        entry.state = .unusable(reason: "same UUID as GPU \(twin.index)")
      }
      entry.profile = profile(of: entry, in: catalogue)
      gpus.append(entry)
    }
    let status = NVMLStatus.running(
      path: library.path, driverVersion: library.driverVersion(),
      nvmlVersion: library.nvmlVersion())
    return Answer(status: status, gpus: gpus, notes: notes)
  }

  private static func ask(_ library: NVMLLibrary, index: Int) -> GPUEntry {
    var entry = GPUEntry(
      index: index, uuid: nil, name: nil, memory: nil, state: .usable, profile: .notChecked)
    let (device, result) = library.device(at: index)
    guard let device else {
      // Success without a handle is a broken library; say so rather than use a null handle.
      let reason = result.isSuccess ? "NVML gave no handle" : result.description
      entry.state =
        result.meaning == .notAllowed ? .notPermitted(reason: reason) : .unusable(reason: reason)
      return entry
    }
    let name = library.name(of: device)
    let uuid = library.uuid(of: device)
    let memory = library.memory(of: device)
    entry.name = name.value
    entry.uuid = uuid.value
    entry.memory = memory.value
    entry.state = state(name: name.result, uuid: uuid.result, memory: memory)
    if entry.state == .usable && entry.uuid == nil {
      entry.state = .unusable(reason: "no UUID: \(uuid.result.description)")
    }
    return entry
  }

  /// The first answer that speaks against the GPU decides.
  private static func state(
    name: NVMLReturn, uuid: NVMLReturn, memory: (value: GPUMemory?, result: NVMLReturn)
  ) -> GPUState {
    for (question, result) in [("name", name), ("UUID", uuid), ("memory", memory.result)] {
      switch result.meaning {
      case .ok, .absent: continue
      case .deviceGone, .driverGone: return .unusable(reason: result.description)
      case .notAllowed where question == "name": continue
      default: return .unusable(reason: "\(question): \(result.description)")
      }
    }
    if let memory = memory.value {
      if memory.totalBytes == 0 { return .unusable(reason: "NVML reports no memory") }
      if memory.usedBytes > memory.totalBytes {
        return .unusable(reason: "NVML reports more memory used than there is")
      }
    }
    return .usable
  }

  private static func profile(
    of entry: GPUEntry, in catalogue: ProfileCatalogue?
  ) -> ProfileMatch {
    guard let catalogue else { return .notChecked }
    return ProfileMatcher.gpu(
      name: entry.name, pciDeviceID: nil, memoryBytes: entry.memory?.totalBytes,
      among: catalogue.profiles)
  }
}
