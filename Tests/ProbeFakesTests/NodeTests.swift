import Foundation
import HardwareProbe
import ProbeFakes
import Testing

/// Every node shape of the repository as a fake node.
@Suite struct NodeTests {
  static let profiles = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "hardware-profiles")

  static let shapes: [String] = {
    let folder = profiles.appending(path: "nodes").path
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
  }()

  static func shape(_ name: String) throws -> NodeShape {
    let path = profiles.appending(path: "nodes/\(name).json")
    return try NodeShape(json: try String(contentsOf: path, encoding: .utf8), file: path.path)
  }

  static func catalogue() throws -> ProfileCatalogue {
    try ProfileCatalogue(directory: profiles.path)
  }

  @Test("a shape of this package by its name; a name that is none is an error that says the file")
  func byName() throws {
    let node = try FakeNode(shape: "dgx-h100", hostname: "a")
    #expect(node.hostname == "a")
    #expect(node.file.text.contains("[gpu 7]") && !node.file.text.contains("[gpu 8]"))
    let error = #expect(throws: ProfileErrors.self) { try FakeNode(shape: "no-such") }
    #expect(error?.messages.first?.contains("nodes/no-such.json: cannot be read") == true)
  }

  @Test func thereAreShapes() { #expect(Self.shapes.count >= 12) }

  /// What the shape says comes back through the probe.
  @Test(arguments: shapes) func comesBack(name: String) throws {
    let shape = try Self.shape(name)
    let catalogue = try Self.catalogue()
    let node = FakeNode(shape, catalogue: catalogue, hostname: "n1")
    let library = try #require(node.library(), "libFakeNVML.so is not built")
    let inventory = withExtendedLifetime((node, library)) {
      Probe.run(
        Probe.Options(
          root: node.machine.root, nvml: .library(path: library.path), catalogue: catalogue))
    }
    #expect(inventory.host.hostname == "n1")
    #expect(inventory.capacity.cpuMilli == UInt64(shape.host.logicalCPUs) * 1000)
    guard shape.driver != nil else {
      #expect(inventory.nvml.word == "driver_failed")
      return
    }
    let expected = shape.gpus.compactMap { gpu -> (String?, UInt64?)? in
      guard ["nvidia", "nvgpu"].contains(gpu.kernelDriver),
        let profile = catalogue.profile(named: gpu.profile)
      else { return nil }
      let memory = profile.memoryKind == .unified ? nil : gpu.memoryMiB ?? profile.memoryMiB
      return (profile.match.nvmlNames.first, memory)
    }
    // Those that only the kernel shows come behind.
    let told = inventory.gpus.filter { $0.source == .nvml }
    #expect(inventory.gpus.count == shape.gpus.count)
    #expect(told.map(\.name) == expected.map(\.0))
    #expect(told.map { $0.memory.map { $0.totalBytes >> 20 } } == expected.map(\.1))
    #expect(Set(told.map(\.uuid)).count == expected.count)
  }

  @Test func identifiersFollowFromTheName() throws {
    let shape = try Self.shape("dgx-h100")
    let catalogue = try Self.catalogue()
    let first = FakeNode(shape, catalogue: catalogue, hostname: "a")
    #expect(first.file == FakeNode(shape, catalogue: catalogue, hostname: "a").file)
    let uuid = try #require(first.file["gpu 0", "uuid"])
    #expect(uuid.wholeMatch(of: /GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/) != nil)
    let second = FakeNode(shape, catalogue: catalogue, hostname: "b")
    #expect(second.file["gpu 0", "uuid"] != uuid)
  }

  /// GPU instances, compute instances and the devices that they are.
  @Test func partitions() throws {
    let node = FakeNode(try Self.shape("a100-mig"), catalogue: try Self.catalogue())
    #expect(node.file["gpu 0", "mig_mode"] == "1")
    // The first instance is 3g.40gb in the upper half, with two compute instances.
    #expect(node.file["gpu 0 gi 1", "placement"] == "4:4")
    #expect(node.file["gpu 0 mig 0", "profile"] == "1c.3g.40gb")
    #expect(node.file["gpu 0 mig 1", "profile"] == "2c.3g.40gb")
    #expect(node.file["gpu 0 mig 1", "multiprocessors"] == "28")
    #expect(node.file["gpu 0 gi 1 ci 1", "placement"] == "1:2")
    #expect(node.file["gpu 0 profile 9", "name"] == "MIG 1g.20gb")
    // MIG is on and nothing is cut: no capacity.
    #expect(node.file["gpu 1", "mig_mode"] == "1")
    #expect(node.file["gpu 1 mig 0", "gi"] == nil)
    let library = try LoadedLibrary(node.file.text)
    try library.start()
    let mig = try #require(try library.migDevice(1, of: try library.gpu(0)).device)
    #expect(
      try library.text("nvmlDeviceGetName", mig) == (0, "NVIDIA A100-SXM4-80GB MIG 2c.3g.40gb"))
    #expect(try library.migDevice(0, of: try library.gpu(1)).code == 6)
  }

  @Test func linksLeadToTheOthers() throws {
    let node = FakeNode(try Self.shape("mixed"), catalogue: try Self.catalogue())
    let library = try LoadedLibrary(node.file.text)
    try library.start()
    let first = try library.gpu(0)
    let second = try library.gpu(1)
    let third = try library.gpu(2)
    let status = try library.symbol(
      "nvmlDeviceGetP2PStatus",
      (@convention(c) (Handle?, Handle?, Int32, UnsafeMutablePointer<UInt32>?) -> Int32).self)
    var answer: UInt32 = 99
    #expect(status(first, second, 2, &answer) == 0)
    #expect(answer == 0)
    #expect(status(first, third, 2, &answer) == 0)
    #expect(answer == 5)
    let state = try library.symbol("nvmlDeviceGetNvLinkState", LoadedLibrary.IndexedFill.self)
    let states = (UInt32(0)..<12).map { link -> UInt32 in
      var active: UInt32 = 9
      return state(first, link, &active) == 0 ? active : 99
    }
    #expect(states == [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    var active: UInt32 = 9
    #expect(state(first, 12, &active) == 2)
    #expect(state(third, 0, &active) == 3)
  }

  @Test func filesAreWrittenAsTheyAreRead() throws {
    var file = FakeFile()
    file["gpu 0", "name"] = " a;b#c\n\"d "
    file["gpu 0", "serial"] = "1"
    file["gpu 0", "serial"] = "2"
    file["gpu 0", "irq"] = "3"
    file["gpu 0", "irq"] = nil
    #expect(file.text == "[gpu 0]\nname = \" a;b#c  d \"\nserial = 2\n")
    let library = try LoadedLibrary(file.text)
    try library.start()
    #expect(try library.text("nvmlDeviceGetName", try library.gpu(0)) == (0, " a;b#c  d "))
    file.addProcess(FakeFile.Process(pid: 1, memoryBytes: nil, busyPercent: 50), to: 0)
    file.addProcess(FakeFile.Process(pid: 2, memoryBytes: 5, instance: (1, 0)), to: 0)
    #expect(file["gpu 0 process 1", "gi"] == "1")
    file.remove(section: "gpu 0")
    #expect(file == FakeFile())
  }
}
