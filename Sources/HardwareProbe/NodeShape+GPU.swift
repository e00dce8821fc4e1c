extension NodeShape {
  /// GPUs of one kind in one machine.
  public struct GPUGroup: Sendable, Equatable {
    /// The name of their ``HardwareProfile``.
    public var profile: String
    /// How many. At least 1.
    public var count: Int
    /// Where each is on the PCI bus, in the form `00000000:1B:00.0`; nil leaves it to the rule of
    /// ``NodeShape/ruledBusID(index:)``. Otherwise `count` of them.
    public var pciBusIDs: [String]?
    /// The NUMA node that each is near to, `count` of them; nil where the machine does not say.
    public var numaNodes: [Int]?
    /// Memory that each reports, in MiB, where it differs from the profile's; nil where it does
    /// not.
    public var memoryMiB: UInt64?
    /// What the kernel has bound to them: `nvidia`, `amdgpu`, `i915`, `xe`, `vfio-pci`; nil for
    /// nothing.
    public var kernelDriver: String?
    /// The links between them; nil when they have none.
    public var nvlink: NVLink?
    /// Whether and how they are cut into partitions; nil when MIG is off or impossible.
    public var mig: MIG?

    /// Makes a group of the given parts.
    public init(
      profile: String, count: Int, pciBusIDs: [String]? = nil, numaNodes: [Int]? = nil,
      memoryMiB: UInt64? = nil, kernelDriver: String?, nvlink: NVLink? = nil, mig: MIG? = nil
    ) {
      self.profile = profile
      self.count = count
      self.pciBusIDs = pciBusIDs
      self.numaNodes = numaNodes
      self.memoryMiB = memoryMiB
      self.kernelDriver = kernelDriver
      self.nvlink = nvlink
      self.mig = mig
    }
  }

  /// Links of the GPUs of one group.
  public struct NVLink: Sendable, Equatable {
    /// Where the links of a GPU end.
    public enum Remote: Sendable, Equatable {
      /// All at NVSwitches: every GPU reaches every other.
      case switches
      /// At other GPUs, as the pairs say.
      case peers([Pair])
    }

    /// Generation of NVLink, 1...5. (NVML's own numbers differ: 5 is its 7.)
    public var version: Int
    /// Links of one GPU, used or not, 1...36.
    public var links: Int
    /// Where they end.
    public var remote: Remote
    /// The fabric that the GPUs belong to; nil where there is no fabric manager.
    public var fabric: Fabric?

    /// Makes links of the given parts.
    public init(version: Int, links: Int, remote: Remote, fabric: Fabric?) {
      self.version = version
      self.links = links
      self.remote = remote
      self.fabric = fabric
    }
  }

  /// Two GPUs with links between them.
  public struct Pair: Sendable, Equatable {
    /// Index of one GPU in the node.
    public var first: Int
    /// Index of the other; larger than `first`.
    public var second: Int
    /// Links between them. At least 1.
    public var links: Int

    /// Makes a pair.
    public init(first: Int, second: Int, links: Int) {
      self.first = first
      self.second = second
      self.links = links
    }
  }

  /// Membership in an NVLink fabric, as NVML's fabric information gives it.
  public struct Fabric: Sendable, Equatable {
    /// The cluster's UUID in the usual form of 36 characters; all zeros inside a single machine.
    public var clusterUUID: String
    /// The clique, the set of GPUs that can reach each other. May be 0.
    public var cliqueID: Int

    /// Makes a membership.
    public init(clusterUUID: String, cliqueID: Int) {
      self.clusterUUID = clusterUUID
      self.cliqueID = cliqueID
    }
  }

  /// The MIG mode of a group and the partitions of its GPUs.
  public struct MIG: Sendable, Equatable {
    /// The mode now. When on, a GPU without instances has no capacity at all.
    public var isEnabled: Bool
    /// The mode after the next reset; equal to `isEnabled` unless a change waits.
    public var isPending: Bool
    /// The GPU instances.
    public var instances: [Instance]

    /// Makes a mode.
    public init(isEnabled: Bool, isPending: Bool, instances: [Instance]) {
      self.isEnabled = isEnabled
      self.isPending = isPending
      self.instances = instances
    }
  }

  /// One GPU instance.
  public struct Instance: Sendable, Equatable {
    /// Index of the GPU in the node.
    public var gpuIndex: Int
    /// The driver's name for its kind, such as `3g.40gb`.
    public var profile: String
    /// The first memory slice that it takes.
    public var start: Int
    /// How many memory slices it takes. At least 1.
    public var size: Int
    /// Compute slices of each compute instance in it, such as [1, 2]; empty for a single compute
    /// instance that takes all.
    public var computeSlices: [Int]

    /// Makes an instance.
    public init(gpuIndex: Int, profile: String, start: Int, size: Int, computeSlices: [Int] = []) {
      self.gpuIndex = gpuIndex
      self.profile = profile
      self.start = start
      self.size = size
      self.computeSlices = computeSlices
    }
  }

  /// One GPU of a node, its group's facts applied.
  public struct GPU: Sendable, Equatable {
    /// Number in the node, from 0, as NVML would count.
    public var index: Int
    /// The name of its ``HardwareProfile``.
    public var profile: String
    /// Where it is on the PCI bus, in the form `00000000:1B:00.0`.
    public var pciBusID: String
    /// The NUMA node that it is near to; nil where the machine does not say.
    public var numaNode: Int?
    /// Memory in MiB where it differs from the profile's; nil where it does not.
    public var memoryMiB: UInt64?
    /// What the kernel has bound to it; nil for nothing.
    public var kernelDriver: String?
    /// Generation of NVLink; nil without links.
    public var nvlinkVersion: Int?
    /// One entry for every link, in the order of link numbers; empty without links.
    public var links: [LinkEnd]
    /// The fabric that it belongs to.
    public var fabric: Fabric?
    /// Its MIG mode and its own instances; nil when MIG is off or impossible.
    public var mig: MIG?
  }

  /// Where one link of a GPU ends.
  public enum LinkEnd: Sendable, Equatable {
    /// At an NVSwitch.
    case nvswitch
    /// At the GPU of that index.
    case gpu(Int)
    /// Nowhere: the link is not active.
    case inactive
  }

  /// The place on the PCI bus of a GPU whose group names none: every eighth bus from 08, thirty to
  /// a domain.
  ///
  /// - Parameter index: Index of the GPU in the node, not negative.
  public static func ruledBusID(index: Int) -> String {
    let domain = Hexadecimal.text(UInt64(index / 30), digits: 8)
    let bus = Hexadecimal.text(UInt64((index % 30 + 1) * 8), digits: 2)
    return "\(domain):\(bus):00.0".uppercased()
  }
}

