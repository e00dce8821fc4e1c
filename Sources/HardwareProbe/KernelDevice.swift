/// A GPU as the kernel shows it, whether or not anything answers for it.
///
/// NVML sees only devices whose driver works. This is what /sys and /proc say of all of them, so
/// that a GPU without a driver is present and unusable instead of absent, and a GPU of AMD or Intel
/// needs no library. A field is nil when the kernel does not say.
public struct KernelDevice: Sendable, Equatable {
  /// Where it is on the PCI bus; nil for a GPU inside a system on a chip.
  public var address: PCIAddress?
  /// Who made it.
  public var vendor: PCIVendor
  /// Its numbers on the PCI bus.
  public var identity: PCIIdentity?
  /// The product name that its driver gives to the kernel.
  public var name: String?
  /// The UUID that the NVIDIA driver gives to the kernel; not to be had of a lost GPU.
  public var uuid: String?
  /// The number burnt into an AMD GPU, in hexadecimal.
  public var uniqueID: String?
  /// The kernel driver that is bound to it, such as `nvidia`, `amdgpu`, `vfio-pci`.
  public var kernelDriver: String?
  /// The NUMA node that it is near to; nil where the kernel knows none (-1).
  public var numaNode: Int?
  /// The CPUs that it is near to.
  public var localCPUs: CPUSet?
  /// Whether its memory is its own or the host's.
  public var memoryKind = HardwareProfile.MemoryKind.own
  /// The NUMA node that its own memory appears as, on machines where GPU memory does.
  public var memoryNode: Int?
  /// All its own memory in bytes; nil also where it computes in the host's.
  public var memoryTotalBytes: UInt64?
  /// What of it is taken, in bytes.
  public var memoryUsedBytes: UInt64?
  /// How busy it is, 0...100.
  public var busyPercent: Int?
  /// Compute capability in the maker's words, such as `gfx942`.
  public var computeCapability: String?
  /// Whether it could take work, as far as the kernel can tell: a bound driver that computes.
  public var state: GPUState
  /// The hardware profile, and which rule found it.
  public var profile: ProfileMatch

  /// Makes a device of which only the least is known.
  public init(
    address: PCIAddress?, vendor: PCIVendor, identity: PCIIdentity? = nil, state: GPUState,
    profile: ProfileMatch = .notChecked
  ) {
    self.address = address
    self.vendor = vendor
    self.identity = identity
    self.state = state
    self.profile = profile
  }

  /// What is known of it when its profile is looked for. Only the NVIDIA driver gives the kernel
  /// the name that NVML would give.
  public var facts: DeviceFacts {
    DeviceFacts(
      name: vendor == .nvidia ? name : nil, pci: identity, computeCapability: computeCapability,
      memoryMiB: memoryTotalBytes.map { $0 >> 20 })
  }
}

/// The kind of machine, where it decides how memory is counted.
public enum HostPlatform: String, Sendable, CaseIterable {
  /// GPUs have memory of their own, if any.
  case standard
  /// A Tegra system on a chip: the GPU computes in the host's memory.
  case tegra
  /// Linux below Windows (WSL): GPUs are reached through Windows, and the PCI bus shows none of
  /// them.
  case wsl
}

extension HostPlatform {
  /// The library through which Linux below Windows reaches GPUs.
  static let wslLibrary = "libdxcore.so"

  /// Reads it from `/etc/nv_tegra_release` and `/sys/devices/soc0/family`, then from whether
  /// `libdxcore.so` can be loaded. A tree that is not the running machine's has nothing to load:
  /// there the file counts.
  ///
  /// - Parameter canLoad: Whether the loader takes one of these.
  static func read(
    from tree: inout FileTree, canLoad: ([String]) -> Bool = HostPlatform.canLoad
  ) -> HostPlatform {
    if isTegra(&tree) { return .tegra }
    let isWSL =
      tree.isLive
      ? canLoad(["\(NVMLLocator.wslFolder)/\(wslLibrary)", wslLibrary])
      : ([NVMLLocator.wslFolder] + NVMLLocator.libraryFolders).contains {
        tree.exists("\($0)/\(wslLibrary)")
      }
    return isWSL ? .wsl : .standard
  }

  static func isTegra(_ tree: inout FileTree) -> Bool {
    // The file of older JetPacks; its text is a version, and may be long.
    if tree.line("/etc/nv_tegra_release") != nil { return true }
    return (tree.line("/sys/devices/soc0/family") ?? "").lowercased().hasPrefix("tegra")
  }

  /// Whether the loader takes one of these on the running machine. In a privileged process only
  /// root's own files are tried, and a plain name only where nobody told the loader where to look.
  private static func canLoad(_ candidates: [String]) -> Bool {
    let isPrivileged = Syscalls.isPrivileged()
    let isTold = Syscalls.environment(NVMLLocator.loaderVariable) != nil
    return candidates.contains { candidate in
      if isPrivileged && isTold && !candidate.hasPrefix("/") { return false }
      guard
        case .path(let path) = NVMLLocator.admit(
          candidate, plainName: wslLibrary, isPrivileged: isPrivileged)
      else { return false }
      return Syscalls.canLoad(path)
    }
  }
}

/// Decides whether a GPU computes in the host's memory, so that both are one pool: what is
/// offered as memory of the CPUs must not be offered again as memory of the GPU.
public enum UnifiedMemory {
  /// True when the GPU has no memory of its own.
  ///
  /// - Parameters:
  ///   - name: NVML's product name; nil when it is not told.
  ///   - profile: The profile that it matched; nil when none.
  ///   - platform: The kind of machine.
  public static func isShared(
    name: String?, profile: HardwareProfile?, platform: HostPlatform
  ) -> Bool {
    // The driver's own word before that of a profile, which may be found by memory.
    if isIntegrated(name) { return true }
    if let profile { return profile.memoryKind == .unified }
    return platform == .tegra
  }

  /// Whether NVML's product name is that of a GPU inside a system on a chip, as go-nvlib does it.
  static func isIntegrated(_ name: String?) -> Bool {
    name.map { $0.contains("(nvgpu)") || $0.contains("NVIDIA Thor") } ?? false
  }
}
