internal import Synchronization

extension FakeMachine {
  /// A CPU of a fake machine and the memory beside it.
  public struct Node: Sendable {
    /// The NUMA node's number.
    public var id: Int
    /// Its online CPUs in the kernel's list format; empty for memory without CPUs.
    public var cpus: String
    /// Its memory in kB.
    public var kilobytes: Int
    /// Reserved huge pages of 2 MiB.
    public var hugepages: Int

    /// Makes a node.
    public init(id: Int, cpus: String, kilobytes: Int, hugepages: Int = 0) {
      self.id = id
      self.cpus = cpus
      self.kilobytes = kilobytes
      self.hugepages = hugepages
    }
  }

  /// The kernel's files of a machine without any limit.
  ///
  /// - Parameters:
  ///   - online: The online CPUs in the kernel's list format.
  ///   - nodes: The NUMA nodes; none leaves out the whole NUMA directory.
  ///   - kilobytes: MemTotal in kB; nil for the sum of the nodes.
  public convenience init(
    online: String, nodes: [Node], onlineNodes: String? = nil, kilobytes: Int? = nil
  ) {
    let total = kilobytes ?? nodes.reduce(0) { $0 + $1.kilobytes }
    self.init([
      "/proc/meminfo": "MemTotal:       \(total) kB\nMemFree:        1 kB\n",
      "/proc/cpuinfo": "processor\t: 0\nmodel name\t: Fake CPU @ 2.00GHz\n",
      "/proc/sys/kernel/hostname": "fake-01\n",
      "/proc/sys/kernel/osrelease": "6.1.0-fake\n",
      "/proc/sys/kernel/arch": "x86_64\n",
      "/proc/sys/kernel/random/boot_id": "11111111-2222-3333-4444-555555555555\n",
      "/sys/devices/system/cpu/online": "\(online)\n",
    ])
    guard !nodes.isEmpty else { return }
    let directory = "/sys/devices/system/node"
    let ids = nodes.map { "\($0.id)" }.joined(separator: ",")
    write("\(onlineNodes ?? ids)\n", to: "\(directory)/online")
    write("\(ids)\n", to: "\(directory)/possible")
    for node in nodes {
      let path = "\(directory)/node\(node.id)"
      write("\(node.cpus)\n", to: "\(path)/cpulist")
      write("Node \(node.id) MemTotal:  \(node.kilobytes) kB\n", to: "\(path)/meminfo")
      write("\(node.hugepages)\n", to: "\(path)/hugepages/hugepages-2048kB/nr_hugepages")
      write("0\n", to: "\(path)/hugepages/hugepages-1048576kB/nr_hugepages")
    }
  }

  /// Eight CPUs and 16 GiB in one node.
  public static func plain() -> FakeMachine {
    FakeMachine(online: "0-7", nodes: [Node(id: 0, cpus: "0-7", kilobytes: 16 << 20)])
  }

  /// cgroup v2 with limits at three levels: 6 CPUs, then 4, then none; 12 GiB, then 8 GiB.
  public static func nestedV2() -> FakeMachine {
    let machine = plain()
    machine.mount("/sys/fs/cgroup", type: "cgroup2", options: "rw")
    machine.join("0::/system.slice/pool.slice/agent.service\n")
    let top = "/sys/fs/cgroup/system.slice"
    machine.write("600000 100000\n", to: "\(top)/cpu.max")
    machine.write("12884901888\n", to: "\(top)/memory.max")
    machine.write("400000 100000\n", to: "\(top)/pool.slice/cpu.max")
    machine.write("8589934592\n", to: "\(top)/pool.slice/memory.max")
    machine.write("max 100000\n", to: "\(top)/pool.slice/agent.service/cpu.max")
    machine.write("max\n", to: "\(top)/pool.slice/agent.service/memory.max")
    machine.write("0-7\n", to: "/sys/fs/cgroup/cpuset.cpus.effective")
    machine.write("0-6\n", to: "\(top)/pool.slice/agent.service/cpuset.cpus.effective")
    return machine
  }

  /// cgroup v1, every controller with its own mount and its own path.
  public static func perControllerV1() -> FakeMachine {
    let machine = plain()
    machine.mount("/sys/fs/cgroup/cpu,cpuacct", type: "cgroup", options: "rw,cpu,cpuacct")
    machine.mount("/sys/fs/cgroup/cpuset", type: "cgroup", options: "rw,cpuset")
    machine.mount("/sys/fs/cgroup/memory", type: "cgroup", options: "rw,memory")
    machine.join("4:memory:/jobs/42\n3:cpuset:/batch\n2:cpu,cpuacct:/jobs\n1:name=systemd:/x\n")
    machine.write("300000\n", to: "/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us")
    machine.write("100000\n", to: "/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_period_us")
    machine.write("-1\n", to: "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us")
    machine.write("100000\n", to: "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us")
    machine.write("2-5\n", to: "/sys/fs/cgroup/cpuset/batch/cpuset.cpus")
    machine.write("0\n", to: "/sys/fs/cgroup/cpuset/batch/cpuset.mems")
    machine.write("0-7\n", to: "/sys/fs/cgroup/cpuset/cpuset.cpus")
    machine.write("4294967296\n", to: "/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes")
    machine.write(
      "9223372036854771712\n", to: "/sys/fs/cgroup/memory/jobs/42/memory.limit_in_bytes")
    return machine
  }

