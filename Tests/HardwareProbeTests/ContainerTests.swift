import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite("What a container is shown")
struct ContainerTests {
  @Test(
    "NVIDIA_VISIBLE_DEVICES",
    arguments: [
      ("all", VisibleDevices.all), ("", .all), (" , ", .all), ("0,all", .all),
      ("void", .nothing), ("none", .nothing), (" none ", .nothing),
      ("0", .these(["0"])), ("0,3", .these(["0", "3"])), ("0:1", .these(["0:1"])),
      ("GPU-5d1c2f3a,MIG-1a2b", .these(["GPU-5d1c2f3a", "MIG-1a2b"])),
      ("void,0", .these(["void", "0"])),
    ])
  func visible(text: String, expected: VisibleDevices) {
    #expect(VisibleDevices(text) == expected)
  }

  @Test("it is remarked on only when it hides something")
  func words() {
    #expect(VisibleDevices("all").words == nil)
    #expect(
      VisibleDevices("void").words
        == "NVIDIA_VISIBLE_DEVICES asks for no GPU: in a container NVML shows none")
    #expect(VisibleDevices("3").words?.contains(" asks for 1 device: ") == true)
    #expect(VisibleDevices("0,1").words?.contains(" asks for 2 devices: ") == true)
  }

  @Test("a GPU of another number is the same by its UUID; one that is hidden is somebody else's")
  func renumbered() throws {
    let catalogue = try ProfileCatalogue(directory: ProfileTests.directory)
    // The host has two; the container is shown the second, as its first.
    let host = FakeMachine.plain()
    for (number, bus) in ["0000:1b:00.0", "0000:43:00.0"].enumerated() {
      host.write(
        "Model: \t\t NVIDIA H100 80GB HBM3\nGPU UUID: \t GPU-host-\(number)\n"
          + "Device Minor: \t \(number)\n",
        to: "/proc/driver/nvidia/gpus/\(bus)/information")
    }
    let library = try #require(
      FakeNVML(FakeDriver.h100(0, "uuid = GPU-host-1\nbus_id = 43:00.0\nminor_number = 1")),
      "the fake library is not built")
    let inventory = withExtendedLifetime((library, host)) {
      Probe.run(
        .init(root: host.root, nvml: .library(path: library.path), catalogue: catalogue))
    }
    #expect(inventory.gpus.map(\.uuid) == ["GPU-host-1", "GPU-host-0"])
    #expect(inventory.gpus.map(\.index) == [0, 1])
    #expect(inventory.gpus.map(\.state.word) == ["usable", "not_permitted"])
    #expect(inventory.gpuOffers.map(\.uuid) == ["GPU-host-1"])
  }

  static let minors = """
    config 1
    monitor 2
    gpu0/gi3/access 30
    gpu0/gi3/ci0/access 31
    gpu0/gi3/ci1/access 32
    gpu1/gi3/access 165
    gpu1/gi3/ci0/access 166
    gpu1/gi4/ci0/access 175

    """

  @Test("mig-minors: the files of a GPU instance and of its compute instance")
  func files() {
    let minors = MIGMinors(Self.minors)
    func files(_ gpu: Int, _ instance: UInt32, _ compute: UInt32) -> [String]? {
      minors.files(gpu: gpu, instance: instance, compute: compute)
    }
    #expect(files(0, 3, 1) == ["/dev/nvidia-caps/nvidia-cap30", "/dev/nvidia-caps/nvidia-cap32"])
    #expect(files(1, 3, 0) == ["/dev/nvidia-caps/nvidia-cap165", "/dev/nvidia-caps/nvidia-cap166"])
    #expect(files(1, 4, 0) == nil, "without the GPU instance's file the other is of no use")
    #expect(files(0, 3, 2) == nil && files(2, 3, 0) == nil)
  }

  @Test(
    "lines that are none of mig-minors say nothing",
    arguments: [
      "", "gpu0/gi3/access", "gpu0/gi3/access x", "gpu0/gi3/access -1", "gpu0/gi3/access 1 2",
      "gpu0/gi3 30", "gpu/gi3/access 30", "gpu0/gix/access 30", "gi3/gpu0/access 30",
      "gpu0/gi3/ci0/x/access 30", "gpu0//access 30", "access 30",
      "gpu0/gi3/access 99999999999999999999",
    ])
  func malformed(line: String) {
    #expect(MIGMinors(line + "\n") == MIGMinors(""))
  }

  @Test("a MIG device has the files of its GPU's minor number, not of its index")
  func filled() throws {
    let machine = FakeMachine.plain()
    machine.write(Self.minors, to: MIGMinors.path)
    func probe(_ minor: Int) throws -> [MIGInstance] {
      let library = try #require(
        FakeNVML(
          FakeDriver.h100(0, "mig_mode = on\nmig_max_devices = 2\nminor_number = \(minor)")
            + FakeDriver.mig(0, instance: 3, id: 19, "1g.10gb", memory: 9984, at: "0:1")),
        "the fake library is not built")
      return withExtendedLifetime(library) {
        Probe.run(.init(root: machine.root, nvml: .library(path: library.path)))
          .gpus[0].mig.instances ?? []
      }
    }
    let files = ["/dev/nvidia-caps/nvidia-cap165", "/dev/nvidia-caps/nvidia-cap166"]
    #expect(try probe(1).map(\.files) == [files])
    #expect(try probe(5).map(\.files) == [nil])
    machine.delete(MIGMinors.path)
    #expect(try probe(1).map(\.files) == [nil])
  }
}
