import ProbeFakes
import Testing

@testable import HardwareProbe

/// One scenario and what must come out of it.
struct CapacityCase: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var machine: @Sendable () -> FakeMachine
  var cpuMilli: UInt64
  var cpuLimit: LimitSource.Limit
  var memoryBytes: UInt64
  var memoryLimit: LimitSource.Limit
  /// "node: cpus / MiB" for every node.
  var nodes: [String]

  init(
    _ name: String, _ machine: @escaping @Sendable () -> FakeMachine, cpu: UInt64,
    by cpuLimit: LimitSource.Limit, memory: UInt64, by memoryLimit: LimitSource.Limit,
    nodes: [String] = ["0: 0-7 / 16384"]
  ) {
    testDescription = name
    self.machine = machine
    cpuMilli = cpu
    self.cpuLimit = cpuLimit
    memoryBytes = memory
    self.memoryLimit = memoryLimit
    self.nodes = nodes
  }
}

private let gibibyte: UInt64 = 1 << 30

private func probe(_ machine: FakeMachine) -> NodeInventory {
  // The tree goes with the value, which the optimiser may drop after its last use.
  withExtendedLifetime(machine) { Probe.run(Probe.Options(root: machine.root, nvml: .none)) }
}

@Suite struct CapacityTests {
  static let cases = [
    CapacityCase(
      "no limits", FakeMachine.plain, cpu: 8000, by: .machine, memory: 16 * gibibyte, by: .machine),
    CapacityCase(
      "v2, nested", FakeMachine.nestedV2, cpu: 4000, by: .cpuQuota, memory: 8 * gibibyte,
      by: .memoryLimit, nodes: ["0: 0-6 / 16384"]),
    CapacityCase(
      "v1, a mount a controller", FakeMachine.perControllerV1, cpu: 3000, by: .cpuQuota,
      memory: 4 * gibibyte, by: .memoryLimit, nodes: ["0: 2-5 / 16384"]),
    CapacityCase(
      "hybrid", FakeMachine.hybrid, cpu: 3000, by: .cpuQuota, memory: 4 * gibibyte,
      by: .memoryLimit, nodes: ["0: 2-5 / 16384"]),
    CapacityCase(
      "cgroup namespace", FakeMachine.namespaced, cpu: 2500, by: .cpuQuota, memory: 2 * gibibyte,
      by: .memoryLimit),
    CapacityCase(
      "bound into a container", FakeMachine.boundIntoContainer, cpu: 1500, by: .cpuQuota,
      memory: gibibyte, by: .memoryLimit),
    CapacityCase(
      "one and a half CPUs", FakeMachine.oneAndAHalf, cpu: 1500, by: .cpuQuota,
      memory: 16 * gibibyte, by: .machine),
    CapacityCase(
      "sparse NUMA", FakeMachine.sparseNUMA, cpu: 8000, by: .machine, memory: 11 * gibibyte,
      by: .reserved, nodes: ["0: 0-3 / 7168", "8: 8-11 / 4096"]),
    CapacityCase(
      "memory of GPUs as nodes", FakeMachine.gpuMemoryNodes, cpu: 8000, by: .machine,
      memory: 16 * gibibyte, by: .reserved),
    CapacityCase(
      "CPU 0 and node 0 offline", FakeMachine.offlineFirst, cpu: 7000, by: .machine,
      memory: 12 * gibibyte, by: .machine, nodes: ["1: 1-7 / 12288"]),
    CapacityCase(
      "no NUMA directory", FakeMachine.withoutNUMA, cpu: 2000, by: .machine,
      memory: 2 * gibibyte, by: .machine, nodes: ["0: 0-1 / 2048"]),
    CapacityCase(
      "memory added while running", FakeMachine.hotAddedMemory, cpu: 8000, by: .machine,
      memory: 16 * gibibyte, by: .machine),
    CapacityCase(
      "neither mountinfo nor cgroup file", FakeMachine.oldProc, cpu: 6000, by: .cpuset,
      memory: 16 * gibibyte, by: .machine, nodes: ["0: 0-5 / 16384"]),
  ]