  /// v1 controllers beside a v2 tree, whose `0::/` line must not be believed for limits.
  public static func hybrid() -> FakeMachine {
    let machine = perControllerV1()
    machine.mount("/sys/fs/cgroup/unified", type: "cgroup2", options: "rw")
    machine.join("4:memory:/jobs/42\n3:cpuset:/batch\n2:cpu,cpuacct:/jobs\n0::/\n")
    machine.write("100000 100000\n", to: "/sys/fs/cgroup/unified/cpu.max")
    machine.write("1048576\n", to: "/sys/fs/cgroup/unified/memory.max")
    return machine
  }

  /// A container with its own cgroup namespace: path `/`, limits at the mount's root.
  public static func namespaced() -> FakeMachine {
    let machine = plain()
    machine.mount("/sys/fs/cgroup", type: "cgroup2", options: "ro,nsdelegate")
    machine.join("0::/\n")
    machine.write("250000 100000\n", to: "/sys/fs/cgroup/cpu.max")
    machine.write("2147483648\n", to: "/sys/fs/cgroup/memory.max")
    return machine
  }

  /// A container without its own namespace: the mount shows the container's cgroup as its root,
  /// while the process's path is the host's.
  public static func boundIntoContainer() -> FakeMachine {
    let machine = plain()
    let own = "/docker/0123abc"
    machine.mount("/sys/fs/cgroup/memory", root: own, type: "cgroup", options: "rw,memory")
    machine.mount("/sys/fs/cgroup/cpu", root: own, type: "cgroup", options: "rw,cpu")
    machine.join("2:memory:\(own)/inner\n1:cpu:\(own)\n")
    machine.write("1073741824\n", to: "/sys/fs/cgroup/memory/inner/memory.limit_in_bytes")
    machine.write("150000\n", to: "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
    machine.write("100000\n", to: "/sys/fs/cgroup/cpu/cpu.cfs_period_us")
    return machine
  }

  /// A quota of one and a half CPUs.
  public static func oneAndAHalf() -> FakeMachine {
    let machine = plain()
    machine.mount("/sys/fs/cgroup", type: "cgroup2", options: "rw")
    machine.join("0::/app\n")
    machine.write("150000 100000\n", to: "/sys/fs/cgroup/app/cpu.max")
    return machine
  }

  /// NUMA nodes 0 and 8, as POWER machines number them.
  public static func sparseNUMA() -> FakeMachine {
    FakeMachine(
      online: "0-3,8-11",
      nodes: [
        Node(id: 0, cpus: "0-3", kilobytes: 8 << 20, hugepages: 512),
        Node(id: 8, cpus: "8-11", kilobytes: 4 << 20),
      ])
  }

  /// Memory of two GPUs as NUMA nodes without CPUs, beside one ordinary node.
  public static func gpuMemoryNodes() -> FakeMachine {
    FakeMachine(
      online: "0-7",
      nodes: [
        Node(id: 0, cpus: "0-7", kilobytes: 16 << 20),
        Node(id: 254, cpus: "", kilobytes: 32 << 20), Node(id: 255, cpus: "", kilobytes: 32 << 20),
      ])
  }

  /// CPU 0 and NUMA node 0 are offline; the directory of node 0 is still there.
  public static func offlineFirst() -> FakeMachine {
    FakeMachine(
      online: "1-7",
      nodes: [
        Node(id: 0, cpus: "", kilobytes: 4 << 20), Node(id: 1, cpus: "1-7", kilobytes: 12 << 20),
      ], onlineNodes: "1", kilobytes: 12 << 20)
  }

  /// A kernel without NUMA: no directory at all.
  public static func withoutNUMA() -> FakeMachine {
    FakeMachine(online: "0-1", nodes: [], kilobytes: 2 << 20)
  }

  /// One node whose own file misses the memory that was added while the machine ran.
  public static func hotAddedMemory() -> FakeMachine {
    FakeMachine(
      online: "0-7", nodes: [Node(id: 0, cpus: "0-7", kilobytes: 5 << 20)], kilobytes: 16 << 20)
  }

  /// No mountinfo and no cgroup file, only their forerunners: `/proc/mounts`, `/proc/self/cpuset`.
  public static func oldProc() -> FakeMachine {
    let machine = plain()
    machine.write(
      "none /cgroup/memory cgroup rw,memory 0 0\nnone /cgroup/unified cgroup2 rw 0 0\n",
      to: "/proc/mounts")
    machine.write("/user_7/step_0\n", to: "/proc/self/cpuset")
    machine.write("0-5\n", to: "/cgroup/unified/user_7/step_0/cpuset.cpus.effective")
    return machine
  }

  /// Adds a mount to `/proc/self/mountinfo`.
  ///
  /// - Parameter root: The part of the file system that is mounted, as mountinfo escapes it.
  public func mount(_ point: String, root: String = "/", type: String, options: String) {
    let line = "31 23 0:26 \(root) \(point) rw,nosuid shared:9 - \(type) \(type) \(options)\n"
    let lines = mountinfo.withLock { lines in
      lines += line
      return lines
    }
    write(lines, to: "/proc/self/mountinfo")
  }

  /// Writes `/proc/self/cgroup`.
  public func join(_ cgroups: String) { write(cgroups, to: "/proc/self/cgroup") }

  /// Writes the affinity mask of the process, in the kernel's list format.
  public func allow(_ cpus: String) {
    write("Name:\tfake\nCpus_allowed_list:\t\(cpus)\n", to: "/proc/self/status")
  }
}
