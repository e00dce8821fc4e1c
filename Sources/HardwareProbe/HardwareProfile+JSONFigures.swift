internal import StrictJSON

extension HardwareProfile {
  /// The figures of a GPU, asked for in the order of the file.
  struct Figures {
    private let memoryKind: JSONField<MemoryKind?>
    private let memory: JSONField<Int64?>
    private let reserved: JSONField<Int64?>
    private let multiprocessors: JSONField<Int64?>
    private let fp16: JSONField<Int64?>
    private let bf16: JSONField<Int64?>
    private let bandwidth: JSONField<Int64?>
    private let links: JSONField<[Link]?>
    private let pcie: JSONField<Int64?>
    private let power: JSONField<Int64?>

    /// Thousandths of a TFLOP/s or of a GB/s: up to a million of either.
    private static let rate: ClosedRange<Int64> = 1...1_000_000_000

    init(_ fields: inout JSONFields) {
      memoryKind = fields.optionalChoice(
        "memory_kind", ["own": MemoryKind.own, "unified": .unified])
      memory = fields.optionalInt64("memory_mib", in: ProfileRange.memoryMiB)
      reserved = fields.optionalInt64("memory_reserved_mib", in: ProfileRange.memoryMiB)
      multiprocessors = fields.optionalInt64("multiprocessors", in: 1...10_000)
      fp16 = fields.optionalMilli("fp16_dense_tflops", in: Self.rate)
      bf16 = fields.optionalMilli("bf16_dense_tflops", in: Self.rate)
      bandwidth = fields.optionalMilli("memory_bandwidth_gb_s", in: Self.rate)
      links = fields.optionalArray("links", max: 4) { try $0.object(Self.readLink) }
      pcie = fields.optionalInt64("pcie_generation", in: 1...16)
      power = fields.optionalInt64("power_w", in: 1...100_000)
    }

    /// Puts them into a profile.
    func fill(_ profile: inout HardwareProfile) throws {
      profile.memoryKind = try memoryKind.value ?? .own
      profile.memoryMiB = try memory.value.map { UInt64($0) }
      profile.reservedMiB = try reserved.value.map { UInt64($0) }
      profile.multiprocessors = try multiprocessors.value.map { Int($0) }
      profile.fp16GigaflopsDense = try fp16.value.map { UInt64($0) }
      profile.bf16GigaflopsDense = try bf16.value.map { UInt64($0) }
      profile.bandwidthMegabytes = try bandwidth.value.map { UInt64($0) }
      profile.links = try links.value
      profile.pcieGeneration = try pcie.value.map { Int($0) }
      profile.powerWatts = try power.value.map { Int($0) }
    }

    private static func readLink(_ fields: inout JSONFields) throws -> Link {
      let kind = fields.choice(
        "kind",
        ["nvlink": Link.Kind.nvlink, "infinity_fabric": .infinityFabric, "xe_link": .xeLink])
      let version = fields.optionalInt64("version", in: 1...16)
      let count = fields.optionalInt64("count", in: 1...Int64(ProfileRange.links))
      let total = fields.optionalMilli("total_gb_s", in: rate)
      return try Link(
        kind: kind.value, version: version.value.map { Int($0) },
        count: count.value.map { Int($0) }, totalMegabytes: total.value.map { UInt64($0) })
    }
  }

  static func readMIG(
    _ fields: inout JSONFields
  ) throws -> (axes: MIGAxes, slices: [MIGSlice]) {
    let memory = fields.int64("memory_slices", in: 1...64)
    let compute = fields.int64("compute_slices", in: 1...64)
    let profiles = fields.array("profiles", min: 1, max: 64) { try $0.object(readSlice) }
    let axes = try MIGAxes(
      memorySlices: Int(memory.value), computeSlices: Int(compute.value))
    let slices = try profiles.value
    for (index, slice) in slices.enumerated() {
      let size = slice.placementSize ?? 0
      if slice.placementStarts.contains(where: { $0 + size > axes.memorySlices }) {
        fields.record("profiles", "\(slice.name) does not fit \(axes.memorySlices) memory slices")
      }
      if slice.computeSlices ?? 0 > axes.computeSlices {
        fields.record("profiles", "\(slice.name) does not fit \(axes.computeSlices) compute slices")
      }
      if slices[..<index].contains(where: { $0.name == slice.name }) {
        fields.record("profiles", "\(slice.name) is there twice")
      }
    }
    return (axes, slices)
  }

  private static func readSlice(_ fields: inout JSONFields) throws -> MIGSlice {
    let name = fields.string("name", 1...32)
    let billed = fields.int64("billed_milli", in: 1...1000)
    let compute = fields.optionalInt64("compute_slices", in: 1...64)
    let size = fields.optionalInt64("size", in: 1...64)
    let starts = fields.optionalArray("starts", min: 1, max: 64) { try $0.int64(in: 0...63) }
    let count = fields.optionalInt64("instances_max", in: 1...64)
    let multiprocessors = fields.optionalInt64("multiprocessors", in: 1...10_000)
    let memory = fields.optionalArray("memory_mib", min: 1, max: 16) { value in
      UInt64(try value.int64(in: ProfileRange.memoryMiB))
    }
    let id = fields.optionalInt64("nvml_profile_id", in: 0...65_535)
    let engines = fields.optionalArray("engines", min: 5, max: 5) { try $0.int64(in: 0...64) }
    let seen = try memory.value ?? []
    if seen != seen.sorted() { fields.record("memory_mib", "not in ascending order") }
    var slice = try MIGSlice(
      name: name.value, billedMilli: Int(billed.value), memoryMiBSeen: seen)
    slice.computeSlices = try compute.value.map { Int($0) }
    slice.placementSize = try size.value.map { Int($0) }
    slice.placementStarts = try (starts.value ?? []).map { Int($0) }
    slice.instancesMax = try count.value.map { Int($0) }
    slice.multiprocessors = try multiprocessors.value.map { Int($0) }
    slice.nvmlProfileID = try id.value.map { Int($0) }
    slice.engines = try engines.value.map { counts in
      Engines(
        copy: Int(counts[0]), decode: Int(counts[1]), encode: Int(counts[2]), jpeg: Int(counts[3]),
        opticalFlow: Int(counts[4]))
    }
    return slice
  }
}
