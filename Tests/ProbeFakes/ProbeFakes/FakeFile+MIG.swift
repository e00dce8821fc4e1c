internal import HardwareProbe

extension FakeFile {
  /// Adds the MIG mode of a GPU, the profiles that its board can be cut into, and its instances.
  ///
  /// - Parameter number: The GPU's number in the file.
  mutating func addMIG(
    _ gpu: NodeShape.GPU, _ profile: HardwareProfile, number: Int, hostname: String
  ) {
    guard !profile.migSlices.isEmpty else { return }
    let section = "gpu \(number)"
    let mode = gpu.mig?.isEnabled ?? false
    self[section, "mig_mode"] = mode ? "1" : "0"
    self[section, "mig_mode_pending"] = gpu.mig?.isPending ?? mode ? "1" : "0"
    self[section, "mig_max_devices"] = "\(profile.migAxes?.computeSlices ?? 7)"
    for slice in profile.migSlices { addProfile(slice, number: number) }
    var device = 0
    var used: Set<Int> = []
    for instance in gpu.mig?.instances ?? [] {
      guard let slice = profile.migSlices.first(where: { $0.name == instance.profile }) else {
        continue
      }
      let id = Self.instanceID(instance, axes: profile.migAxes, used: &used)
      set(
        "\(section) gi \(id)",
        [
          "profile": slice.nvmlProfileID.map { "\($0)" },
          "placement": "\(instance.start):\(instance.size)",
        ])
      let whole = slice.computeSlices ?? 1
      let parts = instance.computeSlices.isEmpty ? [whole] : instance.computeSlices
      var start = 0
      for (compute, part) in parts.enumerated() {
        addDevice(
          device, slice, part: part, of: whole, instance: (id, compute), at: start,
          number: number, hostname: hostname)
        start += part
        device += 1
      }
    }
  }

  /// One compute instance and the MIG device that it is.
  private mutating func addDevice(
    _ device: Int, _ slice: HardwareProfile.MIGSlice, part: Int, of whole: Int,
    instance: (gi: Int, ci: Int), at start: Int, number: Int, hostname: String
  ) {
    let section = "gpu \(number)"
    let numbers = [1: 0, 2: 1, 3: 2, 4: 3, 7: 4, 8: 5, 6: 6]
    set(
      "\(section) gi \(instance.gi) ci \(instance.ci)",
      ["profile": "\(numbers[part] ?? 0)", "placement": "\(start):\(part)"])
    let memory = slice.memoryMiB.map { "\($0) MiB" }
    let processors = slice.multiprocessors.map { part == whole ? $0 : $0 / whole * part }
    set(
      "\(section) mig \(device)",
      [
        "uuid": "MIG-\(FakeIdentifier.uuid("\(hostname)/gpu \(number)/mig \(device)"))",
        "gi": "\(instance.gi)", "ci": "\(instance.ci)",
        "profile": part == whole ? slice.name : "\(part)c.\(slice.name)",
        "multiprocessors": processors.map { "\($0)" },
        "copy_engines": slice.engines.map { "\($0.copy)" },
        "decoders": slice.engines.map { "\($0.decode)" },
        "encoders": slice.engines.map { "\($0.encode)" },
        "jpegs": slice.engines.map { "\($0.jpeg)" },
        "ofas": slice.engines.map { "\($0.opticalFlow)" },
        "gi_slices": "\(whole)", "ci_slices": "\(part)",
        "memory_mb": slice.memoryMiB.map { "\($0)" },
        // Readers such as nvitop count on a window onto the memory, which every driver reports.
        "memory_total": memory, "memory_used": memory.map { _ in "0" },
        "bar1_total": memory, "bar1_used": memory.map { _ in "0" },
      ])
  }

  private mutating func addProfile(_ slice: HardwareProfile.MIGSlice, number: Int) {
    guard let slices = slice.computeSlices, let id = slice.nvmlProfileID,
      let profile = Self.profileNumber(slice.name, slices: slices, size: slice.placementSize)
    else { return }
    let size = slice.placementSize ?? slices
    set(
      "gpu \(number) profile \(profile)",
      [
        "id": "\(id)", "name": "MIG \(slice.name)", "slices": "\(slices)",
        "instances": slice.instancesMax.map { "\($0)" },
        "multiprocessors": slice.multiprocessors.map { "\($0)" },
        "copy_engines": slice.engines.map { "\($0.copy)" },
        "decoders": slice.engines.map { "\($0.decode)" },
        "encoders": slice.engines.map { "\($0.encode)" },
        "jpegs": slice.engines.map { "\($0.jpeg)" },
        "ofas": slice.engines.map { "\($0.opticalFlow)" },
        "memory_mb": slice.memoryMiB.map { "\($0)" },
        "placements": slice.placementStarts.map { "\($0):\(size)" }.joined(separator: ","),
      ])
  }

  /// NVML's number of a GPU instance profile: by slices, and by what its name adds.
  static func profileNumber(_ name: String, slices: Int, size: Int?) -> Int? {
    let plain = [1: 0, 2: 1, 3: 2, 4: 3, 7: 4, 8: 5, 6: 6]
    guard let mark = name.firstIndex(where: { $0 == "+" || $0 == "-" }) else {
      return slices == 1 && size == 2 ? 9 : plain[slices]
    }
    let added: [String: [Int: Int]] = [
      "+me": [1: 7, 2: 8], "+gfx": [1: 10, 2: 11, 4: 12, 3: 17], "-me": [1: 13, 2: 14],
      "+me.all": [1: 15, 2: 16],
    ]
    return added[String(name[mark...])]?[slices]
  }

  /// The id that the driver gives to an instance at that place on an axis of eight slices: the
  /// whole is 0, then halves, quarters and eighths, the upper half first. On other axes the least
  /// that is free.
  static func instanceID(
    _ instance: NodeShape.Instance, axes: HardwareProfile.MIGAxes?, used: inout Set<Int>
  ) -> Int {
    let places: [Int: (first: Int, starts: [Int])] = [
      8: (0, [0]), 4: (1, [4, 0]), 2: (3, [4, 6, 0, 2]), 1: (7, [4, 5, 6, 7, 0, 1, 2, 3]),
    ]
    var id = 1
    if axes?.memorySlices == 8, let row = places[instance.size],
      let position = row.starts.firstIndex(of: instance.start)
    {
      id = row.first + position
    }
    while used.contains(id) { id += 1 }
    used.insert(id)
    return id
  }
}
