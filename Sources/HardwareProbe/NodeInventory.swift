/// What one machine has and what of it this process may offer, at one moment.
///
/// Pure data: the probe fills it, the agent turns it into an advertisement, people read it as a
/// table and programs as JSON.
public struct NodeInventory: Sendable, Equatable {
  /// What the machine is called and what runs on it.
  public var host: HostIdentity
  /// CPUs and memory that may be offered.
  public var capacity: HostCapacity
  /// How NVML answered; without it `gpus` is empty.
  public var nvml: NVMLStatus
  /// The newest CUDA that the driver runs, 12040 for 12.4; nil when it does not say.
  public var cudaVersion: Int?
  /// True when a library or a driver root was named: then it is a fault that there is none.
  public var isNVMLNamed = false
  /// The kind of machine.
  public var platform = HostPlatform.standard
  /// One entry for every GPU that NVML counts, in its order, the unusable ones included, then those
  /// that only the kernel shows.
  public var gpus: [GPUEntry]
  /// The CPU profile that fits the architecture; `.unknown` without a catalogue.
  public var cpuProfile: ProfileMatch
  /// Remarks for the operator, each one sentence without a full stop.
  public var notes: [String]
  /// Where the facts come from: "nvml", "/proc", "/sys".
  public var sources: [String]
  /// How long the probe took, in nanoseconds of the monotonic clock.
  public var elapsedNanoseconds: UInt64

  /// Makes an inventory of the given parts.
  public init(
    host: HostIdentity, capacity: HostCapacity, nvml: NVMLStatus, gpus: [GPUEntry],
    cpuProfile: ProfileMatch, notes: [String], sources: [String], elapsedNanoseconds: UInt64
  ) {
    self.host = host
    self.capacity = capacity
    self.nvml = nvml
    self.gpus = gpus
    self.cpuProfile = cpuProfile
    self.notes = notes
    self.sources = sources
    self.elapsedNanoseconds = elapsedNanoseconds
  }

  /// GPUs that can take work: usable and of a known profile.
  public var offerableGPUs: [GPUEntry] { gpus.filter(\.isOfferable) }

  /// What a strict reader does not accept, one clause each: a device that is unusable or matches
  /// no profile, a MIG device that is not offered, a driver that is there and does not answer, a
  /// library that was named and is not there.
  public var strictFaults: [String] {
    var faults: [String] = []
    switch nvml {
    case .running, .described, .notAsked: break
    case .noLibrary where !isNVMLNamed: break
    default: faults.append(nvml.reason ?? nvml.word)
    }
    for gpu in gpus {
      if let reason = gpu.state.reason {
        faults.append("device \(gpu.index) is \(gpu.state.word): \(reason)")
      } else if case .unknown(let reason, _) = gpu.profile {
        faults.append("device \(gpu.index) matches no hardware profile: \(reason)")
      } else if !gpu.isOfferable {
        faults.append("device \(gpu.index) cannot be offered")
      }
      for instance in gpu.mig.instances ?? [] {
        guard let fault = instance.fault else { continue }
        faults.append("device \(gpu.index), MIG device \(instance.position): \(fault)")
      }
    }
    return faults
  }
}

/// What a machine is called and what runs on it. A field is empty when the machine does not say.
public struct HostIdentity: Sendable, Equatable {
  /// The host name as the kernel has it, not looked up anywhere.
  public var hostname: String
  /// The kernel's release, such as `6.1.0-18-amd64`.
  public var kernelRelease: String
  /// Changes with every boot: tells a restarted agent from a restarted machine.
  public var bootID: String
  /// `x86-64`, `arm64`, or the kernel's own word for another one.
  public var architecture: String
  /// The first CPU's model name.
  public var cpuModel: String

  /// Makes an identity of the given texts.
  public init(
    hostname: String, kernelRelease: String, bootID: String, architecture: String, cpuModel: String
  ) {
    self.hostname = hostname
    self.kernelRelease = kernelRelease
    self.bootID = bootID
    self.architecture = architecture
    self.cpuModel = cpuModel
  }
}

