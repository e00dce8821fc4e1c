import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite("MIG")
struct MIGTests {
  private static let on = "mig_mode = on\nmig_max_devices = 7\nbus_id = 00000000:1B:00.0"

  private static let kinds =
    FakeDriver.profile(0, id: 19, "1g.10gb", memory: 9984)
    + FakeDriver.profile(2, id: 9, "3g.40gb", memory: 40448)

  private static let cut =
    FakeDriver.h100(0, on) + kinds
    + FakeDriver.mig(1, instance: 7, id: 19, "1g.10gb", memory: 9984, at: "0:1")
    + FakeDriver.mig(4, instance: 1, id: 9, "3g.40gb", memory: 40448, at: "4:4")

  @Test("devices are found behind holes, with name, memory and place")
  func holes() throws {
    let mig = try FakeDriver.gpus(Self.cut)[0].mig
    let instances = try #require(mig.instances)
    #expect(mig.isEnabled == true && mig.isPending == true)
    #expect(instances.map(\.position) == [1, 4])
    #expect(instances.map(\.profile) == ["1g.10gb", "3g.40gb"])
    #expect(instances.map { $0.memory?.totalBytes } == [9984 << 20, 40448 << 20])
    #expect(
      instances.map(\.placement)
        == [MIGPlacement(start: 0, size: 1), MIGPlacement(start: 4, size: 4)])
    #expect(instances.map(\.billedMilli) == [125, 500])
    #expect(instances.allSatisfy { $0.isOfferable })
    #expect(mig.profiles.map(\.name) == ["1g.10gb", "3g.40gb"])
    #expect(mig.profiles[0].placements.count == 2)
  }

  @Test("what is offered is the parts, never the whole")
  func offer() throws {
    var inventory = Self.inventory(try FakeDriver.gpus(Self.cut))
    #expect(
      inventory.advertised.map(\.profile) == ["h100-sxm-80gb/1g.10gb", "h100-sxm-80gb/3g.40gb"])
    #expect(inventory.gpuOffers[0].partitions?.count == 2)
    inventory = Self.inventory(try FakeDriver.gpus(FakeDriver.h100(0, Self.on) + Self.kinds))
    #expect(inventory.gpus[0].mig.instances?.isEmpty == true)
    #expect(inventory.advertised.isEmpty, "cut into none is no capacity")
    #expect(inventory.gpuOffers[0].partitions?.isEmpty == true)
  }

  @Test("a mode that will change is marked and not offered")
  func pending() throws {
    let gpu = try FakeDriver.gpus(FakeDriver.h100(0, "mig_mode = off\nmig_mode_pending = on"))[0]
    #expect(gpu.mig.isEnabled == false && gpu.mig.isPending == true && gpu.mig.isChanging)
    #expect(gpu.state.reason == "MIG is off and will be on after a reset of the GPU")
    #expect(Self.inventory([gpu]).advertised.isEmpty)
  }

  @Test(
    "a GPU without such a mode is neither on nor off; one whose mode is not told is not offered")
  func mode() throws {
    let gpus = try FakeDriver.gpus(
      FakeDriver.h100(0) + FakeDriver.h100(1, "mig_mode = off")
        + FakeDriver.h100(2, "GetMigMode = TIMEOUT"))
    #expect(gpus.map(\.mig.isEnabled) == [nil, false, nil])
    #expect(gpus.map(\.mig.instances?.count) == [0, 0, nil])
    #expect(
      gpus.map(\.state) == [
        .usable, .usable,
        .unknown(reason: "whether MIG is on is not told: timeout in the driver (NVML code 10)"),
      ])
    #expect(gpus.map(\.isOfferable) == [true, true, false])
    let table = Self.inventory(gpus).table().split(separator: "\n")
    #expect(table[2].contains("  -    -    nvml") && table[3].contains("  off  -    nvml"))
  }

  @Test("compute instances that share a GPU instance share its memory, and are not offered")
  func shared() throws {
    let text =
      FakeDriver.h100(0, Self.on) + Self.kinds
      + FakeDriver.mig(0, instance: 1, id: 9, "3g.40gb", memory: 40448, at: "4:4")
      + "[gpu 0 mig 0]\nci_slices = 1\n"
      + "[gpu 0 mig 1]\ngi = 1\nci = 1\nmemory_total = 40448 MiB\ngi_slices = 3\n"
      + "ci_slices = 2\nmultiprocessors = 32\n"
    let gpu = try FakeDriver.gpus(text)[0]
    let instances = try #require(gpu.mig.instances)
    #expect(instances.map(\.profile) == ["1c.3g.40gb", "2c.3g.40gb"])
    #expect(instances.allSatisfy { $0.sharesMemory })
    #expect(Self.inventory([gpu]).advertised.isEmpty)
    #expect(gpu.warnings.count == 2)
  }

  @Test("one bad MIG device is one bad device")
  func fault() throws {
    let gpu = try FakeDriver.gpus(Self.cut + "[gpu 0 mig 1]\nhandle = 15\n")[0]
    #expect(gpu.state == .usable)
    #expect(gpu.mig.instances?.map(\.fault) == ["GPU is lost (NVML code 15)", nil])
    #expect(Self.inventory([gpu]).advertised.map(\.count) == [1])
  }

  @Test("without the privilege to see instances nothing is invented")
  func unprivileged() throws {
    let gpu = try FakeDriver.gpus(
      Self.cut + "[gpu 0]\nGetGpuInstanceById = NO_PERMISSION\n"
        + "GetGpuInstanceRemainingCapacity = NO_PERMISSION\n")[0]
    let instances = try #require(gpu.mig.instances)
    #expect(instances.map(\.placement) == [nil, nil])
    #expect(instances.map(\.profile) == ["1g.10gb", "3g.40gb"])
    #expect(gpu.mig.profiles.map(\.remaining) == [nil, nil])
    #expect(gpu.warnings.first?.contains("told to root only") == true)
  }

  @Test(
    "processes by MIG device, also where the whole GPU's are told to root only or without place")
  func processes() throws {
    let text =
      Self.cut + "[gpu 0 process 0]\npid = 11\nmemory = 1 GiB\ngi = 7\nci = 0\n"
      + "[gpu 0 process 1]\npid = 12\ngi = 1\nci = 0\n"
    let denied = """

      [gpu 0]
      GetComputeRunningProcesses_v3 = NO_PERMISSION
      [gpu 0 mig 1]
      GetComputeRunningProcesses_v3 = 0
      [gpu 0 mig 4]
      GetComputeRunningProcesses_v3 = 0

      """
    for more in ["", denied, "[driver]\nprocess_entry_bytes = 16\n"] {
      let processes = try #require(try FakeDriver.gpus(text + more)[0].processes, "\(more)")
      #expect(processes.map(\.pid) == [11, 12], "\(more)")
      #expect(processes.map(\.gpuInstance) == [7, 1], "\(more)")
      #expect(processes.map(\.computeInstance) == [0, 0], "\(more)")
      #expect(processes.map(\.usedBytes) == [1 << 30, nil], "\(more)")
    }
    let half = try FakeDriver.gpus(
      text + "[gpu 0]\nGetComputeRunningProcesses_v3 = NO_PERMISSION\n[gpu 0 mig 4]\n"
        + "GetComputeRunningProcesses_v3 = NO_PERMISSION\n")[0]
    #expect(half.processes == nil, "half a list would look like all")
    #expect(half.warnings == ["limited: no permission to ask for processes"])
  }

  @Test("older forms of profiles and identifiers")
  func older() throws {
    let two = try FakeDriver.gpus("[driver]\nmig_profile_version = 2\n" + Self.cut)[0]
    #expect(two.mig.profiles.map(\.name) == ["1g.10gb", "3g.40gb"])
    let path = try FakeDriver.gpus("[driver]\nmig_uuid_form = path\n" + Self.cut)[0]
    #expect(path.mig.instances?[0].uuid == "MIG-\(path.uuid ?? "")/7/0")
    #expect(path.mig.instances?[0].isOfferable == true)
    let first = try FakeDriver.gpus(
      Self.cut + "[gpu 0]\nGetGpuInstanceProfileInfoV = FUNCTION_NOT_FOUND\n")[0]
    #expect(first.mig.profiles.map(\.name) == [nil, nil])
    #expect(first.mig.instances?.map(\.profile) == ["1g.10gb", "3g.40gb"])
  }

  @Test("identifiers of both forms, and what is none")
  func identity() {
    #expect(MIGNames.identity("MIG-00aa-11") == MIGNames.Identity())
    #expect(
      MIGNames.identity("MIG-GPU-5d1c-22/3/0")
        == MIGNames.Identity(gpu: "GPU-5d1c-22", gpuInstance: 3, computeInstance: 0))
    for bad in [
      "", "MIG-", "GPU-1", "MIG-GPU-1", "MIG-GPU-1/2", "MIG-GPU-1/2/x", "MIG-GPU-/1/2",
      "MIG-GPU-1/99999999999/0", "MIG-a/b",
    ] { #expect(MIGNames.identity(bad) == nil, "\(bad)") }
  }

  @Test("names of kinds")
  func names() {
    #expect(MIGNames.profile(in: "MIG 1g.10gb") == "1g.10gb")
    #expect(MIGNames.profile(in: "NVIDIA A100-SXM4-40GB MIG 1g.5gb") == "1g.5gb")
    #expect(MIGNames.profile(in: "1c.3g.71gb") == "1c.3g.71gb")
    #expect(MIGNames.profile(in: "MIG 1g.24gb+me.all") == "1g.24gb+me.all")
    for bad in ["", "NVIDIA H100", "MIG", "MIG g.gb", "MIG 1g.10", "SMIG 1g.10gb"] {
      #expect(MIGNames.profile(in: bad) == nil, "\(bad)")
    }
  }

  /// Slices, memory of the instance and of the board in MiB, and the name that drivers print.
  @Test(
    "names are reckoned as drivers reckon them",
    arguments: [
      (1, 4864, 40960, "1g.5gb"), (3, 20096, 40960, "3g.20gb"), (1, 9984, 81559, "1g.10gb"),
      (1, 16384, 143771, "1g.18gb"), (2, 33280, 143771, "2g.35gb"), (3, 71424, 143771, "3g.71gb"),
      (1, 22528, 183359, "1g.23gb"), (7, 81152, 81559, "7g.80gb"),
    ])
  func reckoned(slices: UInt64, memory: UInt64, total: UInt64, name: String) {
    #expect(
      MIGNames.reckoned(slices: slices, memoryMiB: memory, totalBytes: total << 20) == name)
  }

  static func inventory(_ gpus: [GPUEntry]) -> NodeInventory {
    var tree = FileTree(root: "/nonexistent")
    return NodeInventory(
      host: HostProbe.identity(from: &tree), capacity: HostProbe.capacity(from: &tree),
      nvml: .notAsked, gpus: gpus, cpuProfile: .notChecked, notes: [], sources: [],
      elapsedNanoseconds: 0)
  }
}
