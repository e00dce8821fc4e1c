/// Who made a PCI device and which one it is, with or without the board it sits on.
public struct PCIIdentity: Sendable, Hashable {
  /// A vendor's number and the vendor's number for a device.
  public struct Pair: Sendable, Hashable {
    /// The vendor's number, such as 0x10DE.
    public var vendor: UInt16
    /// The device's number.
    public var device: UInt16

    /// Makes a pair.
    public init(vendor: UInt16, device: UInt16) {
      self.vendor = vendor
      self.device = device
    }

    /// Reads `10de:2335`, in either case; nil for anything else.
    public init?(_ text: some StringProtocol) {
      let halves = text.split(separator: ":", omittingEmptySubsequences: false)
      guard halves.count == 2, let vendor = Hexadecimal.parse(halves[0], digits: 4...4),
        let device = Hexadecimal.parse(halves[1], digits: 4...4)
      else { return nil }
      self.vendor = UInt16(vendor)
      self.device = UInt16(device)
    }

    /// `vendor:device` in lower-case hexadecimal.
    public var text: String {
      [vendor, device].map { Hexadecimal.text(UInt64($0), digits: 4) }.joined(separator: ":")
    }
  }

  /// The chip.
  public var device: Pair
  /// The board; nil when it is not told.
  public var subsystem: Pair?

  /// Makes an identity.
  public init(device: Pair, subsystem: Pair? = nil) {
    self.device = device
    self.subsystem = subsystem
  }

  /// Reads `10de:2335` or `10de:2335/10de:18be`, in either case; nil for anything else.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let device = Pair(parts[0]) else { return nil }
    self.device = device
    guard parts.count == 2 else { return }
    guard let subsystem = Pair(parts[1]) else { return nil }
    self.subsystem = subsystem
  }

  /// From NVML's two words, each device << 16 | vendor; a subsystem of 0 is none.
  public init(nvmlDevice: UInt32, nvmlSubsystem: UInt32) {
    func pair(_ word: UInt32) -> Pair {
      Pair(vendor: UInt16(truncatingIfNeeded: word), device: UInt16(word >> 16))
    }
    device = pair(nvmlDevice)
    subsystem = nvmlSubsystem == 0 ? nil : pair(nvmlSubsystem)
  }

  /// `vendor:device`, and `/vendor:device` of the subsystem where it is known.
  public var text: String { device.text + (subsystem.map { "/" + $0.text } ?? "") }
}
