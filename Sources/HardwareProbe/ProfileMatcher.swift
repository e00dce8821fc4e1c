/// Which hardware profile a device has, and which rule said so.
public enum ProfileMatch: Sendable, Equatable {
  /// A rule found exactly one profile.
  case matched(profile: String, rule: ProfileRule)
  /// None is certain. `candidates` are the profiles that memory and capability would allow.
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
  /// The PCI device and the board it sits on are one of the profile's; memory as above.
  case pciSubsystem = "pci_subsystem"
  /// The PCI device is one of the profile's; memory as above.
  case pciDevice = "pci_device"
  /// The device has no name of its own, and only this profile has its compute capability and a
  /// memory such as it reports.
  case capabilityMemory = "capability_memory"
  /// The CPU architecture is the profile's.
  case cpuArchitecture = "cpu_architecture"
}

/// What is known of a GPU when its profile is looked for. A field is nil when nobody told.
public struct DeviceFacts: Sendable, Equatable {
  /// The product name, as NVML says it.
  public var name: String?
  /// Its numbers on the PCI bus.
  public var pci: PCIIdentity?
  /// Compute capability such as `9.0`, AMD's `gfx942`.
  public var computeCapability: String?
  /// All its memory in MiB, as the driver reports it.
  public var memoryMiB: UInt64?

  /// Makes facts; what is not named is not known.
  public init(
    name: String? = nil, pci: PCIIdentity? = nil, computeCapability: String? = nil,
    memoryMiB: UInt64? = nil
  ) {
    self.name = name
    self.pci = pci
    self.computeCapability = computeCapability
    self.memoryMiB = memoryMiB
  }
}

/// What each rule made of a device, in the order of the rules.
public struct ProfileExplanation: Sendable, Equatable {
  /// What one rule came to.
  public struct Step: Sendable, Equatable {
    /// The rule.
    public var rule: ProfileRule
    /// The profiles that it found; empty when none.
    public var found: [String]
    /// What it came to, in words: one clause without a full stop.
    public var words: String
    /// True when the search ended here.
    public var isDecisive: Bool
  }

  /// The rules that were tried; the last one decided, or all were tried in vain.
  public var steps: [Step]
  /// The result.
  public var match: ProfileMatch
}

/// Finds the profile of a device. Pure.
public enum ProfileMatcher {
  /// Names that a driver gives to boards newer than itself: they say nothing.
  static let genericNames: Set<String> = [
    "NVIDIA Graphics Device", "Graphics Device", "NVIDIA", "Unknown",
  ]

  /// The profile of a GPU: exact name, else PCI device and board, else PCI device, else compute
  /// capability and memory, else unknown.
  ///
  /// Memory helps to decide only for a device without a name of its own. A name that no profile
  /// knows says that the device is something else: an A40 reports the memory of an L40S and does
  /// half of its work. A name with the wrong memory is a partition or virtual GPU, which must not
  /// be priced as the whole.
  ///
  /// - Parameter profiles: Where to look; CPU profiles among them are passed over.
  /// - Complexity: O(profiles).
  public static func gpu(
    _ facts: DeviceFacts, among profiles: [HardwareProfile]
  ) -> ProfileMatch {
    explain(facts, among: profiles).match
  }

  /// The profile of a GPU, and what each rule made of it.
  ///
  /// - Parameter profiles: Where to look; CPU profiles among them are passed over.
  /// - Complexity: O(profiles).
  public static func explain(
    _ facts: DeviceFacts, among profiles: [HardwareProfile]
  ) -> ProfileExplanation {
    var search = ProfileSearch(facts: facts, gpus: profiles.filter { $0.kind == .gpu })
    return search.run()
  }

  /// The profile of a GPU of which less was asked.
  ///
  /// - Parameters:
  ///   - name: NVML's product name; nil when it is not told.
  ///   - pciDeviceID: `vendor:device` in hexadecimal; nil when it was not asked.
  ///   - memoryBytes: All memory in bytes; nil when it is not told.
  ///   - profiles: Where to look; CPU profiles among them are passed over.
  public static func gpu(
    name: String?, pciDeviceID: String?, memoryBytes: UInt64?, among profiles: [HardwareProfile]
  ) -> ProfileMatch {
    let facts = DeviceFacts(
      name: name, pci: pciDeviceID.flatMap { PCIIdentity($0) },
      memoryMiB: memoryBytes.map { $0 >> 20 })
    return gpu(facts, among: profiles)
  }

  /// The profile of the node's CPUs: by architecture.
  public static func cpu(
    architecture: String, among profiles: [HardwareProfile]
  ) -> ProfileMatch {
    if architecture.isEmpty {
      return .unknown(reason: "the architecture is not known", candidates: [])
    }
    let found = profiles.filter { $0.kind == .cpu && $0.match.cpuArchitecture == architecture }
    if found.count == 1, let only = found.first {
      return .matched(profile: only.name, rule: .cpuArchitecture)
    }
    let reason = found.isEmpty ? "no profile is for" : "several profiles are for"
    return .unknown(reason: "\(reason) \(architecture)", candidates: found.map(\.name))
  }
}
