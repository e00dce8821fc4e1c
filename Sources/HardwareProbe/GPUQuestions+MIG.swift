internal import CNVML

extension GPUQuestions {
  /// MIG devices and what else the GPU could be cut into. Asked anew at every probe: handles go
  /// stale when instances change.
  func askMIG(_ record: inout GPURecord) {
    guard record.facts[.migMode] != nil else { return }
    record.profiles = profiles()
    guard record.facts[.migMode] == 1 else { return }
    // The number is a bound with holes below it, not a count.
    let bound = library.number(CNVML_U32_MIG_DEVICES_MAX, of: device).value ?? 16
    var instances: [InstanceRecord] = []
    var parts: [(InstanceRecord, NVMLLibrary.Device)] = []
    for position in 0..<Int(min(bound, UInt64(ProbeLimits.instances))) {
      var handle: cnvml_device?
      let code = cnvml_mig_device(library.table, device.handle, UInt32(position), &handle)
      if NVMLReturn(code: code).isHole { continue }
      var instance = InstanceRecord(position: position, handleCode: code)
      if code == 0, let handle {
        ask(&instance, NVMLLibrary.Device(handle: handle))
        parts.append((instance, NVMLLibrary.Device(handle: handle)))
      } else if code == 0 {
        instance.handleCode = NVMLReturn.noSymbol
      }
      instances.append(instance)
    }
    record.instances = instances
    let isWhole = record.processes.value?.allSatisfy { $0.gpuInstance != nil } ?? false
    if !isWhole, !instances.isEmpty, parts.count == instances.count,
      let found = processes(of: parts)
    {
      record.processes = Answer(value: found, code: 0)
    }
  }

  /// The processes of every MIG device: the driver tells those of the whole GPU to root only, and
  /// old forms of the list do not say in which instance one runs.
  ///
  /// - Returns: nil when one MIG device does not tell, since the rest would look like all.
  private func processes(
    of parts: [(InstanceRecord, NVMLLibrary.Device)]
  ) -> [ProcessRecord]? {
    var found: [ProcessRecord] = []
    for (instance, device) in parts {
      guard let own = ProcessList(library: library, device: device).all().value else { return nil }
      found += own.map { process in
        var process = process
        process.gpuInstance = instance.facts[.gpuInstance].map { UInt32(clamping: $0) }
        process.computeInstance = instance.facts[.computeInstance].map { UInt32(clamping: $0) }
        return process
      }
    }
    return Array(found.prefix(ProbeLimits.processes))
  }

  private func ask(_ instance: inout InstanceRecord, _ mig: NVMLLibrary.Device) {
    let own = GPUQuestions(library: library, device: mig)
    instance.facts.set(.name, library.text(CNVML_TEXT_NAME, of: mig))
    instance.facts.set(.uuid, library.text(CNVML_TEXT_UUID, of: mig))
    own.askMemory(&instance.facts)
    instance.facts.set(.gpuInstance, library.number(CNVML_U32_GPU_INSTANCE_ID, of: mig))
    instance.facts.set(.computeInstance, library.number(CNVML_U32_COMPUTE_INSTANCE_ID, of: mig))
    let answer = library.structure(CNVML_STRUCT_ATTRIBUTES, cnvml_attributes(), of: mig)
    if let attributes = answer.value {
      func keep(_ number: GPUNumber, _ value: UInt32) {
        instance.facts.set(number, NVMLLibrary.answer(value, 0))
      }
      keep(.gpuSlices, attributes.gpu_instance_slices)
      keep(.computeSlices, attributes.compute_instance_slices)
      keep(.multiprocessors, attributes.multiprocessors)
      instance.facts.set(.instanceMemory, NVMLLibrary.answer(attributes.memory_mib, 0))
    }
    guard let id = instance.facts[.gpuInstance] else { return }
    var info = cnvml_gi_info()
    let code = cnvml_gpu_instance(library.table, device.handle, UInt32(id), &info)
    instance.facts.set(.profileID, NVMLLibrary.answer(info.profile_id, code))
    instance.facts.set(.placementStart, NVMLLibrary.answer(info.placement.start, code))
    instance.facts.set(.placementSize, NVMLLibrary.answer(info.placement.size, code))
  }

  /// Kinds of GPU instances, by the newest form that finds any. A driver may answer "invalid
  /// argument" to an index that it does not have and to a version that it does not know, so only
  /// the whole list tells the two apart.
  private func profiles() -> [InstanceProfileRecord] {
    for form in [profileV3, profileV2, profileV1] {
      let found = (0..<UInt32(ProbeLimits.instances / 2)).compactMap(form)
      if !found.isEmpty { return found.map(complete) }
    }
    return []
  }

  private func profileV3(_ index: UInt32) -> InstanceProfileRecord? {
    let answer = library.structure(
      CNVML_STRUCT_OF_GI_PROFILE_V, index, cnvml_gi_profile_v3(),
      version: UInt32(CNVML_GI_PROFILE_V3), of: device)
    return answer.value.map { profile in
      InstanceProfileRecord(
        id: profile.id, name: NVMLText.string(tuple: profile.name), slices: profile.slices,
        instances: profile.instances, multiprocessors: profile.multiprocessors,
        memoryMiB: profile.memory_mib, remaining: nil, placements: [])
    }
  }

  private func profileV2(_ index: UInt32) -> InstanceProfileRecord? {
    let answer = library.structure(
      CNVML_STRUCT_OF_GI_PROFILE_V, index, cnvml_gi_profile_v2(),
      version: UInt32(CNVML_GI_PROFILE_V2), of: device)
    return answer.value.map { profile in
      InstanceProfileRecord(
        id: profile.id, name: NVMLText.string(tuple: profile.name), slices: profile.slices,
        instances: profile.instances, multiprocessors: profile.multiprocessors,
        memoryMiB: profile.memory_mib, remaining: nil, placements: [])
    }
  }

  private func profileV1(_ index: UInt32) -> InstanceProfileRecord? {
    let answer = library.structure(
      CNVML_STRUCT_OF_GI_PROFILE, index, cnvml_gi_profile_v1(), of: device)
    return answer.value.map { profile in
      InstanceProfileRecord(
        id: profile.id, name: nil, slices: profile.slices, instances: profile.instances,
        multiprocessors: profile.multiprocessors, memoryMiB: profile.memory_mib, remaining: nil,
        placements: [])
    }
  }

  /// Adds where the kind may be placed and how many more there may be. Both take the kind's id, not
  /// the index under which it was found.
  private func complete(_ profile: InstanceProfileRecord) -> InstanceProfileRecord {
    var profile = profile
    profile.memoryMiB = min(profile.memoryMiB, UInt64(Int64.max))
    let left = library.number(CNVML_U32_OF_REMAINING_CAPACITY, profile.id, of: device)
    profile.remaining = left.value.map { UInt32(clamping: $0) }
    var places = [cnvml_placement](repeating: cnvml_placement(), count: ProbeLimits.placements)
    var count = UInt32(places.count)
    let code = cnvml_possible_placements(
      library.table, device.handle, profile.id, &places, &count)
    if code == 0 {
      profile.placements = places.prefix(Int(clamping: count)).map {
        MIGPlacement(start: $0.start, size: $0.size)
      }
    }
    return profile
  }
}
