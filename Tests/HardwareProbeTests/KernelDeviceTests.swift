import Glibc
import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite struct KernelDeviceTests {
  static let h100 = "0000:1b:00.0"

  /// Writes the files of a PCI function.
  private func add(_ files: [String: String], at address: String, to machine: FakeMachine) {
    for (name, text) in files {
      machine.write(text + "\n", to: "\(KernelDeviceReader.pciDirectory)/\(address)/\(name)")
    }
  }

  private func read(_ machine: FakeMachine) throws -> [KernelDevice] {
    let catalogue = try ProfileCatalogue(directory: ProfileTests.directory)
    var tree = FileTree(root: machine.root)
    return withExtendedLifetime(machine) {
      KernelDeviceReader.readAll(from: &tree, catalogue: catalogue)
    }
  }

  @Test func aGPUWithoutDriverIsPresentAndUnusable() throws {
    let machine = FakeMachine()
    add(
      [
        "class": "0x030200", "vendor": "0x10de", "device": "0x2330", "subsystem_vendor": "0x10de",
        "subsystem_device": "0x16c1", "numa_node": "-1", "local_cpulist": "0-3",
      ], at: Self.h100, to: machine)
    // Its audio function, a switch, a BMC's screen and a bridge are no GPUs.
    add(
      ["class": "0x040300", "vendor": "0x10de", "device": "0x10fa"], at: "0000:1b:00.1", to: machine
    )
    add(
      ["class": "0x068000", "vendor": "0x10de", "device": "0x22a3"], at: "0000:05:00.0", to: machine
    )
    add(
      ["class": "0x030000", "vendor": "0x1a03", "device": "0x2000"], at: "0000:02:00.0", to: machine
    )
    add(
      ["class": "0x060400", "vendor": "0x8086", "device": "0x352a"], at: "0000:00:01.0", to: machine
    )
    let devices = try read(machine)
    let device = try #require(devices.first)
    #expect(devices.count == 1)
    #expect(device.address?.nvmlForm == "00000000:1B:00.0")
    #expect(device.state == .unusable(reason: "no kernel driver is bound to it"))
    #expect(device.profile == .matched(profile: "h100-sxm-80gb", rule: .pciSubsystem))
    #expect(device.numaNode == nil)
    #expect(device.localCPUs?.list == "0-3")
    #expect(device.memoryTotalBytes == nil)
  }

  @Test(arguments: [
    ("nvidia", "10de:2330", nil), ("amdgpu", "1002:73bf", "tells no memory"),
    ("vfio-pci", "10de:2330", "virtual machine"), ("nouveau", "10de:2330", "cannot compute"),
    ("xe", "8086:0bd5", nil), ("nvidia", "8086:0bd5", "cannot compute"),
  ])
  func theDriverDecides(driver: String, identity: String, words: String?) throws {
    let machine = FakeMachine()
    // All that a text capture keeps of links: the uevent file.
    let uevent = """
      DRIVER=\(driver)
      PCI_CLASS=30200
      PCI_ID=\(identity.uppercased())
      PCI_SLOT_NAME=\(Self.h100)
      """
    add(["uevent": uevent], at: Self.h100, to: machine)
    let device = try #require(try read(machine).first)
    #expect(device.kernelDriver == driver)
    #expect(device.identity?.device.text == identity)
    #expect((device.state.reason == nil) == (words == nil))
    #expect(device.state.reason?.contains(words ?? "") ?? true)
  }

  @Test func theDriverLinkIsRead() throws {
    let machine = FakeMachine()
    add(["class": "0x030200", "vendor": "0x10de", "device": "0x20b0"], at: Self.h100, to: machine)
    let path = "\(machine.root)\(KernelDeviceReader.pciDirectory)/\(Self.h100)"
    #expect(symlink("../../../bus/pci/drivers/nvidia", "\(path)/driver") == 0)
    #expect(try read(machine).first?.kernelDriver == "nvidia")
    // A virtual function is a part of its parent.
    #expect(symlink("../0000:1a:00.0", "\(path)/physfn") == 0)
    #expect(try read(machine).isEmpty)
  }

  @Test func amdTellsMemoryAndLoad() throws {
    let machine = FakeMachine()
    add(
      [
        "class": "0x120000", "vendor": "0x1002", "device": "0x74a1", "numa_node": "1",
        "uevent": "DRIVER=amdgpu", "mem_info_vram_total": "206141652992",
        "mem_info_vram_used": "297193472", "gpu_busy_percent": "37",
        "unique_id": "a1b2c3d4e5f60718", "product_name": "AMD Instinct MI300X OAM",
      ], at: "0000:05:00.0", to: machine)
    machine.write(
      "simd_count 1216\ngfx_target_version 90402\nlocation_id 1280\ndomain 0\n",
      to: "\(KFDNode.directory)/1/properties")
    machine.write(
      "cpu_cores_count 96\ngfx_target_version 0\n", to: "\(KFDNode.directory)/0/properties")
    let device = try #require(try read(machine).first)
    #expect(device.state == .usable)
    #expect(device.memoryTotalBytes == 206_141_652_992)
    #expect(device.memoryUsedBytes == 297_193_472)
    #expect(device.busyPercent == 37)
    #expect(device.uniqueID == "a1b2c3d4e5f60718")
    #expect(device.numaNode == 1)
    #expect(device.computeCapability == "gfx942")
    #expect(device.profile == .matched(profile: "mi300x", rule: .pciDevice))
    // A partition of one is not priced as the whole.
    add(["mem_info_vram_total": "25767706624"], at: "0000:05:00.0", to: machine)
    #expect(try read(machine).first?.profile.name == nil)
  }

  @Test func cardsAreFoundWithoutTheBus() throws {
    let machine = FakeMachine()
    let card = "/sys/class/drm/card1/device"
    machine.write("0x1002\n", to: "\(card)/vendor")
    machine.write("0x740c\n", to: "\(card)/device")
    machine.write("0x038000\n", to: "\(card)/class")
    machine.write("DRIVER=amdgpu\nPCI_SLOT_NAME=0000:c1:00.0\n", to: "\(card)/uevent")
    machine.write("68702699520\n", to: "\(card)/mem_info_vram_total")
    let device = try #require(try read(machine).first)
    #expect(device.address?.kernelForm == "0000:c1:00.0")
    #expect(device.profile.name == "mi250x")
  }

  @Test func intelTellsNoMemory() throws {
    let machine = FakeMachine()
    add(
      ["class": "0x038000", "vendor": "0x8086", "device": "0x0bd5", "uevent": "DRIVER=i915"],
      at: "0000:29:00.0", to: machine)
    let device = try #require(try read(machine).first)
    #expect(device.state == .usable)
    #expect(device.memoryTotalBytes == nil)
    #expect(device.profile.name == "max-1550")
  }

  @Test func theDriversOwnFilesNameWhatTheBusDoesNot() throws {
    let machine = FakeMachine()
    let entry = "\(NVIDIAProcEntry.directory)/0004:05:00.0"
    machine.write(
      "Model: \t\t Tesla V100-SXM2-16GB\nIRQ:  480\nGPU UUID: \t GPU-11112222-3333-4444-5555\n",
      to: "\(entry)/information")
    machine.write(
      "Node:      255\nStatus:    online\nSize:      3f0000000\n", to: "\(entry)/numa_status")
    // A capture that kept class and near CPUs only.
    add(["class": "0x030200", "local_cpus": "0000,0000ffff"], at: "0004:05:00.0", to: machine)
    let lost = "\(NVIDIAProcEntry.directory)/0004:06:00.0"
    machine.write("Model: Unknown\nGPU UUID: GPU-????????-????\n", to: "\(lost)/information")
    let devices = try read(machine)
    #expect(devices.count == 2)
    #expect(devices.first?.profile == .matched(profile: "v100-sxm2-16g", rule: .nvmlName))
    #expect(devices.first?.uuid == "GPU-11112222-3333-4444-5555")
    #expect(devices.first?.memoryNode == 255)
    #expect(devices.first?.localCPUs?.list == "0-15")
    #expect(devices.last?.uuid == nil)
    #expect(devices.last?.profile.name == nil)
  }

  @Test func aTegraSharesTheMemoryOfTheHost() throws {
    let machine = FakeMachine()
    machine.write("Tegra\n", to: "/sys/devices/soc0/family")
    machine.write("NVIDIA Jetson AGX Orin Developer Kit\u{0}", to: "/proc/device-tree/model")
    let device = try #require(try read(machine).first)
    #expect(device.address == nil)
    #expect(device.memoryKind == .unified)
    #expect(device.state.reason != nil)
    #expect(device.name?.contains("Orin") == true)
  }

  @Test func unifiedMemoryIsTold() throws {
    let catalogue = try ProfileCatalogue(directory: ProfileTests.directory)
    let gb10 = catalogue.profile(named: "gb10")
    let h100 = catalogue.profile(named: "h100-sxm-80gb")
    #expect(UnifiedMemory.isShared(name: nil, profile: gb10, platform: .standard))
    #expect(!UnifiedMemory.isShared(name: nil, profile: h100, platform: .standard))
    #expect(UnifiedMemory.isShared(name: "Orin (nvgpu)", profile: nil, platform: .standard))
    #expect(UnifiedMemory.isShared(name: nil, profile: nil, platform: .tegra))
    #expect(!UnifiedMemory.isShared(name: "NVIDIA H300", profile: nil, platform: .standard))
  }
}

