import ProbeFakes
import Testing

@testable import HardwareProbe

/// A fake library, asked in this process.
enum FakeDriver {
  /// The record of a library that plays `configuration`.
  static func record(
    _ configuration: String, edition: FakeNVML.Edition = .current
  ) throws -> NVMLRecord {
    let library = try #require(
      FakeNVML(configuration, edition: edition), "the fake library is not built")
    return withExtendedLifetime(library) {
      NVMLReader.record([library.path], isPrivileged: false)
    }
  }

  /// Its GPUs, folded with the profiles of this repository.
  static func gpus(
    _ configuration: String, edition: FakeNVML.Edition = .current
  ) throws -> [GPUEntry] {
    let catalogue = try ProfileCatalogue(directory: ProfileTests.directory)
    let record = try record(configuration, edition: edition)
    return GPUFolding.entries(of: record, catalogue: catalogue).gpus
  }

  /// A sound H100; more keys may follow, since the last of equal keys counts.
  static func h100(_ index: Int, _ more: String = "") -> String {
    """
    [gpu \(index)]
    name = NVIDIA H100 80GB HBM3
    memory_total = 81559 MiB
    memory_reserved = 551 MiB
    memory_used = 1 GiB
    compute_capability = 9.0
    architecture = hopper
    pci_device_id = 0x233010DE
    \(more)

    """
  }

  /// A kind of GPU instance of an H100.
  static func profile(_ number: Int, id: Int, _ name: String, memory: Int) -> String {
    """
    [gpu 0 profile \(number)]
    id = \(id)
    name = MIG \(name)
    slices = \(name.prefix(1))
    instances = 7
    multiprocessors = 16
    memory_mb = \(memory)
    placements = 0:1,1:1

    """
  }

  /// A MIG device and its GPU instance.
  static func mig(
    _ position: Int, instance: Int, id: Int, _ name: String, memory: Int, at place: String
  ) -> String {
    """
    [gpu 0 mig \(position)]
    gi = \(instance)
    ci = 0
    profile = \(name)
    memory_total = \(memory) MiB
    multiprocessors = 16
    gi_slices = \(name.prefix(1))
    ci_slices = \(name.prefix(1))
    [gpu 0 gi \(instance)]
    profile = \(id)
    placement = \(place)

    """
  }
}
