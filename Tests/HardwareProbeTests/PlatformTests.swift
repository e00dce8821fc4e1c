import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite("The kind of machine")
struct PlatformTests {
  private func platform(_ files: [String: String]) -> HostPlatform {
    let machine = FakeMachine(files)
    var tree = FileTree(root: machine.root)
    // A tree has nothing to load: the loader of the machine that reads it must not be asked.
    return withExtendedLifetime(machine) {
      HostPlatform.read(from: &tree) { _ in
        Issue.record("the loader was asked for a tree")
        return true
      }
    }
  }

  @Test(
    "a tree is of the machine that its files tell",
    arguments: [
      ("/usr/lib/wsl/lib/libdxcore.so", "x", HostPlatform.wsl),
      ("/usr/lib/x86_64-linux-gnu/libdxcore.so", "x", .wsl),
      ("/usr/lib/wsl/lib/libdxcore.so.bak", "x", .standard),
      ("/usr/lib/wsl/drivers/libdxcore.so", "x", .standard),
      ("/etc/nv_tegra_release", "# R35 (release)", .tegra),
      ("/sys/devices/soc0/family", "Tegra\n", .tegra),
      ("/sys/devices/soc0/family", "jep106:0426\n", .standard),
    ])
  func tree(path: String, text: String, expected: HostPlatform) {
    #expect(platform([path: text]) == expected)
  }

  @Test("a Tegra is one whatever else lies about")
  func order() {
    let files = ["/etc/nv_tegra_release": "R36", "/usr/lib/wsl/lib/libdxcore.so": "x"]
    #expect(platform(files) == .tegra)
  }

  @Test("on the running machine the loader decides, the path of WSL before the plain name")
  func live() {
    var asked: [String] = []
    var tree = FileTree(root: "/")
    let isTegra = HostPlatform.isTegra(&tree)
    let found = HostPlatform.read(from: &tree) {
      asked = $0
      return true
    }
    #expect(found == (isTegra ? .tegra : .wsl))
    #expect(isTegra || asked == ["/usr/lib/wsl/lib/libdxcore.so", "libdxcore.so"])
    #expect(isTegra || HostPlatform.read(from: &tree) { _ in false } == .standard)
    #expect(Syscalls.canLoad("libc.so.6") && !Syscalls.canLoad("/nowhere/libdxcore.so"))
  }

  @Test("document and screen of a tree of WSL say so")
  func shown() {
    let machine = FakeMachine.plain()
    machine.write("x", to: "/usr/lib/wsl/lib/libdxcore.so")
    let inventory = Probe.run(.init(root: machine.root, nvml: .none))
    #expect(inventory.platform == .wsl)
    #expect(inventory.json().contains("\"platform\": \"wsl\""))
    #expect(inventory.table().contains("   platform wsl   "))
    #expect(!Probe.run(.init(root: FakeMachine.plain().root, nvml: .none)).table().contains("wsl"))
  }

  @Test(
    "names of integrated GPUs are believed before a profile of memory",
    arguments: [
      ("Orin (nvgpu)", true), ("NVIDIA Thor", true), ("NVIDIA Thor T5000", true),
      ("NVIDIA H200", false), ("nvgpu", false), ("Thor", false),
    ])
  func integrated(name: String, isIntegrated: Bool) throws {
    let catalogue = try ProfileCatalogue(directory: ProfileTests.directory)
    let own = try #require(catalogue.profile(named: "a10-24g"))
    #expect(own.memoryKind == .own)
    for profile in [nil, own] {
      #expect(
        UnifiedMemory.isShared(name: name, profile: profile, platform: .standard) == isIntegrated)
    }
  }

  @Test("a Thor without a platform's file and its host are one pool of memory")
  func thor() throws {
    let library = try #require(
      FakeNVML(
        "[gpu 0]\nname = NVIDIA Thor\ncompute_capability = 11.0\nmemory_total = 122 GiB\n"
          + "memory_used = 1 GiB\n"), "the fake library is not built")
    let machine = FakeMachine.plain()
    let inventory = withExtendedLifetime(library) {
      Probe.run(.init(root: machine.root, nvml: .library(path: library.path)))
    }
    #expect(inventory.platform == .standard)
    #expect(inventory.gpus.map(\.sharesHostMemory) == [true])
    #expect(inventory.gpus[0].memory == nil && inventory.gpus[0].state == .usable)
  }
}
