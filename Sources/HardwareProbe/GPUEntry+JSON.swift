internal import StrictJSON

extension GPUEntry {
  /// The members of a device of the probe's document.
  func write(to writer: inout JSONWriter) {
    writer.int64("index", Int64(index))
    writer.optional("uuid", uuid)
    writer.optional("name", name)
    writer.optional("serial", serial)
    writer.optional("board_part_number", boardPartNumber)
    writer.optional("vendor", vendor)
    profile.write(to: &writer)
    writer.string("state", state.word)
    writer.optional("reason", state.reason)
    writer.strings("warnings", warnings)
    writer.optional("memory_total_bytes", memory?.totalBytes)
    writer.optional("memory_used_bytes", memory?.usedBytes)
    writer.optional("memory_reserved_bytes", memory?.reservedBytes)
    writer.bool("shares_host_memory", sharesHostMemory)
    writer.optional("compute_capability", computeCapability)
    writer.optional("pci_bus_id", pciBusID)
    writer.optional("pci_device_id", pci?.device.text)
    writer.optional("pci_subsystem_id", pci?.subsystem?.text)
    writer.optional("numa_node", numaNode.map { UInt64($0) })
    writer.optional("memory_numa_node", memoryNode.map { UInt64($0) })
    writer.optional("cpus", cpus?.list)
    writer.object("mig") { mig.write(to: &$0) }
    writer.list("links", links) { $0.write(to: &$1) }
    writer.list("processes", processes) { $0.write(to: &$1) }
    writer.object("readings") { readings.write(to: &$0) }
    writer.late(late)
    writer.string("source", source.rawValue)
  }
}

extension MIGState {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.optional("enabled", isEnabled)
    writer.optional("pending", isPending)
    writer.list("instances", instances) { $0.write(to: &$1) }
    writer.list("profiles", profiles) { profile, writer in
      writer.optional("profile", profile.name)
      writer.int64("id", Int64(profile.id))
      writer.int64("slices", Int64(profile.slices))
      writer.int64("instances_max", Int64(profile.instancesMax))
      writer.optional("remaining", profile.remaining.map(UInt64.init))
      writer.int64("multiprocessors", Int64(profile.multiprocessors))
      writer.unsigned("memory_bytes", profile.memoryBytes)
      writer.array("placements") { writer in
        for place in profile.placements { writer.object { place.write(to: &$0) } }
      }
    }
  }
}

extension MIGInstance {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.int64("position", Int64(position))
    writer.optional("uuid", uuid)
    writer.optional("profile", profile)
    writer.optional("milli_gpu", billedMilli.map { UInt64($0) })
    writer.optional("memory_bytes", memory?.totalBytes)
    writer.optional("memory_used_bytes", memory?.usedBytes)
    writer.optional("gpu_instance", gpuInstance.map(UInt64.init))
    writer.optional("compute_instance", computeInstance.map(UInt64.init))
    writer.bool("shares_memory", sharesMemory)
    writer.optional("multiprocessors", multiprocessors)
    if let placement {
      writer.object("placement") { placement.write(to: &$0) }
    } else {
      writer.null("placement")
    }
    if let files { writer.strings("files", files) } else { writer.null("files") }
    writer.bool("offered", isOfferable)
    writer.optional("reason", fault)
    writer.late(late)
  }
}

extension MIGPlacement {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.int64("start", Int64(start))
    writer.int64("size", Int64(size))
  }
}

extension GPULink {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.string("remote", remote.rawValue)
    writer.optional("index", index.map { UInt64($0) })
    writer.optional("uuid", uuid)
    writer.optional("nvlinks", ports.map { UInt64($0) })
    writer.optional("nvlink_version", version.map { UInt64($0) })
    writer.optional("errors", errors)
    writer.optional("path", path?.rawValue)
    writer.optional("p2p_read", canRead)
    writer.optional("p2p_write", canWrite)
    writer.optional("p2p_nvlink", overNVLink)
    writer.optional("p2p_atomics", atomics)
  }
}

extension GPUProcess {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.string("kind", kind)
    writer.optional("pid", pid.map(UInt64.init))
    writer.optional("memory_used_bytes", usedBytes)
    writer.optional("gpu_instance", gpuInstance.map(UInt64.init))
    writer.optional("compute_instance", computeInstance.map(UInt64.init))
    writer.optional("utilization_percent", utilizationPercent)
    writer.optional("memory_utilization_percent", memoryUtilizationPercent)
    writer.optional("encoder_percent", encoderPercent)
    writer.optional("decoder_percent", decoderPercent)
  }
}

extension GPUReadings {
  fileprivate func write(to writer: inout JSONWriter) {
    for name in GPUFolding.readingNames { writer.optional(name, self[name]) }
    writer.optional("architecture", architecture)
    if let clockReasons {
      writer.strings("clock_reasons", clockReasons)
    } else {
      writer.null("clock_reasons")
    }
    writer.optional("recovery_action", recoveryAction)
    writer.optional("fabric_cluster", fabricCluster)
    writer.optional("fabric_state", fabricState)
    writer.optional("compute_mode", computeMode)
    writer.list("accounting_processes", accounting) { process, writer in
      writer.int64("pid", Int64(process.pid))
      writer.optional("utilization_percent", process.utilizationPercent)
      writer.optional("memory_max_bytes", process.memoryMaxBytes)
      writer.optional("milliseconds", process.milliseconds)
      writer.bool("running", process.isRunning)
    }
  }
}

extension JSONWriter {
  /// What was not told now.
  fileprivate mutating func late(_ readings: [LateReading]) {
    list("late", readings) { reading, writer in
      writer.string("reading", reading.name)
      writer.string("reason", reading.reason)
      writer.optional("age_ms", reading.ageMilliseconds)
    }
  }

  /// A list of objects that may be absent, as null.
  fileprivate mutating func list<Element>(
    _ name: String, _ elements: [Element]?, _ body: (Element, inout JSONWriter) -> Void
  ) {
    guard let elements else { return null(name) }
    array(name) { writer in
      for element in elements { writer.object { body(element, &$0) } }
    }
  }
}
