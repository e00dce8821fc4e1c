import ProbeFakes
import Testing

@testable import HardwareProbe

/// Small trees made from facts of captured machines, and trees of old kernels.
@Suite struct CapturedTreeTests {
  private func probe(_ machine: FakeMachine) -> NodeInventory {
    withExtendedLifetime(machine) { Probe.run(Probe.Options(root: machine.root, nvml: .none)) }
  }

  private func node(_ id: Int, cpus: String, kilobytes: UInt64, in machine: FakeMachine) {
    let path = "\(NumaNode.directory)/node\(id)"
    machine.write("\(cpus)\n", to: "\(path)/cpulist")
    machine.write("Node \(id) MemTotal:  \(kilobytes) kB\n", to: "\(path)/meminfo")
  }

  /// Two sockets whose GPUs show their memory as nodes 254 and 255; half of the CPUs are offline.
  @Test func memoryOfGPUsIsNotTheHosts() {
    let machine = FakeMachine([
      "/proc/meminfo": "MemTotal: 295248384 kB\n",
      "/sys/devices/system/cpu/online": "0-15,88-103\n",
      "\(NumaNode.directory)/online": "0,8,254-255\n",
      "\(NumaNode.directory)/possible": "0,8,254-255\n",
      "\(NVIDIAProcEntry.directory)/0004:05:00.0/numa_status":
        "Node:      255\nStatus:    online\n",
    ])
    node(0, cpus: "0-87", kilobytes: 129_839_104, in: machine)
    node(8, cpus: "88-175", kilobytes: 133_952_000, in: machine)
    for id in [254, 255] { node(id, cpus: "", kilobytes: 15_728_640, in: machine) }
    let capacity = probe(machine).capacity
    #expect(capacity.cpus.list == "0-15,88-103")
    #expect(capacity.memoryTotalBytes == 263_791_104 << 10)
    #expect(capacity.memoryBytes == 263_791_104 << 10)
    #expect(capacity.numaNodes.map(\.numaNode) == [0, 8])
    #expect(capacity.machineNodes.map(\.id) == [0, 8, 254, 255])
    #expect(capacity.machineNodes.map(\.cpus.list) == ["0-15", "88-103", "", ""])
    let purposes = capacity.machineNodes.map(\.purpose)
    #expect(purposes.dropLast() == [.host, .host, .unknown])
    #expect(purposes.last == PCIAddress("0004:05:00.0").map { .gpu($0) })
  }

  /// CPU 0 and node 0 are offline, but the kernel counts the memory of both nodes.
  @Test func memoryOfAnOfflineNodeIsNotOffered() {
    let machine = FakeMachine([
      "/proc/meminfo": "MemTotal: 131737080 kB\n", "/sys/devices/system/cpu/online": "4-20\n",
      "\(NumaNode.directory)/online": "1\n", "\(NumaNode.directory)/possible": "0-1\n",
    ])
    node(1, cpus: "1,3,5,7,9,11,13,15,17,19,21,23", kilobytes: 67_108_864, in: machine)
    let capacity = probe(machine).capacity
    #expect(capacity.onlineCPUCount == 17)
    #expect(capacity.memoryTotalBytes == 67_108_864 << 10)
    #expect(capacity.memoryBytes == 67_108_864 << 10)
    #expect(capacity.memoryLimitedBy.limit == .reserved)
    #expect(capacity.numaNodes.map(\.numaNode) == [1])
    #expect(capacity.numaNodes.first?.cpus.list == "5,7,9,11,13,15,17,19")
  }

  @Test(arguments: [
    ("/proc/stat", "cpu  1 2\ncpu0 1\ncpu1 1\ncpu2 1\nintr 5\n"),
    ("/proc/cpuinfo", "processor\t: 0\nmodel name\t: X\n\nprocessor\t: 2\nmodel name\t: X\n"),
    ("/sys/devices/system/cpu/cpu0/topology/core_id", "0\n"),
  ])
  func cpusOfOldKernels(file: String, text: String) {
    let machine = FakeMachine([file: text, "/proc/meminfo": "MemTotal: 1024 kB\n"])
    if file != "/proc/cpuinfo" {
      machine.write("0\n", to: "/sys/devices/system/cpu/cpu1/online")
      machine.write("1\n", to: "/sys/devices/system/cpu/cpu2/online")
    }
    #expect(probe(machine).capacity.cpus.list == "0,2")
  }

  @Test func nodesOfOldKernelsHaveMasksOnly() {
    let machine = FakeMachine([
      "/proc/meminfo": "MemTotal: 2048 kB\n", "/sys/devices/system/cpu/online": "0-3\n",
    ])
    for (id, mask) in [(0, "00000003"), (1, "0000000c")] {
      let path = "\(NumaNode.directory)/node\(id)"
      machine.write("\(mask)\n", to: "\(path)/cpumap")
      machine.write("Node \(id) MemTotal: 1024 kB\n", to: "\(path)/meminfo")
    }
    let nodes = probe(machine).capacity.numaNodes
    #expect(nodes.map(\.cpus.list) == ["0-1", "2-3"])
  }

  @Test func nodesThatClaimOneCPUAreTakenForOne() {
    let machine = FakeMachine([
      "/proc/meminfo": "MemTotal: 3072 kB\n", "/sys/devices/system/cpu/online": "0-3\n",
    ])
    node(0, cpus: "0-3", kilobytes: 1024, in: machine)
    node(1, cpus: "2-3", kilobytes: 1024, in: machine)
    node(2, cpus: "", kilobytes: 1024, in: machine)
    let capacity = probe(machine).capacity
    #expect(capacity.numaNodes.map(\.numaNode) == [0])
    #expect(capacity.numaNodes.first?.cpus.list == "0-3")
    #expect(capacity.memoryBytes == 3072 << 10)
    #expect(probe(machine).notes.contains { $0.contains("claim one CPU") })
  }

