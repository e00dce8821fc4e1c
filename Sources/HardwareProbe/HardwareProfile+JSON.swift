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
    let stem = file.split(separator: "/").last.map { $0.dropLast(".json".count) } ?? ""
    do throws(JSONErrors) {
      let document = try JSONDocument(
        text: json, limits: JSONLimits(documentBytesMax: ProbeLimits.profileBytes, depthMax: 8))
      self = try document.decode { try $0.object { try Self.read(&$0, stem: String(stem)) } }
    } catch {
      throw ProfileErrors(messages: error.errors.map { $0.formatted(file: file) })
    }
  }

  private static func read(_ fields: inout JSONFields, stem: String) throws -> HardwareProfile {
    let version = Int64(schemaVersion)
    let schema = fields.int64("schema_version", in: version...version)
    let name = fields.string("name", 1...64)
    if let name = try? name.value {
      if name != stem { fields.record("name", "not the name of the file", hint: "write \(stem)") }
      if !name.utf8.allSatisfy(isNameByte) {
        fields.record("name", "has characters other than a-z, 0-9 and -")
      }
    }
    let kind = fields.choice("kind", ["gpu": Kind.gpu, "cpu": Kind.cpu])
    let weight = fields.milli("weight", in: 1...1_000_000)
    let sources = fields.array("sources", min: 1, max: 32) { try $0.string(1...512) }
    guard try fields.take(kind) == .gpu else {
      let match = fields.object("match", readCPUMatch)
      _ = try schema.value
      return try HardwareProfile(
        name: name.value, kind: .cpu, weightMilli: Int(weight.value), match: match.value,
        memoryMiB: nil, migSlices: [], sources: sources.value)
    }
    let match = fields.object("match", readGPUMatch)
    let memory = fields.int64("memory_mib", in: memoryRange)
    let slices = fields.optionalArray("mig", min: 1, max: 64) { try $0.object(readSlice) }
    checkMemory(&fields, match: try? match.value, memory: try? memory.value)
    _ = try schema.value
    return try HardwareProfile(
      name: name.value, kind: .gpu, weightMilli: Int(weight.value), match: match.value,
      memoryMiB: UInt64(memory.value), migSlices: slices.value ?? [], sources: sources.value)
  }

  /// MiB of a GPU: up to 16 TiB, a hundred times what there is.
  private static let memoryRange: ClosedRange<Int64> = 1...(16 << 20)

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
      let device = try value.string(9...9)
      guard isPCIDevice(device) else {
        throw ProfileErrors(messages: ["not a PCI device in the form 10de:2335"])
      }
      return device
    }
    let range = fields.array("memory_mib", min: 2, max: 2) { try $0.int64(in: memoryRange) }
    let ends = try range.value.map(UInt64.init)
    guard ends[0] <= ends[1] else {
      fields.record("memory_mib", "the first number is larger than the second")
      return try Match(
        nvmlNames: names.value, pciDeviceIDs: devices.value, memoryMiB: nil, cpuArchitecture: nil)
    }
    return try Match(
      nvmlNames: names.value, pciDeviceIDs: devices.value, memoryMiB: ends[0]...ends[1],
      cpuArchitecture: nil)
  }

  private static func readSlice(_ fields: inout JSONFields) throws -> MIGSlice {
    let name = fields.string("name", 1...32)
    let billed = fields.int64("billed_milli", in: 1...1000)
    let memory = fields.optionalInt64("memory_mib", in: memoryRange)
    return try MIGSlice(
      name: name.value, billedMilli: Int(billed.value), memoryMiB: memory.value.map(UInt64.init))
  }

  private static func checkMemory(_ fields: inout JSONFields, match: Match?, memory: Int64?) {
    guard let range = match?.memoryMiB, let memory else { return }
    if !range.contains(UInt64(memory)) {
      fields.record("memory_mib", "outside the range of match.memory_mib")
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    (97...122).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "-")
  }

  private static func isPCIDevice(_ text: String) -> Bool {
    let halves = text.split(separator: ":", omittingEmptySubsequences: false)
    return halves.count == 2
      && halves.allSatisfy { half in
        half.utf8.count == 4
          && half.utf8.allSatisfy { (97...102).contains($0) || (48...57).contains($0) }
      }
  }
}
