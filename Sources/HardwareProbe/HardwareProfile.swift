/// A named kind of hardware: what it is worth, and how to recognise it.
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
  /// Memory of one whole GPU in MiB; nil for a CPU.
  public var memoryMiB: UInt64?
  /// The partitions it can be cut into; empty where it cannot.
  public var migSlices: [MIGSlice]
  /// Where the facts come from.
  public var sources: [String]

  /// What recognises a device.
  public struct Match: Sendable, Equatable {
    /// Exact product names as NVML reports them.
    public var nvmlNames: [String]
    /// PCI identifiers `vendor:device` in lower-case hexadecimal, such as `10de:2335`.
    public var pciDeviceIDs: [String]
    /// Memory that such a GPU reports, in MiB: drivers and ECC move it.
    public var memoryMiB: ClosedRange<UInt64>?
    /// The CPU architecture, such as `x86-64`; nil for a GPU.
    public var cpuArchitecture: String?

    /// Makes a rule of the given parts.
    public init(
      nvmlNames: [String], pciDeviceIDs: [String], memoryMiB: ClosedRange<UInt64>?,
      cpuArchitecture: String?
    ) {
      self.nvmlNames = nvmlNames
      self.pciDeviceIDs = pciDeviceIDs
      self.memoryMiB = memoryMiB
      self.cpuArchitecture = cpuArchitecture
    }
  }

  /// One kind of partition of a GPU.
  public struct MIGSlice: Sendable, Equatable {
    /// The driver's name for it, such as `1g.10gb`.
    public var name: String
    /// Thousandths of the whole GPU that it is billed as.
    public var billedMilli: Int
    /// Its memory in MiB, the least that was seen; nil when none was.
    public var memoryMiB: UInt64?

    /// Makes a partition of the given parts.
    public init(name: String, billedMilli: Int, memoryMiB: UInt64?) {
      self.name = name
      self.billedMilli = billedMilli
      self.memoryMiB = memoryMiB
    }
  }

  /// Makes a profile of the given parts.
  public init(
    name: String, kind: Kind, weightMilli: Int, match: Match, memoryMiB: UInt64?,
    migSlices: [MIGSlice], sources: [String]
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