extension NodeShape.GPUGroup {
  /// The GPU at a position in this group.
  func gpu(at position: Int, index: Int) -> NodeShape.GPU {
    // A group made by hand may name fewer places than it has GPUs.
    func element<T>(_ list: [T]?) -> T? {
      list.flatMap { position < $0.count ? $0[position] : nil }
    }
    var own = mig
    own?.instances.removeAll { $0.gpuIndex != index }
    return NodeShape.GPU(
      index: index, profile: profile,
      pciBusID: element(pciBusIDs) ?? NodeShape.ruledBusID(index: index),
      numaNode: element(numaNodes), memoryMiB: memoryMiB, kernelDriver: kernelDriver,
      nvlinkVersion: nvlink?.version, links: nvlink?.ends(of: index) ?? [],
      fabric: nvlink?.fabric, mig: own)
  }
}

extension NodeShape.NVLink {
  /// Where the links of one GPU end; those that no pair uses are inactive.
  func ends(of index: Int) -> [NodeShape.LinkEnd] {
    guard case .peers(let pairs) = remote else {
      return Array(repeating: .nvswitch, count: links)
    }
    var ends: [NodeShape.LinkEnd] = []
    for pair in pairs where pair.first == index || pair.second == index {
      let other = pair.first == index ? pair.second : pair.first
      ends += Array(repeating: .gpu(other), count: pair.links)
    }
    return ends + Array(repeating: .inactive, count: max(0, links - ends.count))
  }
}
