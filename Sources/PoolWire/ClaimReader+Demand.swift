internal import PoolAllocator
internal import StrictJSON

/// What a claim asks of the hardware.
extension ClaimReader {
  func demand(_ value: JSONValue) throws -> Demand {
    try value.object { fields in
      let devices = Int64(Limits.devicesPerMember)
      let gpus = fields.optionalInt64("gpus", in: 1...devices)
      let milli = fields.optionalInt64("gpu_milli", in: 1...1000)
      let gpuMemory = fields.optionalMemory("gpu_memory")
      let mig = fields.optional("mig") { try vocabulary.slice($0) }
      let count = fields.optionalInt64("count", in: 1...devices)
      let cpu = fields.optionalInt64("cpu_milli", in: 0...Int64(Limits.deviceMilli))
      let hostMemory = fields.optionalMemory("host_memory")
      let enforcement = fields.optionalChoice("enforcement", Self.enforcements)
      let members = fields.optionalInt64("members", in: 1...Int64(Limits.members))
      let together = fields.optionalChoice("together", Self.proximities)
      let prefer = fields.optionalChoice("prefer", Self.proximities)
      let sharing = fields.optionalChoice(
        "sharing",
        [
          "any-tenant": Sharing.anyTenant, "own-tenant": .ownTenant, "mig": .mig,
          "whole": .wholeDevice,
        ]
      )
      try checkForm(&fields, value)
      let shape: Demand.Shape
      var number = try count.value ?? 1
      if let gpus = try gpus.value {
        shape = .whole
        number = gpus
      } else if fields.contains("gpu_milli") || fields.hasGPUMemory {
        let memory = try gpuMemory.get() ?? .zero
        shape = .fraction(MilliGPU(Int32(try milli.value ?? 0)), memory)
      } else if let slice = try mig.value {
        shape = .slice(slice)
      } else {
        shape = .cpuOnly
        if try cpu.value ?? 0 == 0 {
          throw value.refuse(
            "the demand asks for nothing",
            hint: "add gpus, gpu_milli and gpu_memory_gib, mig, or cpu_milli")
        }
      }
      var demand = Demand(
        shape: shape, devices: UInt8(number), cpu: MilliCPU(Int32(try cpu.value ?? 0)),
        hostMemory: try hostMemory.get() ?? .zero, enforcement: try enforcement.value ?? .none,
        sharing: try sharing.value ?? .ownTenant)
      demand.members = UInt16(try members.value ?? 1)
      demand.together = try together.value ?? .anywhere
      demand.prefer = try prefer.value ?? .anywhere
      return demand
    }
  }

  static var proximities: KeyValuePairs<String, Proximity> {
    [
      "anywhere": .anywhere, "rack": .rack, "node": .node, "numa": .numa, "island": .island,
    ]
  }

  static var enforcements: KeyValuePairs<String, Enforcement> {
    ["none": .none, "env": .environment, "cgroup": .cgroup]
  }

  /// The three forms of asking for devices exclude one another.
  private func checkForm(_ fields: inout JSONFields, _ value: JSONValue) throws(JSONAbandoned) {
    let whole = fields.contains("gpus")
    let part = fields.contains("gpu_milli") || fields.hasGPUMemory
    let slice = fields.contains("mig")
    let forms = (whole ? 1 : 0) + (part ? 1 : 0) + (slice ? 1 : 0)
    if forms > 1 {
      throw value.refuse(
        "devices are asked for in \(forms) forms",
        hint: "keep one of: gpus; gpu_milli and gpu_memory_gib; mig")
    }
    if part, !(fields.contains("gpu_milli") && fields.hasGPUMemory) {
      throw value.refuse(
        "a share of a GPU needs its time and its memory",
        hint: "give both gpu_milli and gpu_memory_gib")
    }
    if fields.contains("count"), !part, !slice {
      try fields.fail(
        "count", "count goes with mig or gpu_milli", hint: "write gpus for whole devices")
    }
  }
}

extension JSONFields {
  /// Whether memory of a GPU is asked for, in either unit.
  fileprivate var hasGPUMemory: Bool {
    mutating get { contains("gpu_memory_gib") || contains("gpu_memory_bytes") }
  }
}
