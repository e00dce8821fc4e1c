/// A place on the PCI bus: domain, bus, device, function.
///
/// NVML writes the domain with eight digits and in upper case, the kernel with four and in lower
/// case; the two forms are equal here.
public struct PCIAddress: Sendable, Hashable, Comparable {
  /// The domain (segment), 0...0xFFFFFFFF.
  public var domain: UInt32
  /// The bus, 0...0xFF.
  public var bus: UInt8
  /// The device, 0...31.
  public var device: UInt8
  /// The function, 0...7.
  public var function: UInt8

  /// Makes a place of its parts.
  init(domain: UInt32, bus: UInt8, device: UInt8, function: UInt8) {
    self.domain = domain
    self.bus = bus
    self.device = device
    self.function = function
  }

  /// Reads `0000:1b:00.0`, `00000000:1B:00.0` or `10000:e1:00.0`; nil for anything else.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    let last = parts[2].split(separator: ".", omittingEmptySubsequences: false)
    guard last.count == 2,
      let domain = Hexadecimal.parse(parts[0], digits: 4...8),
      let bus = Hexadecimal.parse(parts[1], digits: 2...2),
      let device = Hexadecimal.parse(last[0], digits: 2...2), device < 32,
      let function = Hexadecimal.parse(last[1], digits: 1...1), function < 8
    else { return nil }
    self.init(
      domain: UInt32(domain), bus: UInt8(bus), device: UInt8(device), function: UInt8(function))
  }

  /// The form of NVML: `00000000:1B:00.0`.
  public var nvmlForm: String { text(domainDigits: 8).uppercased() }

  /// The form of the kernel: `0000:1b:00.0`.
  public var kernelForm: String { text(domainDigits: 4) }

  /// By domain, bus, device, function.
  public static func < (left: PCIAddress, right: PCIAddress) -> Bool {
    (left.domain, left.bus, left.device, left.function)
      < (right.domain, right.bus, right.device, right.function)
  }

  private func text(domainDigits: Int) -> String {
    let parts = [(UInt64(domain), domainDigits), (UInt64(bus), 2), (UInt64(device), 2)]
      .map { Hexadecimal.text($0, digits: $1) }
    return parts.joined(separator: ":") + ".\(function)"
  }
}

/// Hexadecimal numbers, as /sys prints them.
enum Hexadecimal {
  /// Digits only, of either case; nil when there are fewer or more than `digits`, or others.
  static func parse(_ text: some StringProtocol, digits: ClosedRange<Int>) -> UInt64? {
    guard digits.contains(text.utf8.count), digits.upperBound <= 16 else { return nil }
    var value: UInt64 = 0
    for byte in text.utf8 {
      switch byte {
      case 48...57: value = value << 4 | UInt64(byte - 48)
      case 65...70: value = value << 4 | UInt64(byte - 55)
      case 97...102: value = value << 4 | UInt64(byte - 87)
      default: return nil
      }
    }
    return value
  }

  /// The kernel's `0x10de`; nil without the prefix.
  static func parsePrefixed(_ text: some StringProtocol, digits: ClosedRange<Int>) -> UInt64? {
    text.hasPrefix("0x") ? parse(text.dropFirst(2), digits: digits) : nil
  }

  /// Lower case, with zeros in front up to `digits`.
  static func text(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }
}
