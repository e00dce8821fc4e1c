/// A described machine: enough to generate its /proc, its /sys and what its NVML would say.
///
/// Read from `hardware-profiles/nodes/NAME.json`. A shape holds what differs between machines;
/// what every GPU of a kind has in common (name, memory, MIG geometry) is in its
/// ``HardwareProfile``. GPUs are numbered through all groups, from 0, in the order of the file.
public struct NodeShape: Sendable, Equatable {
  /// What the shape is called; equal to the file's name without `.json`.
  public var name: String
  /// One sentence for people.
  public var description: String
  /// CPUs and memory.
  public var host: Host
  /// The NVIDIA driver; nil when none is loaded, so that NVML does not answer.
  public var driver: Driver?
  /// The GPUs, alike ones together; empty for a machine without.
  public var groups: [GPUGroup]
  /// Where the facts come from; "recalled" means that nobody has checked. Never empty.
  public var sources: [String]

  /// Makes a shape of the given parts; `NodeShape(json:file:)` also checks them.
  public init(
    name: String, description: String, host: Host, driver: Driver?, groups: [GPUGroup],
    sources: [String]
  ) {
    self.name = name
    self.description = description
    self.host = host
    self.driver = driver
    self.groups = groups
    self.sources = sources
  }

  /// Every GPU of every group, ascending by index.
  ///
  /// - Complexity: O(GPUs × (pairs + instances)).
  public var gpus: [GPU] {
    var all: [GPU] = []
    for group in groups {
      for position in 0..<group.count { all.append(group.gpu(at: position, index: all.count)) }
    }
    return all
  }
}

extension NodeShape {
  /// CPUs and memory of a described machine.
  public struct Host: Sendable, Equatable {
    /// `x86-64`, `arm64`, or the kernel's own word for another one.
    public var architecture: String
    /// What `/proc/cpuinfo` calls the CPU.
    public var cpuModel: String
    /// CPU packages. At least 1.
    public var sockets: Int
    /// Cores of one package. At least 1.
    public var coresPerSocket: Int
    /// Hardware threads of one core. At least 1.
    public var threadsPerCore: Int
    /// The NUMA nodes, ascending by id; ids may have gaps. Never empty.
    public var numaNodes: [NUMANode]
    /// What `uname -r` prints; nil where the shape does not care.
    public var kernelRelease: String?
    /// The text of `/sys/devices/soc0/family`, such as `Tegra`; nil where there is no such file.
    public var socFamily: String?

    /// Makes a host of the given parts.
    public init(
      architecture: String, cpuModel: String, sockets: Int, coresPerSocket: Int,
      threadsPerCore: Int, numaNodes: [NUMANode], kernelRelease: String? = nil,
      socFamily: String? = nil
    ) {
      self.architecture = architecture
      self.cpuModel = cpuModel
      self.sockets = sockets
      self.coresPerSocket = coresPerSocket
      self.threadsPerCore = threadsPerCore
      self.numaNodes = numaNodes
      self.kernelRelease = kernelRelease
      self.socFamily = socFamily
    }

    /// Logical CPUs: sockets × cores × threads. The NUMA nodes together hold as many.
    public var logicalCPUs: Int { sockets * coresPerSocket * threadsPerCore }

    /// What the kernel's MemTotal would be, in MiB: all nodes, those of GPU memory included.
    public var memoryMiB: UInt64 { numaNodes.reduce(0) { $0 + $1.memoryMiB } }
  }

  /// One NUMA node of a described machine.
  public struct NUMANode: Sendable, Equatable {
    /// The kernel's number, 0...65,535.
    public var id: Int
    /// Its CPUs; empty for a node that is only memory.
    public var cpus: CPUSet
    /// Its memory in MiB; may be 0.
    public var memoryMiB: UInt64
    /// Reserved huge pages, one entry a page size; usually empty.
    public var hugepages: [Hugepage]
    /// Index of the GPU whose memory this node is; nil for memory of the host.
    public var gpuIndex: Int?

    /// Makes a node of the given parts.
    public init(
      id: Int, cpus: CPUSet, memoryMiB: UInt64, hugepages: [Hugepage] = [], gpuIndex: Int? = nil
    ) {
      self.id = id
      self.cpus = cpus
      self.memoryMiB = memoryMiB
      self.hugepages = hugepages
      self.gpuIndex = gpuIndex
    }
  }

  /// Reserved huge pages of one size on one NUMA node.
  public struct Hugepage: Sendable, Equatable {
    /// Size of one page in KiB, such as 2,048.
    public var sizeKiB: UInt64
    /// How many are reserved.
    public var count: UInt64

    /// Makes a number of pages.
    public init(sizeKiB: UInt64, count: UInt64) {
      self.sizeKiB = sizeKiB
      self.count = count
    }
  }

  /// Versions of the NVIDIA driver.
  public struct Driver: Sendable, Equatable {
    /// What NVML calls the driver's version, such as `550.90.07`.
    public var version: String
    /// What NVML calls its own version; nil where the shape does not care.
    public var nvmlVersion: String?
    /// The newest CUDA that the driver runs, as `major.minor`, such as `12.4`.
    public var cudaVersion: String

    /// Makes a driver of the given versions.
    public init(version: String, nvmlVersion: String?, cudaVersion: String) {
      self.version = version
      self.nvmlVersion = nvmlVersion
      self.cudaVersion = cudaVersion
    }

    /// The CUDA version as NVML codes it: `12.4` is 12,040; 0 when it has another form.
    public var cudaNumber: Int {
      let parts = cudaVersion.split(separator: ".").map { Decimal.parse($0) ?? 0 }
      guard parts.count == 2, parts.allSatisfy({ $0 < 10_000 }) else { return 0 }
      return Int(clamping: parts[0] * 1000 + parts[1] * 10)
    }
  }
}
