internal import StrictJSON

extension HardwareProfile {
  /// The one version of the file form that this code reads.
  public static let schemaVersion = 1

  /// Reads one profile file.
  ///
  /// - Parameters:
  ///   - json: The text of the file.
  ///   - file: Its path, for messages; the last component must be the profile's name and `.json`.
  /// - Throws: `ProfileErrors` with every error of the file.
  public init(json: String, file: String) throws(ProfileErrors) {
    self = try ProfileFile.decode(json, file: file, Self.read)
  }

  private static func read(_ fields: inout JSONFields, _ stem: String) throws -> HardwareProfile {
    let version = Int64(schemaVersion)
    let schema = fields.int64("schema_version", in: version...version)
    let name = fields.string("name", 1...64)
    ProfileName.check(&fields, name: try? name.value, stem: stem)
    let kind = fields.choice("kind", ["gpu": Kind.gpu, "cpu": Kind.cpu])
    let weight = fields.milli("weight", in: 1...1_000_000)
    guard try fields.take(kind) == .gpu else {
      let match = fields.object("match", readCPUMatch)
      let sources = readSources(&fields)
      let notes = fields.optionalArray("notes", max: 16) { try $0.string(1...512) }
      _ = try schema.value
      var profile = try HardwareProfile(
        name: name.value, kind: .cpu, weightMilli: Int(weight.value), match: match.value,
        sources: Dictionary(uniqueKeysWithValues: sources.value))
      profile.notes = try notes.value ?? []
      return profile
    }
    let vendor = fields.choice(
      "vendor", ["nvidia": PCIVendor.nvidia, "amd": .amd, "intel": .intel])
    let architecture = fields.optionalString("architecture", 1...32)
    let match = fields.object("match", readGPUMatch)
    let figures = Figures(&fields)
    let mig = fields.optionalObject("mig", readMIG)
    let sources = readSources(&fields)
    let notes = fields.optionalArray("notes", max: 16) { try $0.string(1...512) }
    _ = try schema.value
    var profile = try HardwareProfile(
      name: name.value, kind: .gpu, weightMilli: Int(weight.value), match: match.value,
      sources: Dictionary(uniqueKeysWithValues: sources.value))
    profile.vendor = try vendor.value
    profile.architecture = try architecture.value
    try figures.fill(&profile)
    profile.migSlices = try mig.value?.slices ?? []
    profile.migAxes = try mig.value?.axes
    profile.notes = try notes.value ?? []
    check(&fields, profile)
    return profile
  }

  private static func readSources(
    _ fields: inout JSONFields
  ) -> JSONField<[(Figure, String)]> {
    fields.map("sources", max: 2 * Figure.allCases.count) { key, value in
      guard let figure = Figure(rawValue: key) else {
        let known = Figure.allCases.map(\.rawValue).joined(separator: ", ")
        throw value.refuse("no group of figures has this name", hint: "known: \(known)")
      }
      return (figure, try value.string(1...512))
    }
  }

  private static func readCPUMatch(_ fields: inout JSONFields) throws -> Match {
    let architecture = fields.object("cpu") { cpu in
      let architecture = cpu.string("architecture", 1...32)
      return try architecture.value
    }
    return try Match(
      nvmlNames: [], pciDeviceIDs: [], memoryMiB: nil, cpuArchitecture: architecture.value)
  }

  private static func readGPUMatch(_ fields: inout JSONFields) throws -> Match {
    let names = fields.array("nvml_names", min: 1, max: 32) { try $0.string(1...96) }
    let devices = fields.array("pci_device_ids", max: 32) { value in
      let device = try value.string(9...19)
      guard PCIIdentity(device)?.text == device else {
        throw value.refuse(
          "not a PCI device", hint: "write it as 10de:2335, or 10de:2330/10de:16c1 with subsystem")
      }
      return device
    }
    let capability = fields.optionalString("compute_capability", 1...16)
    let range = fields.optionalArray("memory_mib", min: 2, max: 2) { value in
      UInt64(try value.int64(in: ProfileRange.memoryMiB))
    }
    var match = try Match(
      nvmlNames: names.value, pciDeviceIDs: devices.value,
      computeCapability: capability.value, memoryMiB: nil, cpuArchitecture: nil)
    guard let ends = try range.value else { return match }
    if ends[0] <= ends[1] {
      match.memoryMiB = ends[0]...ends[1]
    } else {
      fields.record("memory_mib", "the first number is larger than the second")
    }
    return match
  }

  /// Rules that span several fields.
  private static func check(_ fields: inout JSONFields, _ profile: HardwareProfile) {
    if let memory = profile.memoryMiB {
      if profile.match.memoryMiB?.contains(memory) == false {
        fields.record("memory_mib", "outside the range of match.memory_mib")
      }
      if profile.memoryKind == .unified {
        fields.record("memory_mib", "a GPU with unified memory has none of its own")
      }
    }
    let known: [(Figure, Bool)] = [
      (.name, true), (.weight, true), (.pci, !profile.match.pciDeviceIDs.isEmpty),
      (.memory, profile.memoryMiB != nil),
      (.computeCapability, profile.match.computeCapability != nil),
      (.multiprocessors, profile.multiprocessors != nil),
      (.arithmetic, (profile.fp16GigaflopsDense ?? profile.bf16GigaflopsDense) != nil),
      (.bandwidth, profile.bandwidthMegabytes != nil), (.links, profile.links != nil),
      (.pcie, profile.pcieGeneration != nil), (.power, profile.powerWatts != nil),
      (.mig, !profile.migSlices.isEmpty),
    ]
    for (figure, isThere) in known where isThere && profile.sources[figure] == nil {
      fields.record(
        "sources", "no source for \(figure.rawValue)", hint: "say where it comes from")
    }
  }
}
