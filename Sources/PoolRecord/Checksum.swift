/// CRC-32C (Castagnoli): the checksum of iSCSI, ext4 and many journals.
///
/// It finds every change of up to 32 bits in a row, and of any three bits of a body below 2³⁰ bits.
/// It finds faults, not forgers.
public enum Checksum {
  /// The checksum of some bytes.
  /// - Parameter seed: the checksum of what comes before them; 0 where nothing does.
  /// - Complexity: O(bytes), eight at a time.
  public static func of(
    _ bytes: [UInt8], _ range: Range<Int>, after seed: UInt32 = 0
  ) -> UInt32 {
    let tables = Self.tables
    var sum = ~seed
    var index = range.lowerBound
    while range.upperBound - index >= 8 {
      let low = sum ^ word(bytes, index)
      let high = word(bytes, index + 4)
      sum =
        tables[7 * 256 + Int(low & 0xFF)] ^ tables[6 * 256 + Int(low >> 8 & 0xFF)]
        ^ tables[5 * 256 + Int(low >> 16 & 0xFF)] ^ tables[4 * 256 + Int(low >> 24)]
        ^ tables[3 * 256 + Int(high & 0xFF)] ^ tables[2 * 256 + Int(high >> 8 & 0xFF)]
        ^ tables[256 + Int(high >> 16 & 0xFF)] ^ tables[Int(high >> 24)]
      index += 8
    }
    while index < range.upperBound {
      sum = sum >> 8 ^ tables[Int((sum ^ UInt32(bytes[index])) & 0xFF)]
      index += 1
    }
    return ~sum
  }

  @inline(__always)
  private static func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
    UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
      | UInt32(bytes[index + 3]) << 24
  }

  /// Eight tables of 256: the n-th takes a byte that n more bytes follow.
  private static let tables: [UInt32] = {
    var tables = (0..<256).map { byte in
      (0..<8).reduce(UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 0 ? 0 : 0x82F6_3B78) }
    }
    for index in 256..<2048 {
      let before = tables[index - 256]
      tables.append(before >> 8 ^ tables[Int(before & 0xFF)])
    }
    return tables
  }()
}
