import ProbeFakes
import Testing

@testable import HardwareProbe

/// The probe against a fake library of which every copy is a machine of its own.
@Suite struct GPUTests {
  static let h200 = """
    name = NVIDIA H200
    memory_total = 150754820096
    memory_reserved = 643825664
    memory_used = 1073741824
    """

  private func ask(_ configuration: String) throws -> NodeInventory {
    let library = try #require(FakeNVML(configuration), "libFakeNVML.so is not built")
    let machine = FakeMachine.plain()
    let catalogue = try ProfileCatalogue(directory: ProfileTests.directory)
    return withExtendedLifetime((library, machine)) {
      Probe.run(
        Probe.Options(
          root: machine.root, nvml: .library(path: library.path), catalogue: catalogue))
    }
  }

  @Test func aHealthyMachine() throws {
    let inventory = try ask(
      "[driver]\ndriver_version = 570.1\n"
        + "[gpu 0]\n\(Self.h200)\nuuid = GPU-a\n[gpu 1]\n\(Self.h200)\n"
    )
    guard case .running(_, let driver, let library) = inventory.nvml else {
      Issue.record("NVML does not run: \(inventory.nvml)")
      return
    }
    #expect(driver == "570.1")
    #expect(library == "12.550.90.07")
    #expect(inventory.sources == ["nvml", "/proc", "/sys"])
    #expect(inventory.gpus.count == 2)
    let gpu = inventory.gpus[0]
    #expect(gpu.index == 0 && gpu.uuid == "GPU-a" && gpu.name == "NVIDIA H200")
    #expect(
      gpu.memory
        == GPUMemory(
          totalBytes: 150_754_820_096, usedBytes: 1_073_741_824, reservedBytes: 643_825_664))
    #expect(gpu.state == .usable && gpu.source == .nvml && gpu.vendor == "nvidia")
    #expect(gpu.profile == .matched(profile: "h200-141g", rule: .nvmlName))
    #expect(inventory.gpus[1].uuid == "GPU-00000000-0000-0000-0000-000000000001")
    #expect(inventory.offerableGPUs.count == 2)
  }

  /// A line of GPU 0's section, and what its entry must say; GPU 1 must not notice.
  static let faults: [(String, GPUState)] = [
    ("handle = 15", .unusable(reason: "GPU is lost (NVML code 15)")),
    ("handle = 4", .notPermitted(reason: "no permission (NVML code 4)")),
    ("handle = 999", .unusable(reason: "unknown error (NVML code 999)")),
    ("handle = 12345", .unusable(reason: "unknown error (NVML code 12345)")),
    ("GetName = 15", .unusable(reason: "GPU is lost (NVML code 15)")),
    ("GetUUID = 16", .unusable(reason: "GPU needs a reset (NVML code 16)")),
    ("GetUUID = 4", .unusable(reason: "UUID: no permission (NVML code 4)")),
    ("GetUUID = 3", .unusable(reason: "no UUID: not supported (NVML code 3)")),
    ("GetMemoryInfo_v2 = 28", .unusable(reason: "GPU not found (NVML code 28)")),
    ("GetMemoryInfo_v2 = 10", .unknown(reason: "memory: timeout in the driver (NVML code 10)")),
    (
      "GetMemoryInfo_v2 = 3\nGetMemoryInfo = 15",
      .unusable(reason: "GPU is lost (NVML code 15)")
    ),
    ("memory_total = 0", .unusable(reason: "NVML reports no memory")),
    (
      "memory_used = 999999999999999",
      .unusable(reason: "NVML reports more memory used than there is")
    ),
    ("GetName = 3", .usable),
    ("GetName = 4", .usable),
    ("GetMemoryInfo_v2 = 3", .usable),
    ("GetMemoryInfo_v2 = 25", .usable),
    ("GetMemoryInfo_v2 = 3\nGetMemoryInfo = 3", .usable),
  ]

  @Test(arguments: faults) func oneBadGPUIsOneEntry(line: String, state: GPUState) throws {
    let inventory = try ask("[gpu 0]\n\(Self.h200)\n\(line)\n[gpu 1]\n\(Self.h200)\n")
    try #require(inventory.gpus.count == 2)
    #expect(inventory.gpus[0].state == state)
    #expect(inventory.gpus[1].isOfferable)
    #expect(inventory.capacity.cpuMilli == 8000)
  }

  @Test func olderMemoryCallCountsTheDriversPartAsUsed() throws {
    let inventory = try ask("[gpu 0]\n\(Self.h200)\nGetMemoryInfo_v2 = 13\n")
    #expect(inventory.gpus[0].memory?.usedBytes == 1_073_741_824 + 643_825_664)
    #expect(inventory.gpus[0].memory?.reservedBytes == nil)
  }

  @Test func aGapInTheIndicesIsOneBadEntry() throws {
    let inventory = try ask("[gpu 0]\n\(Self.h200)\n[gpu 2]\n\(Self.h200)\n")
    #expect(inventory.gpus.map(\.state.word) == ["usable", "unusable", "usable"])
    #expect(inventory.gpus[1].state.reason == "invalid argument (NVML code 2)")
  }

  @Test func twinsAreNotBothOffered() throws {
    let inventory = try ask(
      "[gpu 0]\n\(Self.h200)\nuuid = GPU-a\n[gpu 1]\n\(Self.h200)\nuuid = GPU-a\n")
    #expect(inventory.gpus[1].state == .unusable(reason: "same UUID as GPU 0"))
    #expect(inventory.offerableGPUs.count == 1)
  }

  @Test func anAbsurdCountIsBounded() throws {
    let inventory = try ask("[driver]\ncount = 4000000000\n[gpu 0]\n\(Self.h200)\n")
    #expect(inventory.gpus.count == ProbeLimits.gpus)
    #expect(inventory.offerableGPUs.count == 1)
    #expect(inventory.notes.contains { $0.hasPrefix("NVML counts 4000000000 GPUs") })
  }

  @Test func namesCannotReachTheTerminal() throws {
    let inventory = try ask("[gpu 0]\n\(Self.h200)\nname = evil\u{1B}]0;x\u{7}\n")
    #expect(inventory.gpus[0].name == "evil?]0")
    #expect(!inventory.table().contains("\u{1B}"))
  }

  /// Codes of init, and the words for them. CPUs are offered all the same.
  @Test(arguments: [
    (9, "driver not loaded (NVML code 9)"),
    (
      18,
      "driver and library versions differ (NVML code 18); load the driver anew or boot: it was"
        + " upgraded while it ran"
    ),
    (
      999,
      "unknown error (NVML code 999); in a container make the container anew, it may have lost its"
        + " device rules"
    ),
    (4, "no permission (NVML code 4)"),
  ])
  func initFails(code: Int32, words: String) throws {
    let inventory = try ask("[driver]\ninit = \(code)\n[gpu 0]\n\(Self.h200)\n")
    guard case .driverFailed(_, code, words) = inventory.nvml else {
      Issue.record("\(inventory.nvml)")
      return
    }
    #expect(inventory.gpus.isEmpty)
    #expect(inventory.capacity.cpuMilli == 8000)
    #expect(inventory.sources == ["/proc", "/sys"])
    #expect(inventory.table().contains("no GPUs: \(words)"))
  }

  @Test(arguments: [2, 3, 13]) func initStepsDown(code: Int) throws {
    let inventory = try ask("[driver]\nnvmlInitWithFlags = \(code)\n[gpu 0]\n\(Self.h200)\n")
    #expect(inventory.offerableGPUs.count == 1)
  }

  @Test func countFails() throws {
    let inventory = try ask("[driver]\nGetCount = 999\n[gpu 0]\n\(Self.h200)\n")
    #expect(inventory.nvml.reason == "GPUs cannot be counted: unknown error (NVML code 999)")
    #expect(inventory.gpus.isEmpty)
  }

  @Test func noGPUs() throws {
    let inventory = try ask("[driver]\n")
    #expect(inventory.nvml.word == "running")
    #expect(inventory.gpus.isEmpty)
    #expect(inventory.table().contains("no GPUs: NVML counts none"))
  }

  @Test func theConfigurationIsReadAgain() throws {
    let library = try #require(FakeNVML("[driver]\ninit = 9\n"))
    withExtendedLifetime(library) {
      let options = Probe.Options(nvml: .library(path: library.path))
      #expect(Probe.run(options).nvml.word == "driver_failed")
      library.configure("[gpu 0]\n\(Self.h200)\n")
      #expect(Probe.run(options).gpus.count == 1)
    }
  }

  @Test func everyCodeHasAClass() {
    for code in Int32(-1)...40 { #expect(!NVMLReturn(code: code).description.isEmpty) }
    #expect(NVMLReturn(code: -1).meaning == .absent)
    #expect(NVMLReturn(code: 0).meaning == .ok)
    #expect(NVMLReturn(code: 9).meaning == .driverGone)
    #expect(NVMLReturn(code: 15).meaning == .deviceGone)
    #expect(NVMLReturn(code: 777).meaning == .unexpected)
  }
}
