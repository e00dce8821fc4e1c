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