@Suite struct PCITests {
  @Test(arguments: [
    ("00000000:1B:00.0", "0000:1b:00.0"), ("10000:e1:1f.7", "10000:e1:1f.7"),
    ("0035:04:00.0", "0035:04:00.0"),
  ])
  func places(text: String, kernel: String) {
    #expect(PCIAddress(text)?.kernelForm == kernel)
    #expect(PCIAddress(kernel) == PCIAddress(text))
  }

  @Test(arguments: [
    "", "1B:00.0", "0000:1b:20.0", "0000:1b:00.8", "0000:1b:00", "000000000:1b:00.0",
    "g000:1b:00.0",
    "0000:1b:00.0.0", "0000:1b:00:0",
  ])
  func noPlaces(text: String) { #expect(PCIAddress(text) == nil) }

  @Test func nvmlWordsAreIdentities() {
    let identity = PCIIdentity(nvmlDevice: 0x2330_10DE, nvmlSubsystem: 0x16C1_10DE)
    #expect(identity.text == "10de:2330/10de:16c1")
    #expect(PCIIdentity("10DE:2330/10DE:16C1") == identity)
    #expect(PCIIdentity(nvmlDevice: 0x2330_10DE, nvmlSubsystem: 0).text == "10de:2330")
  }

  @Test(arguments: [
    ("0000,0000ffff", "0-15"), ("f", "0-3"), ("1,00000000,00000000", "64"), ("0", ""),
  ])
  func masks(text: String, list: String) { #expect(CPUSet(words: text)?.list == list) }

  @Test(arguments: ["", "x", "1,,2", "123456789", "0x1"])
  func noMasks(text: String) { #expect(CPUSet(words: text) == nil) }

  @Test func amdVersions() {
    #expect(KFDNode.capability(90_402) == "gfx942")
    #expect(KFDNode.capability(90_010) == "gfx90a")
    #expect(KFDNode.capability(110_000) == "gfx1100")
    #expect(KFDNode.capability(0) == nil)
    #expect(KFDNode.capability(.max) == nil)
  }
}
