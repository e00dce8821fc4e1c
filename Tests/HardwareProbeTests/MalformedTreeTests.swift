import ProbeFakes
import Testing

@testable import HardwareProbe

/// Whatever the files hold, the probe answers: it never crashes, hangs, or offers more than there
/// is.
@Suite struct MalformedTreeTests {
  static let files = [
    "/proc/meminfo", "/proc/cpuinfo", "/proc/self/mountinfo", "/proc/self/cgroup",
    "/proc/self/status", "/proc/stat", "/sys/devices/system/cpu/online",
    "/sys/devices/system/node/online", "/sys/devices/system/node/node0/cpulist",
    "/sys/devices/system/node/node0/meminfo", "/sys/fs/cgroup/cpu.max",
    "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/cpuset.cpus.effective",
    "/sys/fs/cgroup/cpuset.mems.effective",
    "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
  ]
  static let contents = [
    "", "\n", "garbage", "-1", "-", ",", "0-", "5-2", "0-99999999999", "99999999999999999999999",
    "18446744073709551615", "max", "0 0", "18446744073709551615 1", "1 18446744073709551615",
    "MemTotal: 18446744073709551615 kB", "Node 0 MemTotal: 18446744073709551615 kB",
    "0::", "::::", "0::/../../..", "31 23 0:26", "31 23 0:26 / /x rw - cgroup2",
    "31 23 0:26 / / rw - cgroup2 cgroup2 rw", "\u{0}\u{0}\u{0}", "\u{1B}[31mred", "cpu99999999 1",
    "1\\04", "0,,1", String(repeating: "a:b:/", count: 5000),
  ]

  private static func namespaced() -> FakeMachine { FakeMachine.namespaced() }

  @Test(arguments: files) func anyTextIsSurvived(_ file: String) {
    for text in Self.contents {
      let machine = Self.namespaced()
      machine.write(text, to: file)
      check(machine, "\(file): \(text.prefix(40))")
    }
  }

  @Test(arguments: files) func missingFilesAreSurvived(_ file: String) {
    let machine = Self.namespaced()
    machine.delete(file)
    check(machine, file)
    machine.makeDirectory(file)
    check(machine, "\(file) as a directory")
  }

  @Test(arguments: files) func bytesThatAreNoTextAreSurvived(_ file: String) {
    var generator = SplitMix(state: 7)
    for _ in 0..<8 {
      let machine = Self.namespaced()
      let bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &generator) }
      machine.write(bytes: bytes, to: file)
      check(machine, file)
    }
  }

  @Test func anEmptyTreeIsAnEmptyMachine() {
    let machine = FakeMachine()
    let inventory = probe(machine)
    #expect(inventory.capacity.cpuMilli == 0)
    #expect(inventory.capacity.memoryBytes == 0)
    #expect(inventory.capacity.numaNodes.isEmpty)
    #expect(!inventory.notes.isEmpty)
  }

  @Test func aHugeFileIsRefusedWithANote() {
    let machine = FakeMachine.plain()
    machine.write(bytes: [UInt8](repeating: 65, count: (4 << 20) + 1), to: "/proc/self/cgroup")
    let inventory = probe(machine)
    #expect(inventory.notes.contains { $0.hasPrefix("/proc/self/cgroup: larger than") })
    #expect(inventory.capacity.cpuMilli == 8000)
  }

  @Test func aMalformedLimitLeavesANote() {
    let machine = FakeMachine.namespaced()
    machine.write("lots\n", to: "/sys/fs/cgroup/memory.max")
    machine.write("100000 0\n", to: "/sys/fs/cgroup/cpu.max")
    let inventory = probe(machine)
    #expect(inventory.notes.contains("/sys/fs/cgroup/memory.max: not a number of bytes"))
    #expect(inventory.notes.contains("/sys/fs/cgroup/cpu.max: not a quota and a period"))
    #expect(inventory.capacity.cpuLimitedBy.limit == .machine)
  }

  private func check(_ machine: FakeMachine, _ what: String) {
    let inventory = probe(machine)
    let capacity = inventory.capacity
    #expect(capacity.cpuMilli <= UInt64(capacity.cpus.count) * 1000, "\(what)")
    #expect(capacity.memoryBytes <= capacity.memoryTotalBytes, "\(what)")
    #expect(inventory.notes.count <= ProbeLimits.notes + 1, "\(what)")
    #expect(!inventory.table().contains("\u{1B}"), "\(what)")
    #expect(!inventory.json().isEmpty, "\(what)")
  }
}

private func probe(_ machine: FakeMachine) -> NodeInventory {
  withExtendedLifetime(machine) { Probe.run(Probe.Options(root: machine.root, nvml: .none)) }
}

/// A small seeded generator: the same bytes in every run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
