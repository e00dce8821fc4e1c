import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite struct NVMLLocatorTests {
  @Test func theEnvironmentIsBelievedOnlyWithoutPrivilege() {
    let plain = NVMLLocator.candidates(
      explicit: nil, environment: "/home/me/lib.so", isPrivileged: false)
    #expect(plain.paths == ["/home/me/lib.so"])
    let root = NVMLLocator.candidates(
      explicit: nil, environment: "/home/me/lib.so", isPrivileged: true)
    #expect(root.paths.first == "libnvidia-ml.so.1")
    #expect(!root.paths.contains("/home/me/lib.so"))
    #expect(root.note == "POOL_NVML_LIBRARY not heeded in a privileged process")
    let named = NVMLLocator.candidates(
      explicit: "/opt/lib.so", environment: "/home/me/lib.so", isPrivileged: true)
    #expect(named.paths == ["/opt/lib.so"])
  }

  @Test func whatTheLoaderIsToldIsNotBelievedEither() {
    let root = NVMLLocator.candidates(
      explicit: nil, environment: nil, loaderPath: "/home/me", isPrivileged: true)
    #expect(root.paths == NVMLLocator.fallbacks)
    #expect(root.paths.allSatisfy { $0.hasPrefix("/") })
    #expect(root.note == "LD_LIBRARY_PATH not heeded in a privileged process")
    let plain = NVMLLocator.candidates(
      explicit: nil, environment: nil, loaderPath: "/home/me", isPrivileged: false)
    #expect(plain.paths.first == "libnvidia-ml.so.1" && plain.note == nil)
  }

  @Test func thePathOfWSLComesAfterTheLoaderAndBeforeTheUsualFolders() {
    for isPrivileged in [false, true] {
      let (paths, _) = NVMLLocator.candidates(for: .standard, isPrivileged: isPrivileged)
      let wsl = paths.firstIndex(of: "/usr/lib/wsl/lib/libnvidia-ml.so.1")
      let usual = paths.firstIndex(of: "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1")
      #expect(wsl != nil && usual != nil && wsl ?? 0 < usual ?? 0)
    }
  }

  @Test func aDriverRootIsSearchedInItsFoldersAndNowhereElse() {
    let folders = [
      "usr/lib64", "usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib64",
      "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu",
    ]
    for (root, shown) in [("/drv", "/drv"), ("/drv//", "/drv"), ("/", "")] {
      let found = NVMLLocator.candidates(for: .driverRoot(path: root), isPrivileged: true)
      #expect(found.paths == folders.map { "\(shown)/\($0)/libnvidia-ml.so.1" })
      #expect(found.note == nil)
    }
    let last = NVMLLocator.candidates(for: .standard, isPrivileged: true).paths.suffix(6)
    #expect(Array(last) == folders.map { "/run/nvidia/driver/\($0)/libnvidia-ml.so.1" })
  }

  @Test(arguments: [
    "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64",
    "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
  ])
  func aDriverIsFoundInAnyFolderOfItsRoot(folder: String) throws {
    let library = try #require(FakeNVML(FakeDriver.h100(0)), "the fake library is not built")
    let root = FakeMachine()
    for file in ["libnvidia-ml.so.1", "fake_nvml.ini"] {
      root.link("\(folder)/\(file)", to: "\(library.folder)/\(file)")
    }
    let inventory = withExtendedLifetime((library, root)) {
      Probe.run(.init(root: root.root, nvml: .driverRoot(path: root.root)))
    }
    // Root loads what a link leads to, others the link.
    let path = Syscalls.isPrivileged() ? library.path : "\(root.root)\(folder)/libnvidia-ml.so.1"
    #expect(inventory.nvml.path == path)
    #expect(inventory.gpus.map(\.name) == ["NVIDIA H100 80GB HBM3"])
  }

  @Test func aDriverRootWithoutADriverSaysWhatIsWrong() {
    let root = FakeMachine()
    let search = Probe.NVMLSearch.driverRoot(path: root.root)
    let empty = Probe.run(.init(root: root.root, nvml: search)).nvml
    #expect(empty.word == "no_library")
    #expect(empty.reason?.contains(root.root + "/usr/lib64/libnvidia-ml.so.1") == true)
    // What is there and does not load explains more than what is not.
    root.write("no library", to: "/lib64/libnvidia-ml.so.1")
    let odd = Probe.run(.init(root: root.root, nvml: search)).nvml
    #expect(odd.word == "no_library")
    #expect(odd.reason?.contains(root.root + "/lib64/libnvidia-ml.so.1") == true)
  }

  @Test func whatMayBeLoadedWithPrivilege() {
    let machine = FakeMachine(["/lib.so": "x"])
    let open = machine.root + "/lib.so"
    typealias Locator = NVMLLocator
    #expect(Locator.admit(open, isPrivileged: false) == .path(open))
    #expect(Locator.admit(Locator.soname, isPrivileged: true) == .path(Locator.soname))
    #expect(
      Locator.admit("libdxcore.so", isPrivileged: true)
        == .refused(reason: "not an absolute path"))
    #expect(
      Locator.admit("libdxcore.so", plainName: "libdxcore.so", isPrivileged: true)
        == .path("libdxcore.so"))
    #expect(Locator.admit("/nowhere.so", isPrivileged: true) == .missing)
    machine.setMode("/lib.so", 0o666)
    guard case .refused = Locator.admit(open, isPrivileged: true) else {
      Issue.record("a file that all can write was admitted")
      return
    }
  }

  private func file(_ user: UInt32, _ mode: UInt32) -> Syscalls.Ownership {
    Syscalls.Ownership(userID: user, mode: mode, isDirectory: false, isFile: true)
  }

  private func directory(_ user: UInt32, _ mode: UInt32) -> Syscalls.Ownership {
    Syscalls.Ownership(userID: user, mode: mode, isDirectory: true, isFile: false)
  }

  @Test func onlyRootMayWriteOnTheWay() {
    func distrust(
      file: Syscalls.Ownership?, inner: Syscalls.Ownership, top: Syscalls.Ownership? = nil
    ) -> String? {
      let tree = [
        "/a/b/lib.so": file, "/a/b": inner, "/a": directory(0, 0o755),
        "/": top ?? directory(0, 0o755),
      ]
      return NVMLLocator.distrust("/a/b/lib.so") { tree[$0] ?? nil }
    }
    let good = file(0, 0o644)
    #expect(distrust(file: good, inner: directory(0, 0o755)) == nil)
    #expect(distrust(file: good, inner: directory(0, 0o1777)) == nil)
    #expect(distrust(file: nil, inner: directory(0, 0o755)) == "not a regular file")
    #expect(distrust(file: file(1000, 0o644), inner: directory(0, 0o755)) == "not owned by root")
    for mode: UInt32 in [0o664, 0o646] {
      #expect(
        distrust(file: file(0, mode), inner: directory(0, 0o755))
          == "writable by others than root")
    }
    #expect(distrust(file: good, inner: directory(1000, 0o755)) == "/a/b is not owned by root")
    #expect(
      distrust(file: good, inner: directory(0, 0o777)) == "/a/b is writable by others than root")
    #expect(
      distrust(file: good, inner: directory(0, 0o755), top: directory(5, 0o755))
        == "/ is not owned by root")
    #expect(NVMLLocator.distrust("lib.so") { _ in good } == "not an absolute path")
  }

  @Test func aPrivilegedProcessRefusesAnOpenFile() throws {
    let machine = FakeMachine(["/lib.so": "no library"])
    let path = machine.root + "/lib.so"
    guard case .failed(let status) = NVMLLibrary.open([path], isPrivileged: false) else {
      Issue.record("a text was opened as a library")
      return
    }
    #expect(status.word == "no_library")
    guard case .failed(let relative) = NVMLLibrary.open(["x/lib.so"], isPrivileged: true) else {
      Issue.record("a relative path was opened")
      return
    }
    #expect(relative == .notTrusted(path: "x/lib.so", reason: "not an absolute path"))
    guard case .failed(let missing) = NVMLLibrary.open(["/nowhere.so"], isPrivileged: true) else {
      Issue.record("a missing file was opened")
      return
    }
    #expect(missing.word == "no_library")
  }

  @Test func aLibraryWithoutTheSymbolsIsUnfit() {
    // The C library itself: it loads everywhere and knows nothing of GPUs.
    guard case .failed(let status) = NVMLLibrary.open(["libc.so.6"], isPrivileged: false) else {
      Issue.record("the C library was taken for NVML")
      return
    }
    #expect(
      status == .unfitLibrary(path: "libc.so.6", reason: "symbol nvmlInit_v2 is missing"))
  }
}
