/// Turns what NVML said of a GPU's partitions into their state. Pure.
enum MIGFolding {
  static func state(of gpu: GPURecord) -> MIGState {
    var state = MIGState()
    let code = gpu.facts.code(.migMode)
    if let mode = gpu.facts[.migMode] {
      state.isEnabled = mode == 1
      state.isPending = gpu.facts[.migPending].map { $0 == 1 }
      state.instances = mode == 1 ? instances(of: gpu) : []
    } else if gpu.handleCode == 0, gpu.facts.fatalCode == nil,
      NVMLReturn(code: code).meaning == .absent
    {
      // The driver, or the GPU, does not know of such a mode: it is neither on nor off, and there
      // are no partitions.
      state.instances = []
    }
    state.profiles = gpu.profiles.map { profile in
      MIGProfile(
        name: profile.name.flatMap(MIGNames.profile), id: profile.id, slices: profile.slices,
        instancesMax: profile.instances, remaining: profile.remaining,
        multiprocessors: profile.multiprocessors,
        memoryBytes: min(profile.memoryMiB, UInt64(Int64.max) >> 20) << 20,
        placements: profile.placements)
    }
    return state
  }

  private static func instances(of gpu: GPURecord) -> [MIGInstance]? {
    guard let records = gpu.instances else { return nil }
    var instances = records.map { instance(of: $0, gpu) }
    // A GPU instance is one piece of memory, however many compute instances it holds.
    let users = Dictionary(grouping: instances.compactMap(\.gpuInstance)) { $0 }
    for index in instances.indices {
      guard let own = instances[index].gpuInstance else { continue }
      instances[index].sharesMemory = (users[own]?.count ?? 0) > 1
    }
    markTwins(&instances)
    return instances
  }

  private static func markTwins(_ instances: inout [MIGInstance]) {
    var seen: Set<String> = []
    for index in instances.indices {
      guard let uuid = instances[index].uuid else { continue }
      if !seen.insert(uuid).inserted { instances[index].fault = "same UUID as another one" }
    }
    var taken: [(instance: UInt32?, range: Range<UInt64>)] = []
    for index in instances.indices {
      guard let place = instances[index].placement else { continue }
      let start = UInt64(place.start)
      let range = start..<(start + UInt64(place.size))
      let isTaken = taken.contains {
        $0.instance != instances[index].gpuInstance && $0.range.overlaps(range)
      }
      if range.isEmpty || range.upperBound > 16 {
        instances[index].fault = "placed at \(place.start), size \(place.size): no such slices"
      } else if isTaken {
        instances[index].fault = "overlaps another instance"
      }
      taken.append((instances[index].gpuInstance, range))
    }
  }

  private static func instance(of record: InstanceRecord, _ gpu: GPURecord) -> MIGInstance {
    let facts = record.facts
    var instance = MIGInstance(position: record.position)
    instance.uuid = facts[.uuid]
    let identity = facts[.uuid].flatMap(MIGNames.identity)
    instance.gpuInstance = facts[.gpuInstance].map { UInt32(clamping: $0) } ?? identity?.gpuInstance
    instance.computeInstance =
      facts[.computeInstance].map { UInt32(clamping: $0) } ?? identity?.computeInstance
    instance.memory = GPUFolding.memory(facts)
    instance.multiprocessors = facts[.multiprocessors]
    if let start = facts[.placementStart], let size = facts[.placementSize] {
      instance.placement = MIGPlacement(
        start: UInt32(clamping: start), size: UInt32(clamping: size))
    }
    instance.profile = profile(of: facts, gpu)
    instance.fault = fault(record, identity: identity, gpu)
    instance.late = GPUFolding.late(facts)
    return instance
  }

  /// The name of the kind: by the driver's list of kinds, else by the device's own name, else
  /// reckoned from slices and memory.
  private static func profile(of facts: DriverFacts, _ gpu: GPURecord) -> String? {
    let own = facts[.name].flatMap(MIGNames.profile)
    let byID = facts[.profileID].flatMap { id in
      gpu.profiles.first { UInt64($0.id) == id }?.name.flatMap(MIGNames.profile)
    }
    if let byID {
      return MIGNames.device(
        instance: byID, gpuSlices: facts[.gpuSlices], computeSlices: facts[.computeSlices])
    }
    if let own { return own }
    guard let slices = facts[.gpuSlices], let total = gpu.facts[.memoryTotal],
      let memory = facts[.instanceMemory] ?? facts[.memoryTotal].map({ $0 >> 20 }),
      let name = MIGNames.reckoned(slices: slices, memoryMiB: memory, totalBytes: total)
    else { return nil }
    return MIGNames.device(
      instance: name, gpuSlices: slices, computeSlices: facts[.computeSlices])
  }

  private static func fault(
    _ record: InstanceRecord, identity: MIGNames.Identity?, _ gpu: GPURecord
  ) -> String? {
    if record.handleCode != 0 { return NVMLReturn(code: record.handleCode).description }
    if let code = record.facts.fatalCode { return NVMLReturn(code: code).description }
    guard let uuid = record.facts[.uuid] else {
      return "no UUID: \(NVMLReturn(code: record.facts.code(.uuid)).description)"
    }
    if identity == nil { return "its identifier \(uuid) is not one of a MIG device" }
    if let parent = identity?.gpu, let own = gpu.facts[.uuid], parent != own {
      return "its identifier names another GPU"
    }
    let isTold = NVMLReturn(code: record.facts.code(.memoryTotal)).isSuccess
    guard isTold, let memory = GPUFolding.memory(record.facts) else {
      return "memory: \(NVMLReturn(code: record.facts.code(.memoryTotal)).description)"
    }
    if memory.totalBytes == 0 { return "NVML reports no memory" }
    if let whole = gpu.facts[.memoryTotal], memory.totalBytes > whole {
      return "NVML reports more memory than its GPU has"
    }
    return nil
  }
}
