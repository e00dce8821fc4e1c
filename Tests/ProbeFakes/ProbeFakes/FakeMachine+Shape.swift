public import HardwareProbe

extension FakeMachine {
  /// The file tree of a described machine: CPUs, NUMA nodes, huge pages, and its GPUs on the PCI
  /// bus with what their drivers tell the kernel.
  public convenience init(_ shape: NodeShape, catalogue: ProfileCatalogue, hostname: String) {
    let host = shape.host
    let nodes = host.numaNodes.map { node in
      Node(
        id: node.id, cpus: node.cpus.list, kilobytes: Int(node.memoryMiB << 10),
        hugepages: Int(node.hugepages.first { $0.sizeKiB == 2048 }?.count ?? 0))
    }
    var online = CPUSet()
    for node in host.numaNodes { online = CPUSet(online.members + node.cpus.members) }
    self.init(online: online.list, nodes: nodes)
    let words = ["x86-64": "x86_64", "arm64": "aarch64"]
    let architecture = words[host.architecture] ?? host.architecture
    write("\(hostname)\n", to: "/proc/sys/kernel/hostname")
    write("\(host.kernelRelease ?? "6.1.0-fake")\n", to: "/proc/sys/kernel/osrelease")
    write("\(architecture)\n", to: "/proc/sys/kernel/arch")
    write("\(FakeIdentifier.uuid("\(hostname)/boot"))\n", to: "/proc/sys/kernel/random/boot_id")
    write(
      online.members.map { "processor\t: \($0)\nmodel name\t: \(host.cpuModel)\n\n" }.joined(),
      to: "/proc/cpuinfo")
    for node in host.numaNodes {
      for pages in node.hugepages {
        write(
          "\(pages.count)\n",
          to: "/sys/devices/system/node/node\(node.id)/hugepages/"
            + "hugepages-\(pages.sizeKiB)kB/nr_hugepages")
      }
    }
    if let family = host.socFamily { write("\(family)\n", to: "/sys/devices/soc0/family") }
    if let driver = shape.driver {
      write(
        "NVRM version: NVIDIA UNIX Kernel Module  \(driver.version)\n",
        to: "/proc/driver/nvidia/version")
    }
    for gpu in shape.gpus {
      guard let profile = catalogue.profile(named: gpu.profile) else { continue }
      add(gpu, profile, in: shape, hostname: hostname)
    }
    writeMIGMinors(of: shape, catalogue: catalogue)
  }

  /// The PCI function of a GPU, and its entry below `/proc/driver/nvidia`.
  private func add(
    _ gpu: NodeShape.GPU, _ profile: HardwareProfile, in shape: NodeShape, hostname: String
  ) {
    // A Tegra's GPU is on no bus.
    guard gpu.kernelDriver != "nvgpu" else { return }
    let place = gpu.pciBusID.dropFirst(4).lowercased()
    let path = "/sys/bus/pci/devices/\(place)"
    let classes: [PCIVendor: String] = [.amd: "0x120000", .intel: "0x038000"]
    write("\(profile.vendor.flatMap { classes[$0] } ?? "0x030200")\n", to: "\(path)/class")
    if let id = profile.match.pciDeviceIDs.max(by: { $0.count < $1.count }) {
      let halves = id.split(separator: "/").map { $0.split(separator: ":") }
      write("0x\(halves[0][0])\n", to: "\(path)/vendor")
      write("0x\(halves[0].dropFirst().first ?? "0")\n", to: "\(path)/device")
      if halves.count == 2, halves[1].count == 2 {
        write("0x\(halves[1][0])\n", to: "\(path)/subsystem_vendor")
        write("0x\(halves[1][1])\n", to: "\(path)/subsystem_device")
      }
    }
    write("\(gpu.numaNode ?? -1)\n", to: "\(path)/numa_node")
    if let node = shape.host.numaNodes.first(where: { $0.id == gpu.numaNode }) {
      write("\(node.cpus.list)\n", to: "\(path)/local_cpulist")
    }
    if let driver = gpu.kernelDriver {
      write("DRIVER=\(driver)\nPCI_SLOT_NAME=\(place)\n", to: "\(path)/uevent")
    }
    if gpu.kernelDriver == "amdgpu", let total = gpu.memoryMiB ?? profile.memoryMiB {
      write("\(total << 20)\n", to: "\(path)/mem_info_vram_total")
      write("0\n", to: "\(path)/mem_info_vram_used")
      write("0\n", to: "\(path)/gpu_busy_percent")
    }
    guard gpu.kernelDriver == "nvidia", shape.driver != nil else { return }
    let uuid = FakeIdentifier.uuid("\(hostname)/gpu \(gpu.index)")
    let entry = "/proc/driver/nvidia/gpus/\(place)"
    write(
      """
      Model: \t\t \(profile.match.nvmlNames.first ?? profile.name)
      GPU UUID: \t GPU-\(uuid)
      Bus Location: \t \(place)
      Device Minor: \t \(gpu.index)

      """, to: "\(entry)/information")
    if let own = shape.host.numaNodes.first(where: { $0.gpuIndex == gpu.index }) {
      write("Node: \(own.id)\nStatus: online\n", to: "\(entry)/numa_status")
    }
  }

  /// Which `/dev/nvidia-caps/nvidia-capN` opens which instance.
  private func writeMIGMinors(of shape: NodeShape, catalogue: ProfileCatalogue) {
    var lines = ["config 1", "monitor 2"]
    var minor = 3
    for gpu in shape.gpus {
      guard let axes = catalogue.profile(named: gpu.profile)?.migAxes else { continue }
      var used: Set<Int> = []
      for instance in gpu.mig?.instances ?? [] {
        let id = FakeFile.instanceID(instance, axes: axes, used: &used)
        lines.append("gpu\(gpu.index)/gi\(id)/access \(minor)")
        for compute in 0..<max(1, instance.computeSlices.count) {
          minor += 1
          lines.append("gpu\(gpu.index)/gi\(id)/ci\(compute)/access \(minor)")
        }
        minor += 1
      }
    }
    guard lines.count > 2 else { return }
    write(lines.joined(separator: "\n") + "\n", to: "/proc/driver/nvidia-caps/mig-minors")
  }
}