/// CPUs and memory that this process may use: the machine's, less every limit on the way.
public struct HostCapacity: Sendable, Equatable {
  /// Thousandths of a CPU, integer: a quota of one and a half CPUs is 1,500.
  public var cpuMilli: UInt64
  /// What sets `cpuMilli`.
  public var cpuLimitedBy: LimitSource
  /// The CPUs it may run on. A quota does not shrink this set.
  public var cpus: CPUSet
  /// CPUs that are online on the whole machine.
  public var onlineCPUCount: Int
  /// Memory in bytes, without reserved huge pages and memory of GPUs.
  public var memoryBytes: UInt64
  /// What sets `memoryBytes`.
  public var memoryLimitedBy: LimitSource
  /// The machine's memory in bytes before any limit: the kernel's MemTotal less memory of GPUs and
  /// of NUMA nodes that are offline. 0 when the machine does not say.
  public var memoryTotalBytes: UInt64
  /// Bytes set aside as huge pages on the NUMA nodes that have CPUs.
  public var hugepageBytes: UInt64
  /// The parts on each NUMA node, ascending by number. A quota or a memory limit is not divided
  /// among them, so their sums may exceed `cpuMilli` and `memoryBytes`.
  public var numaNodes: [NodeCPUs]
  /// Every online NUMA node of the machine before any limit, ascending by number, memory of GPUs
  /// included; empty when the kernel has no NUMA directory.
  public var machineNodes: [HostNode]

  /// Makes a capacity of the given parts.
  public init(
    cpuMilli: UInt64, cpuLimitedBy: LimitSource, cpus: CPUSet, onlineCPUCount: Int,
    memoryBytes: UInt64, memoryLimitedBy: LimitSource, memoryTotalBytes: UInt64,
    hugepageBytes: UInt64, numaNodes: [NodeCPUs], machineNodes: [HostNode] = []
  ) {
    self.cpuMilli = cpuMilli
    self.cpuLimitedBy = cpuLimitedBy
    self.cpus = cpus
    self.onlineCPUCount = onlineCPUCount
    self.memoryBytes = memoryBytes
    self.memoryLimitedBy = memoryLimitedBy
    self.memoryTotalBytes = memoryTotalBytes
    self.hugepageBytes = hugepageBytes
    self.numaNodes = numaNodes
    self.machineNodes = machineNodes
  }
}

/// The usable part of one NUMA node.
public struct NodeCPUs: Sendable, Equatable {
  /// The kernel's number; numbers may have gaps.
  public var numaNode: Int
  /// Its CPUs that this process may use; may be empty when only its memory is.
  public var cpus: CPUSet
  /// Its memory in bytes without reserved huge pages; 0 when a cpuset forbids it.
  public var memoryBytes: UInt64

  /// Makes a part of the given CPUs and bytes.
  public init(numaNode: Int, cpus: CPUSet, memoryBytes: UInt64) {
    self.numaNode = numaNode
    self.cpus = cpus
    self.memoryBytes = memoryBytes
  }

  /// Thousandths of a CPU: 1,000 for every CPU.
  public var cpuMilli: UInt64 { UInt64(cpus.count) * 1000 }
}

/// What keeps a capacity from being larger, and the file or call that says so.
public struct LimitSource: Sendable, Equatable {
  /// The kind of limit.
  public enum Limit: String, Sendable, CaseIterable {
    /// Nothing but the machine itself.
    case machine
    /// Huge pages are set aside, memory belongs to GPUs, or its NUMA node is offline.
    case reserved
    /// A cgroup's set of CPUs or memory nodes.
    case cpuset
    /// The affinity mask of the process.
    case affinity
    /// A cgroup's CPU time per period.
    case cpuQuota = "cpu_quota"
    /// A cgroup's memory limit.
    case memoryLimit = "memory_limit"
  }

  /// The kind of limit.
  public var limit: Limit
  /// A path of the machine, or the name of a system call.
  public var source: String

  /// Makes a limit with its source.
  public init(limit: Limit, source: String) {
    self.limit = limit
    self.source = source
  }
}
