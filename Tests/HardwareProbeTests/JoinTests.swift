import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite("NVML and the kernel, joined")
struct JoinTests {
  private let running = NVMLStatus.running(path: "l", driverVersion: nil, nvmlVersion: nil)

  private func device(_ bus: String, driver: String? = "nvidia") -> KernelDevice {
    var device = KernelDevice(
      address: PCIAddress(bus), vendor: .nvidia, identity: PCIIdentity("10de:2330"),
      state: KernelDeviceReader.state(.nvidia, driver: driver))
    device.kernelDriver = driver
    device.numaNode = 1
    return device
  }

  private func join(
    _ gpus: [GPUEntry], _ kernel: [KernelDevice], status: NVMLStatus? = nil,
    platform: HostPlatform = .standard
  ) throws -> [GPUEntry] {
    let catalogue = try ProfileCatalogue(directory: ProfileTests.directory)
    return GPUJoin(status: status ?? running, catalogue: catalogue, platform: platform)
      .joined(gpus, kernel)
  }

  private func told(_ index: Int, bus: String?) -> GPUEntry {
    var gpu = GPUEntry(
      index: index, uuid: bus.map { "GPU-\($0)" }, name: bus == nil ? nil : "NVIDIA H200",
      memory: nil, state: bus == nil ? .unusable(reason: "GPU is lost") : .usable,
      profile: .notChecked)
    gpu.pciBusID = bus
    return gpu
  }

  @Test("the same place is the same GPU, however the domain is written")
  func place() throws {
    let gpus = try join([told(0, bus: "00000000:1B:00.0")], [device("0000:1b:00.0")])
    #expect(gpus.count == 1)
    #expect(gpus[0].numaNode == 1 && gpus[0].pci?.text == "10de:2330")
    #expect(gpus[0].source == .nvml)
  }

  @Test("a lost GPU is known by elimination, and only then")
  func lost() throws {
    let kernel = [device("0000:1b:00.0"), device("0000:43:00.0")]
    let one = try join([told(0, bus: nil), told(1, bus: "00000000:43:00.0")], kernel)
    #expect(one.count == 2)
    #expect(one[0].pciBusID == "00000000:1B:00.0" && one[0].profile.name == "h100-sxm-80gb")
    #expect(one[0].state.reason == "GPU is lost")
    let two = try join([told(0, bus: nil)], kernel)
    #expect(two.count == 3)
    #expect(two[0].pciBusID == nil)
    #expect(two.map(\.index) == [0, 1, 2])
  }

  @Test("a GPU that only the kernel shows is present and not usable")
  func kernelOnly() throws {
    let kernel = [device("0000:1b:00.0"), device("0000:43:00.0", driver: nil)]
    let gpus = try join([], kernel, status: .noLibrary(reason: "not found"))
    #expect(gpus.map(\.source) == [.sysfs, .sysfs])
    #expect(gpus[0].state == .unusable(reason: "no NVML library: not found"))
    #expect(gpus[1].state == .unusable(reason: "no kernel driver is bound to it"))
    #expect(try join([], kernel)[0].state.word == "not_permitted")
    let late = try join([], kernel, status: .late(deadlineMilliseconds: 5))
    #expect(late[0].state.word == "unknown")
    let unasked = try join([], kernel, status: .askerFailed(reason: "it died"))
    #expect(unasked[0].state == .unknown(reason: "the driver could not be asked: it died"))
  }

  @Test("memory that is the host's is not the GPU's too")
  func unified() throws {
    var gpu = told(0, bus: "00000000:01:00.0")
    gpu.name = "Orin (nvgpu)"
    gpu.profile = .matched(profile: "orin-agx-64g", rule: .nvmlName)
    gpu.memory = GPUMemory(totalBytes: 64 << 30, usedBytes: nil, reservedBytes: nil)
    let gpus = try join([gpu], [], platform: .tegra)
    #expect(gpus[0].sharesHostMemory && gpus[0].memory == nil && gpus[0].isOfferable)
    var inventory = MIGTests.inventory(gpus)
    inventory.capacity.memoryBytes = 60 << 30
    let offered = inventory.gpuOffers.reduce(0) { $0 + $1.memoryBytes }
    #expect(offered == 30 << 30 && inventory.hostMemoryOffered == 30 << 30)
  }

  @Test("every described node can be looked at")
  func described() throws {
    let catalogue = try ProfileCatalogue(directory: ProfileTests.directory)
    let folder = ProfileTests.directory + "/nodes"
    let files = try #require(Syscalls.listDirectory(folder, limit: 100))
    for file in files where file.hasSuffix(".json") {
      let path = "\(folder)/\(file)"
      guard case .text(let text) = Syscalls.readFile(path, limit: 1 << 20) else { continue }
      let shape = try NodeShape(json: text, file: path)
      let inventory = Probe.describe(shape, catalogue: catalogue, source: path)
      #expect(inventory.gpus.count == shape.gpus.count, "\(file)")
      #expect(inventory.capacity.cpuMilli == UInt64(shape.host.logicalCPUs) * 1000, "\(file)")
      #expect(
        Set(inventory.gpus.compactMap(\.uuid)).count == inventory.gpus.compactMap(\.uuid).count)
      for (gpu, described) in zip(inventory.gpus, shape.gpus) where gpu.state == .usable {
        #expect(gpu.profile.name == described.profile, "\(file)")
        #expect(gpu.numaNode == described.numaNode, "\(file)")
      }
    }
  }
}
