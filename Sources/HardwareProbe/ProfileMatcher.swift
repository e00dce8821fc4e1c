/// Which hardware profile a device has, and which rule said so.
public enum ProfileMatch: Sendable, Equatable {
  /// A rule found exactly one profile.
  case matched(profile: String, rule: ProfileRule)
  /// None is certain. `candidates` are the profiles that the memory alone would allow.
  case unknown(reason: String, candidates: [String])
  /// There was no catalogue to look in.
  case notChecked

  /// The profile's name; nil unless one was matched.
  public var name: String? {
    if case .matched(let profile, _) = self { profile } else { nil }
  }
}

/// The rules that recognise a device, the surest first.
public enum ProfileRule: String, Sendable, CaseIterable {
  /// NVML's product name is one of the profile's, and the memory does not speak against it.
  case nvmlName = "nvml_name"
  /// The PCI identifier is one of the profile's, and the memory does not speak against it.
  case pciDevice = "pci_device"
  /// The device has no name of its own, and only this profile has such a memory.
  case memoryClass = "memory_class"
  /// The CPU architecture is the profile's.
  case cpuArchitecture = "cpu_architecture"
}

/// Finds the profile of a device. Pure.
public enum ProfileMatcher {
  /// Names that a driver gives to boards newer than itself: they say nothing.
  static let genericNames: Set<String> = [
    "NVIDIA Graphics Device", "Graphics Device", "NVIDIA", "Unknown",
  ]

  /// The profile of a GPU: exact name, else PCI identifier, else class of memory, else unknown.
  ///
  /// Memory decides only for a device without a name of its own. A name that no profile knows
  /// says that the device is something else: an A40 reports the memory of an L40S and does half
  /// of its work. A name with the wrong memory is a partition or virtual GPU, which must not be
  /// priced as the whole.
  ///
  /// - Parameters:
  ///   - name: NVML's product name; nil when it is not told.
  ///   - pciDeviceID: `vendor:device` in lower-case hexadecimal; nil when it was not asked.
  ///   - memoryBytes: All memory in bytes; nil when it is not told.
  ///   - profiles: Where to look; CPU profiles among them are passed over.
  public static func gpu(
    name: String?, pciDeviceID: String?, memoryBytes: UInt64?, among profiles: [HardwareProfile]
  ) -> ProfileMatch {
    let gpus = profiles.filter { $0.kind == .gpu }
    let memoryMiB = memoryBytes.map { $0 >> 20 }
    let byMemory = gpus.filter { profile in
      guard let memoryMiB, let range = profile.match.memoryMiB else { return false }
      return range.contains(memoryMiB)
    }
    let candidates = byMemory.map(\.name)
    let sure: [(ProfileRule, [HardwareProfile])] = [
      (.nvmlName, gpus.filter { $0.match.nvmlNames.contains { $0 == name } }),
      (.pciDevice, gpus.filter { $0.match.pciDeviceIDs.contains { $0 == pciDeviceID } }),
    ]
    for (rule, found) in sure {
      guard let profile = found.first else { continue }
      let others = found.map(\.name).joined(separator: ", ")
      if found.count > 1 {
        return .unknown(reason: "several profiles claim it: \(others)", candidates: candidates)
      }
      if let memoryMiB, let range = profile.match.memoryMiB, !range.contains(memoryMiB) {
        let reason = "looks like \(profile.name) but has \(memoryMiB) MiB"
        return .unknown(reason: reason, candidates: candidates)
      }
      return .matched(profile: profile.name, rule: rule)
    }
    if let name, !genericNames.contains(name) {
      return .unknown(reason: "no profile names \"\(name)\"", candidates: candidates)
    }
    if byMemory.count == 1, let only = byMemory.first {
      return .matched(profile: only.name, rule: .memoryClass)
    }
    guard let memoryMiB else {
      return .unknown(reason: "neither name nor memory is known", candidates: [])
    }
    let reason = byMemory.isEmpty ? "no profile has" : "several profiles have"
    return .unknown(reason: "\(reason) \(memoryMiB) MiB", candidates: candidates)
  }

  /// The profile of the node's CPUs: by architecture.
  public static func cpu(
    architecture: String, among profiles: [HardwareProfile]
  ) -> ProfileMatch {
    let found = profiles.filter { $0.kind == .cpu && $0.match.cpuArchitecture == architecture }
    if found.count == 1, let only = found.first {
      return .matched(profile: only.name, rule: .cpuArchitecture)
    }
    let reason = found.isEmpty ? "no profile is for" : "several profiles are for"
    return .unknown(reason: "\(reason) \(architecture)", candidates: found.map(\.name))
  }
}
