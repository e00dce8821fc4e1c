import PoolRecord
import Testing

/// CRC-32C against figures that others published.
@Suite struct ChecksumTests {
  /// RFC 3720, B.4, and the check value of the catalogue of CRC algorithms.
  @Test func publishedVectors() {
    #expect(Checksum.of([], 0..<0) == 0)
    #expect(Checksum.of(Array("123456789".utf8), 0..<9) == 0xE306_9283)
    #expect(Checksum.of([UInt8](repeating: 0, count: 32), 0..<32) == 0x8A91_36AA)
    #expect(Checksum.of([UInt8](repeating: 0xFF, count: 32), 0..<32) == 0x62A8_AB43)
    #expect(Checksum.of(Array(0..<32), 0..<32) == 0x46DD_794E)
    #expect(Checksum.of(Array((0..<32).reversed()), 0..<32) == 0x113F_DB5C)
    // An iSCSI read command.
    var command = [UInt8](repeating: 0, count: 48)
    command.replaceSubrange(0..<2, with: [0x01, 0xC0])
    command[16] = 0x14
    command[22] = 0x04
    command[27] = 0x14
    command[31] = 0x18
    command[32] = 0x28
    command[40] = 0x02
    #expect(Checksum.of(command, 0..<48) == 0xD996_3A56)
  }

  /// Bit by bit, as the polynomial says it, for every length and place around the steps of eight.
  @Test func tablesAreThePolynomial() {
    var random = Draws(seed: 5)
    let bytes = (0..<64).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    for start in 0..<9 {
      for end in start...bytes.count {
        var sum: UInt32 = ~0
        for byte in bytes[start..<end] {
          sum ^= UInt32(byte)
          for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 0 ? 0 : 0x82F6_3B78) }
        }
        #expect(Checksum.of(bytes, start..<end) == ~sum)
      }
    }
  }

  @Test func aSeedStandsForWhatComesBefore() {
    let bytes = Array("the quick brown fox".utf8)
    for cut in 0...bytes.count {
      let head = Checksum.of(bytes, 0..<cut)
      #expect(
        Checksum.of(bytes, cut..<bytes.count, after: head) == Checksum.of(bytes, 0..<bytes.count))
    }
  }
}