  @Test(arguments: cases) func scenario(_ expected: CapacityCase) {
    let machine = expected.machine()
    let capacity = probe(machine).capacity
    #expect(capacity.cpuMilli == expected.cpuMilli)
    #expect(capacity.cpuLimitedBy.limit == expected.cpuLimit)
    #expect(capacity.memoryBytes == expected.memoryBytes)
    #expect(capacity.memoryLimitedBy.limit == expected.memoryLimit)
    let nodes = capacity.numaNodes.map { node in
      "\(node.numaNode): \(node.cpus.list) / \(node.memoryBytes >> 20)"
    }
    #expect(nodes == expected.nodes)
  }

  @Test func theSourceIsTheFileThatBinds() {
    let machine = FakeMachine.nestedV2()
    let capacity = probe(machine).capacity
    let slice = "/sys/fs/cgroup/system.slice/pool.slice"
    #expect(capacity.cpuLimitedBy.source == "\(slice)/cpu.max")
    #expect(capacity.memoryLimitedBy.source == "\(slice)/memory.max")
    #expect(capacity.cpus.list == "0-6")
  }

  @Test func affinityNarrowsTheCpuset() {
    let machine = FakeMachine.perControllerV1()
    machine.allow("4-5,7")
    let capacity = probe(machine).capacity
    #expect(capacity.cpus.list == "4-5")
    #expect(capacity.cpuMilli == 2000)
    #expect(
      capacity.cpuLimitedBy == LimitSource(limit: .affinity, source: "sched_getaffinity"))
  }

  @Test func cpusetTakesANodeAway() {
    let machine = FakeMachine.sparseNUMA()
    machine.mount("/sys/fs/cgroup", type: "cgroup2", options: "rw")
    machine.join("0::/job\n")
    machine.write("8-11\n", to: "/sys/fs/cgroup/job/cpuset.cpus.effective")
    machine.write("8\n", to: "/sys/fs/cgroup/job/cpuset.mems.effective")
    let capacity = probe(machine).capacity
    #expect(capacity.numaNodes.map(\.numaNode) == [8])
    #expect(capacity.cpuMilli == 4000)
    #expect(capacity.cpuLimitedBy.limit == .cpuset)
    #expect(capacity.memoryBytes == 4 << 30)
    #expect(capacity.memoryLimitedBy.limit == .cpuset)
  }

  @Test func hiddenAncestorBindsThroughMemoryStat() {
    let machine = FakeMachine.boundIntoContainer()
    machine.write(
      "cache 0\nhierarchical_memory_limit 536870912\n", to: "/sys/fs/cgroup/memory/memory.stat")
    #expect(probe(machine).capacity.memoryBytes == 512 << 20)
  }

  @Test func contradictionsAreSaid() {
    #expect(
      probe(FakeMachine.hotAddedMemory()).notes == [
        "NUMA nodes report 5120 MiB together, /proc/meminfo 16384 MiB; perhaps memory was added, "
          + "or a node taken offline, while the machine ran"
      ])
    let homeless = FakeMachine.offlineFirst()
    homeless.write("0-7\n", to: "/sys/devices/system/cpu/online")
    #expect(probe(homeless).notes == ["CPUs 0 are online but in no online NUMA node"])
    #expect(probe(FakeMachine.plain()).notes.isEmpty)
  }

  @Test func identityComesFromTheTree() {
    let machine = FakeMachine.plain()
    let host = probe(machine).host
    #expect(host.hostname == "fake-01")
    #expect(host.kernelRelease == "6.1.0-fake")
    #expect(host.architecture == "x86-64")
    #expect(host.cpuModel == "Fake CPU @ 2.00GHz")
    #expect(host.bootID == "11111111-2222-3333-4444-555555555555")
  }

  @Test func armHasNoModelName() {
    let machine = FakeMachine.plain()
    machine.write("aarch64\n", to: "/proc/sys/kernel/arch")
    machine.write(
      "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd4f\n", to: "/proc/cpuinfo")
    let host = probe(machine).host
    #expect(host.architecture == "arm64")
    #expect(host.cpuModel == "implementer 0x41 part 0xd4f")
  }

  @Test func theLiveMachineAgreesWithItself() {
    let inventory = Probe.run(Probe.Options(nvml: .none))
    let capacity = inventory.capacity
    #expect(capacity.cpuMilli > 0)
    #expect(capacity.cpuMilli <= UInt64(capacity.onlineCPUCount) * 1000)
    #expect(capacity.memoryBytes > 0)
    #expect(capacity.memoryBytes <= capacity.memoryTotalBytes)
    #expect(!inventory.host.hostname.isEmpty)
    #expect(!inventory.host.kernelRelease.isEmpty)
  }
}
