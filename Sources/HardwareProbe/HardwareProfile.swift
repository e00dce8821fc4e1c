/// A named kind of hardware: what it is worth, how to recognise it, and what is known of it.
///
/// A figure that is not known is nil, never 0 and never a guess; ``sources`` says where each known
/// one comes from.
public struct HardwareProfile: Sendable, Equatable {
  /// What kind of device the profile describes.
  public enum Kind: String, Sendable, CaseIterable {
    case gpu, cpu
  }

  /// The name that policies and claims use; equal to the file's name without `.json`.
  public var name: String
  /// The kind of device.
  public var kind: Kind
  /// Thousandths of a reference GPU that one device counts as; of 1,000 milli-cores for a CPU.
  public var weightMilli: Int
  /// What recognises a device of this kind.
  public var match: Match
  /// Who makes it; nil for a CPU.
  public var vendor: PCIVendor?
  /// The maker's word for the generation, such as `Hopper`; nil where it is not known.
  public var architecture: String?
  /// Whose memory the device computes in; `.own` for a CPU.
  public var memoryKind = MemoryKind.own
  /// Memory of one whole GPU in MiB as the driver reports it; nil for a CPU, for a GPU that shares
  /// the host's memory, and where no report was seen.
  public var memoryMiB: UInt64?
  /// What of it the driver keeps for itself, in MiB, the least that was seen.
  public var reservedMiB: UInt64?
  /// Streaming multiprocessors; compute units of AMD, Xe cores of Intel.
  public var multiprocessors: Int?
  /// Dense fp16 arithmetic in GFLOP/s: thousandths of the TFLOP/s of data sheets.
  public var fp16GigaflopsDense: UInt64?
  /// Dense bf16 arithmetic in GFLOP/s; nil also where the hardware has no bf16.
  public var bf16GigaflopsDense: UInt64?
  /// Memory bandwidth in MB/s: thousandths of the GB/s of data sheets.
  public var bandwidthMegabytes: UInt64?
  /// Links to other GPUs, each kind once; empty when it has none, nil when that is not known.
  public var links: [Link]?
  /// Generation of PCI Express that the device can do, whatever its host can.
  public var pcieGeneration: Int?
  /// The usual default power limit in watts. Boards of one name differ: never bill by it.
  public var powerWatts: Int?
  /// The partitions it can be cut into; empty where it cannot.
  public var migSlices: [MIGSlice]
  /// The axes that partitions are placed on; nil where it cannot be cut.
  public var migAxes: MIGAxes?
  /// Where each figure comes from; "recalled" means that nobody has checked.
  public var sources: [Figure: String]
  /// Conflicts of sources and traps, one sentence each.
  public var notes: [String] = []

  /// Makes a profile of the given parts; what is not named here is not known.
  public init(
    name: String, kind: Kind, weightMilli: Int, match: Match, memoryMiB: UInt64? = nil,
    migSlices: [MIGSlice] = [], sources: [Figure: String]
  ) {
    self.name = name
    self.kind = kind
    self.weightMilli = weightMilli
    self.match = match
    self.memoryMiB = memoryMiB
    self.migSlices = migSlices
    self.sources = sources
  }
}

extension HardwareProfile {
  /// What recognises a device.
  public struct Match: Sendable, Equatable {
    /// Exact product names as NVML reports them.
    public var nvmlNames: [String]
    /// PCI identifiers `vendor:device` in lower-case hexadecimal, such as `10de:2335`, or
    /// `vendor:device/vendor:device` with the subsystem's after the slash.
    public var pciDeviceIDs: [String]
    /// Compute capability such as `9.0`; AMD's and Intel's word for their own; nil if not known.
    public var computeCapability: String?
    /// Memory that such a GPU reports, in MiB: drivers and ECC move it.
    public var memoryMiB: ClosedRange<UInt64>?
    /// The CPU architecture, such as `x86-64`; nil for a GPU.
    public var cpuArchitecture: String?

    /// Makes a rule of the given parts.
    public init(
      nvmlNames: [String], pciDeviceIDs: [String], computeCapability: String? = nil,
      memoryMiB: ClosedRange<UInt64>?, cpuArchitecture: String?
    ) {
      self.nvmlNames = nvmlNames
      self.pciDeviceIDs = pciDeviceIDs
      self.computeCapability = computeCapability
      self.memoryMiB = memoryMiB
      self.cpuArchitecture = cpuArchitecture
    }
  }

  /// Whose memory a GPU computes in.
  public enum MemoryKind: String, Sendable, CaseIterable {
    /// Its own, beside the host's.
    case own
    /// The host's: both are one pool, which must not be offered twice.
    case unified
  }

  /// Links of one kind to other GPUs.
  public struct Link: Sendable, Equatable {
    /// The kinds of link.
    public enum Kind: String, Sendable, CaseIterable {
      case nvlink
      case infinityFabric = "infinity_fabric"
      case xeLink = "xe_link"
    }

