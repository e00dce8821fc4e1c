import Testing

@testable import HardwareProbe

@Suite struct CPUSetTests {
  @Test(arguments: [
    ("0-3,8,10-11\n", "0-3,8,10-11", 7), ("", "", 0), ("\n", "", 0), ("0", "0", 1),
    ("3,1,2", "1-3", 3), ("0,8", "0,8", 2), ("63-64", "63-64", 2), ("65535", "65535", 1),
    ("1-1", "1", 1), ("0-1,1-2", "0-2", 3), (" 4 , 5 ", "4-5", 2),
  ])
  func reads(text: String, list: String, count: Int) throws {
    let set = try #require(CPUSet(list: text))
    #expect(set.list == list)
    #expect(set.count == count)
    #expect(CPUSet(list: set.list) == set)
  }

  @Test(arguments: ["x", "1-", "-1", "2-1", "0-65536", "1-2-3", "0x1", "1.5", "0-31:2/4", "٣"])
  func refuses(text: String) { #expect(CPUSet(list: text) == nil) }

  @Test func intersectionsCompareEqual() throws {
    let left = try #require(CPUSet(list: "0-3,64-200"))
    let right = try #require(CPUSet(list: "2-70"))
    #expect(left.intersection(right) == CPUSet([2, 3, 64, 65, 66, 67, 68, 69, 70]))
    #expect(left.intersection(CPUSet([5])).isEmpty)
    #expect(left.intersection(CPUSet([1])) == CPUSet([1]))
    #expect(left.contains(64) && !left.contains(63) && !left.contains(-1) && !left.contains(9999))
  }

  @Test func masksAreLowestFirst() {
    #expect(CPUSet(mask: [0b101, 0, 0b1000_0000]).list == "0,2,23")
  }
}

@Suite struct DecimalTests {
  @Test(
    arguments: [
      (1610, 1000, 1, "1.6"), (1650, 1000, 1, "1.7"), (999, 1000, 1, "1.0"), (5, 1000, 3, "0.005"),
      (0, 7, 1, "0.0"), (1500, 1000, 0, "2"), (1, 3, 3, "0.333"), (2000, 1000, 3, "2.000"),
    ] as [(UInt64, UInt64, Int, String)])
  func ratios(numerator: UInt64, denominator: UInt64, digits: Int, text: String) {
    #expect(Decimal.ratio(numerator, over: denominator, digits: digits) == text)
  }

  @Test func printableNamesAreSafe() {
    #expect("a\u{1B}[0mb\u{7}\u{202E}".printable == "a?[0mb??")
    #expect("  NVIDIA H200 \n".printable == "NVIDIA H200")
    #expect(String(repeating: "x", count: 999).printable.count == ProbeLimits.nameCharacters)
  }
}

@Suite struct MeminfoTests {
  @Test func readsBothForms() {
    let text = "MemTotal:  16 kB\nNode 0 MemFree:  4 kB\nHugePages_Total: 3\nBad: x kB\n"
    #expect(Meminfo(text).bytes("MemTotal") == 16384)
    #expect(Meminfo(text).bytes("MemFree") == 4096)
    #expect(Meminfo(text).bytes("HugePages_Total") == nil)
    #expect(Meminfo("MemTotal: 18446744073709551615 kB").bytes("MemTotal") == nil)
  }
}
