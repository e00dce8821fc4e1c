import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite struct RenderingTests {
  private func inventory() -> NodeInventory {
    var inventory = NodeInventory(
      host: HostIdentity(
        hostname: "gpu-a01", kernelRelease: "6.1.0", bootID: "b", architecture: "x86-64",
        cpuModel: "Fake CPU"),
      capacity: HostCapacity(
        cpuMilli: 1500,
        cpuLimitedBy: LimitSource(limit: .cpuQuota, source: "/sys/fs/cgroup/cpu.max"),
        cpus: CPUSet(0..<8), onlineCPUCount: 16, memoryBytes: 8 << 30,
        memoryLimitedBy: LimitSource(limit: .machine, source: "/proc/meminfo"),
        memoryTotalBytes: 8 << 30, hugepageBytes: 0,
        numaNodes: [
          NodeCPUs(numaNode: 0, cpus: CPUSet(0..<4), memoryBytes: 4 << 30),
          NodeCPUs(numaNode: 8, cpus: CPUSet(4..<8), memoryBytes: 4 << 30),
        ]),
      nvml: .running(path: "l", driverVersion: "550.90", nvmlVersion: nil),
      gpus: [
        GPUEntry(
          index: 0, uuid: "GPU-a", name: "NVIDIA H200",
          memory: GPUMemory(
            totalBytes: 150_754_820_096, usedBytes: 19_542_101_197, reservedBytes: nil),
          state: .usable, profile: .matched(profile: "h200-141g", rule: .nvmlName)),
        GPUEntry(
          index: 1, uuid: "GPU-b", name: "NVIDIA A40",
          memory: GPUMemory(totalBytes: 46068 << 20, usedBytes: nil, reservedBytes: nil),
          state: .usable, profile: .unknown(reason: "no name", candidates: ["l40-48g"])),
        GPUEntry(
          index: 2, uuid: nil, name: nil, memory: nil,
          state: .unusable(reason: "GPU is lost (NVML code 15)"),
          profile: .unknown(reason: "neither", candidates: [])),
      ],
      cpuProfile: .matched(profile: "cpu-x86-64", rule: .cpuArchitecture), notes: ["a remark"],
      sources: ["nvml", "/proc", "/sys"], elapsedNanoseconds: 41_400_000)
    var part = MIGInstance(position: 2)
    part.uuid = "MIG-a"
    part.profile = "1g.18gb"
    part.memory = GPUMemory(totalBytes: 16 << 30, usedBytes: nil, reservedBytes: nil)
    part.placement = MIGPlacement(start: 0, size: 1)
    part.billedMilli = 143
    inventory.gpus[0].mig.isEnabled = true
    inventory.gpus[0].mig.isPending = true
    inventory.gpus[0].mig.instances = [part]
    inventory.gpus[0].warnings = ["it is slow"]
    inventory.gpus[0].readings.numbers = [
      ("ecc_mode", 1), ("ecc_uncorrected_volatile", 0), ("power_limit_milliwatts", 700_000),
      ("power_milliwatts", 412_400), ("temperature_celsius", 54), ("utilization_percent", 71),
    ]
    return inventory
  }

  @Test func table() {
    let expected = """
      NODE gpu-a01   agent 0.1.0   kernel 6.1.0   sources: nvml 550.90 (dlopen), /proc, /sys   \
      probed in 41 ms
      IDX  PROFILE    MODEL        MEM USED/TOTAL    UTIL  TEMP  POWER     MIG   ECC  SOURCE  STATE
      0    h200-141g  NVIDIA H200  18.2 / 140.4 GiB  71%   54C   412/700W  on 1  ok   nvml    usable
      0.2  1g.18gb    MIG-a        - / 16.0 GiB      -     -     -         -     -    nvml    usable
      1    unknown    NVIDIA A40   - / 45.0 GiB      -     -     -         -     -    nvml    usable
      2    unknown    -            -                 -     -     -         -     -    nvml    \
      unusable: GPU is lost (NVML code 15)
      cpu x86-64 1.500 cores  mem 8.0 GiB  Fake CPU    2 of 3 devices cannot be offered -> \
      advertised 0.143 GPU
      cpu limited by a cgroup CPU quota (/sys/fs/cgroup/cpu.max)
      NUMA  CPUS  CPU COUNT  MEM
      0     0-3   4          4.0 GiB
      8     4-7   4          4.0 GiB
      warning: device 0: it is slow
      hint: device 1 matches no hardware profile: no name (alike: l40-48g); \
      try: pool-agent profiles explain "NVIDIA A40"
      note: a remark

      """
    #expect(inventory().table(agentVersion: "0.1.0") == expected)
  }

  @Test func whatIsNotKnownIsADash() {
    var poor = inventory()
    poor.capacity.cpuMilli = 0
    poor.capacity.onlineCPUCount = 0
    poor.capacity.memoryBytes = 0
    poor.capacity.memoryTotalBytes = 0
    poor.host.hostname = ""
    let text = poor.table()
    #expect(text.hasPrefix("NODE -  "))
    #expect(text.contains("\ncpu x86-64 - cores  mem - GiB  Fake CPU"))
  }

  @Test func cpusWithoutAProfileAreSaid() {
    var odd = inventory()
    odd.cpuProfile = ProfileMatcher.cpu(architecture: "ppc64le", among: [])
    let hint = "hint: the CPUs match no hardware profile: no profile is for ppc64le\n"
    #expect(odd.table().contains(hint))
    odd.host.architecture = ""
    odd.cpuProfile = ProfileMatcher.cpu(architecture: "", among: [])
    #expect(
      odd.cpuProfile == .unknown(reason: "the architecture is not known", candidates: []))
    #expect(!odd.table().contains("the CPUs match no"))
  }

  @Test func longCellsAreCut() {
    let lines = TextTable.lines(
      header: ["A", "B"], rows: [[String(repeating: "x", count: 99), "end"]])
    #expect(lines[1] == String(repeating: "x", count: 47) + "…  end")
  }

  @Test func json() {
    let text = inventory().json()
    for part in [
      "\"schema_version\": 1", "\"kind\": \"node_inventory\"", "\"usable_milli\": 1500",
      "\"limit\": \"cpu_quota\"", "\"memory_total_bytes\": 150754820096",
      "\"reason\": \"GPU is lost (NVML code 15)\"", "\"memory_used_bytes\": null",
      "\"matched_by\": \"nvml_name\"", "\"elapsed_ms\": 41.4", "\"driver_version\": \"550.90\"",
      "\"profile\": \"h200-141g/1g.18gb\"", "\"milli_gpu\": 143",
    ] { #expect(text.contains(part), "\(part)") }
  }

  @Test func whatIsNotKnownIsNotZero() {
    var poor = inventory()
    poor.capacity.cpuMilli = 0
    poor.capacity.onlineCPUCount = 0
    poor.capacity.memoryBytes = 0
    poor.capacity.memoryTotalBytes = 0
    poor.host.hostname = ""
    let text = poor.json()
    for key in ["usable_milli", "logical", "total_bytes", "usable_bytes", "node"] {
      #expect(text.contains("\"\(key)\": null"), "\(key)")
    }
  }

  @Test func keysDoNotDependOnTheMachine() {
    var poor = inventory()
    poor.nvml = .noLibrary(reason: "none")
    poor.gpus[1].memory = nil
    poor.gpus[1].profile = .notChecked
    poor.gpus[1].readings = GPUReadings()
    func keys(_ inventory: NodeInventory) -> [Substring] {
      inventory.json().split(whereSeparator: \.isNewline).compactMap { line in
        line.contains(":") ? line.split(separator: ":").first : nil
      }
    }
    #expect(keys(inventory()) == keys(poor))
  }
}