    /// The kind.
    public var kind: Kind
    /// Its generation; nil where the maker counts none.
    public var version: Int?
    /// Links of one GPU; nil where it is not known.
    public var count: Int?
    /// MB/s of all links together, both directions added, as makers print it; nil if not known.
    public var totalMegabytes: UInt64?

    /// Makes links of the given parts.
    public init(kind: Kind, version: Int?, count: Int?, totalMegabytes: UInt64?) {
      self.kind = kind
      self.version = version
      self.count = count
      self.totalMegabytes = totalMegabytes
    }
  }

  /// The axes on which partitions of a GPU are placed. They differ between boards: 8 and 7 on an
  /// A100, 12 and 4 on an RTX PRO 6000.
  public struct MIGAxes: Sendable, Equatable {
    /// Memory slices of the whole GPU: the axis of placements.
    public var memorySlices: Int
    /// Compute slices of the whole GPU.
    public var computeSlices: Int

    /// Makes axes.
    public init(memorySlices: Int, computeSlices: Int) {
      self.memorySlices = memorySlices
      self.computeSlices = computeSlices
    }
  }

  /// A group of figures that has one source.
  public enum Figure: String, Sendable, CaseIterable {
    case name, pci, memory
    case computeCapability = "compute_capability"
    case multiprocessors, arithmetic, bandwidth, links, pcie, power, mig, weight
  }

  /// One kind of partition of a GPU.
  public struct MIGSlice: Sendable, Equatable {
    /// The driver's name for it, such as `1g.10gb`.
    public var name: String
    /// Thousandths of the whole GPU that it is billed as.
    public var billedMilli: Int
    /// Its memory in MiB, every value that a driver showed, ascending; empty when none was seen.
    public var memoryMiBSeen: [UInt64]
    /// Compute slices that it takes; nil where it is not known.
    public var computeSlices: Int?
    /// Memory slices that a placement of it takes; nil where it is not known.
    public var placementSize: Int?
    /// Where a placement may start, ascending; empty where it is not known.
    public var placementStarts: [Int]
    /// How many the GPU can have at once; nil where it is not known.
    public var instancesMax: Int?
    /// Streaming multiprocessors; not in proportion to slices. Nil where it was not seen.
    public var multiprocessors: Int?
    /// NVML's number of the profile on this board. The same number means other partitions on
    /// other boards. Nil where it was not seen.
    public var nvmlProfileID: Int?
    /// Copy and media engines; nil where they were not seen.
    public var engines: Engines?

    /// Its memory in MiB, the least that was seen; nil when none was.
    public var memoryMiB: UInt64? { memoryMiBSeen.first }

    /// Makes a partition of the given parts; what is not named is not known.
    public init(
      name: String, billedMilli: Int, memoryMiBSeen: [UInt64] = [], computeSlices: Int? = nil,
      placementSize: Int? = nil, placementStarts: [Int] = [], instancesMax: Int? = nil,
      multiprocessors: Int? = nil, nvmlProfileID: Int? = nil, engines: Engines? = nil
    ) {
      self.name = name
      self.billedMilli = billedMilli
      self.memoryMiBSeen = memoryMiBSeen
      self.computeSlices = computeSlices
      self.placementSize = placementSize
      self.placementStarts = placementStarts
      self.instancesMax = instancesMax
      self.multiprocessors = multiprocessors
      self.nvmlProfileID = nvmlProfileID
      self.engines = engines
    }
  }

  /// Engines of a partition beside its multiprocessors.
  public struct Engines: Sendable, Equatable {
    /// Copy engines.
    public var copy: Int
    /// Video decoders.
    public var decode: Int
    /// Video encoders.
    public var encode: Int
    /// JPEG decoders.
    public var jpeg: Int
    /// Optical flow accelerators.
    public var opticalFlow: Int

    /// Makes a set of engines.
    public init(copy: Int, decode: Int, encode: Int, jpeg: Int, opticalFlow: Int) {
      self.copy = copy
      self.decode = decode
      self.encode = encode
      self.jpeg = jpeg
      self.opticalFlow = opticalFlow
    }
  }
}

/// Makers of GPUs that the probe knows, by PCI vendor.
public enum PCIVendor: String, Sendable, CaseIterable {
  case nvidia, amd, intel

  /// The number on the PCI bus, such as 0x10DE.
  public var number: UInt16 {
    switch self {
    case .nvidia: 0x10DE
    case .amd: 0x1002
    case .intel: 0x8086
    }
  }

  /// The vendor of that number; nil for another one.
  public init?(number: UInt16) {
    guard let vendor = Self.allCases.first(where: { $0.number == number }) else { return nil }
    self = vendor
  }
}