  /// Firmware that puts CPUs and memory into nodes of their own, with an expander beside.
  @Test func memoryInNodesOfItsOwnIsTheHosts() {
    let machine = FakeMachine([
      "/proc/meminfo": "MemTotal: 10240 kB\n", "/sys/devices/system/cpu/online": "0-3\n",
      "/sys/bus/dax/devices/dax0.0/target_node": "7\n",
    ])
    node(0, cpus: "0-3", kilobytes: 0, in: machine)
    node(5, cpus: "", kilobytes: 2048, in: machine)
    node(7, cpus: "", kilobytes: 8192, in: machine)
    let capacity = probe(machine).capacity
    #expect(capacity.memoryBytes == 2048 << 10)
    #expect(capacity.numaNodes.map(\.numaNode) == [0, 5])
    #expect(capacity.machineNodes.map(\.purpose) == [.host, .host, .unknown])
  }

  /// Cpusets from before cgroups, and cgroups that keep their file names.
  @Test(arguments: ["cpuset rw", "cgroup rw,relatime,cpuset,noprefix"])
  func oldCpusetsAreRead(mount: String) {
    let machine = FakeMachine([
      "/proc/mounts": "none /dev/cpuset \(mount) 0 0\n", "/proc/self/cpuset": "/jobs\n",
      "/proc/meminfo": "MemTotal: 2048 kB\n", "/sys/devices/system/cpu/online": "0-3\n",
      "/dev/cpuset/cpus": "0-3\n", "/dev/cpuset/jobs/cpus": "1-2\n",
      "/dev/cpuset/jobs/mems": "1\n",
    ])
    node(0, cpus: "0-1", kilobytes: 1024, in: machine)
    node(1, cpus: "2-3", kilobytes: 1024, in: machine)
    let capacity = probe(machine).capacity
    #expect(capacity.cpus.list == "1-2")
    #expect(capacity.cpuLimitedBy.source == "/dev/cpuset/jobs/cpus")
    #expect(capacity.memoryBytes == 1024 << 10)
  }

  @Test(arguments: [("", "0-3"), (",cpuset_v2_mode", "0-1")])
  func aCpusetHasWhatItSaysButForTheBehaviourOfV2(option: String, cpus: String) {
    let machine = FakeMachine([
      "/proc/mounts": "none /sys/fs/cgroup/cpuset cgroup rw,cpuset\(option) 0 0\n",
      "/proc/self/cgroup": "7:cpuset:/a\n", "/sys/devices/system/cpu/online": "0-3\n",
      "/proc/meminfo": "MemTotal: 2048 kB\n",
      "/sys/fs/cgroup/cpuset/a/cpuset.cpus": "0-7\n",
      "/sys/fs/cgroup/cpuset/a/cpuset.effective_cpus": "0-1\n",
    ])
    #expect(probe(machine).capacity.cpus.list == cpus)
  }

  @Test func theKernelSaysWhatMemoryTheProcessMayHave() {
    let machine = FakeMachine([
      "/proc/meminfo": "MemTotal: 2048 kB\n", "/sys/devices/system/cpu/online": "0-3\n",
      "/proc/self/status": "Name: x\nCpus_allowed_list:\t0-3\nMems_allowed_list:\t1\n",
    ])
    node(0, cpus: "0-1", kilobytes: 1024, in: machine)
    node(1, cpus: "2-3", kilobytes: 1024, in: machine)
    let capacity = probe(machine).capacity
    #expect(capacity.memoryBytes == 1024 << 10)
    #expect(
      capacity.memoryLimitedBy == LimitSource(limit: .cpuset, source: "/proc/self/status"))
  }

  @Test func hugePagesAreFoundWhereTheNodesDoNotTell() {
    let machine = FakeMachine([
      "/proc/meminfo": "MemTotal: 8388608 kB\n", "/sys/devices/system/cpu/online": "0-3\n",
      "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages": "2\n",
    ])
    node(0, cpus: "0-3", kilobytes: 8_388_608, in: machine)
    let capacity = probe(machine).capacity
    #expect(capacity.hugepageBytes == 2 << 30)
    #expect(capacity.memoryBytes == 6 << 30)
  }

  @Test func aCaptureSaysWhatMachineItWas() {
    let added = "OSRelease: 3.10.0\nHostName: n23\nArchitecture: x86_64\n"
    let captured = FakeMachine(["/proc/hwloc-nofile-info": added])
    let identity = probe(captured).host
    #expect(identity.hostname == "n23")
    #expect(identity.kernelRelease == "3.10.0")
    #expect(identity.architecture == "x86-64")
    let bare = FakeMachine([
      "/proc/version": "Linux version 6.1.0-18-amd64 (x@y) #1\n",
      "/proc/cpuinfo":
        "processor : 0\nCPU implementer : 0x41\nCPU architecture: 8\nCPU part : 0xd4f\n",
    ])
    #expect(probe(bare).host.kernelRelease == "6.1.0-18-amd64")
    #expect(probe(bare).host.architecture == "arm64")
    #expect(CPUInfo("flags : fpu lm sse\n").machine == "x86_64")
    #expect(CPUInfo("flags : fpu sse\n").machine == "i686")
    #expect(CPUInfo("").machine == "")
  }
}
