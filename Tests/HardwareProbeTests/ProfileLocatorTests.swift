import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite struct ProfileLocatorTests {
  static let program = "/opt/pool/bin/pool-agent"
  static let installed = "/opt/pool/share/pool-allocator/hardware-profiles"

  /// Looks where only the given directories exist; each with the user that owns it and its mode.
  private func locate(
    named: String? = nil, environment: String? = nil, isPrivileged: Bool = false,
    _ directories: [String: (user: UInt32, mode: UInt32)]
  ) -> ProfileLocator.Location {
    ProfileLocator.locate(
      named: named, environment: environment, program: Self.program, isPrivileged: isPrivileged
    ) { path in
      if path == Self.program {
        return Syscalls.Ownership(userID: 7, mode: 0o755, isDirectory: false, isFile: true)
      }
      return directories[path].map {
        Syscalls.Ownership(userID: $0.user, mode: $0.mode, isDirectory: true, isFile: false)
      }
    }
  }

  @Test func theOrder() {
    let all: [String: (user: UInt32, mode: UInt32)] = [
      Self.installed: (0, 0o755), "/opt/hardware-profiles": (0, 0o755),
      "/usr/local/share/pool-allocator/hardware-profiles": (0, 0o755),
      "/usr/share/pool-allocator/hardware-profiles": (0, 0o755),
    ]
    #expect(locate(named: "/a", environment: "/b", all).directory == "/a")
    #expect(locate(environment: "/b", all).directory == "/b")
    #expect(locate(all).directory == Self.installed)
    var fewer = all
    fewer[Self.installed] = nil
    #expect(locate(fewer).directory == "/opt/hardware-profiles")
    fewer["/opt/hardware-profiles"] = nil
    #expect(locate(fewer).directory == "/usr/local/share/pool-allocator/hardware-profiles")
    fewer["/usr/local/share/pool-allocator/hardware-profiles"] = nil
    #expect(locate(fewer).origin == .system)
    let nothing = locate([:])
    #expect(nothing.directory == nil && nothing.origin == nil)
    #expect(nothing.tried.first == Self.installed)
    #expect(nothing.tried.contains("/opt/pool/bin/hardware-profiles"))
    #expect(nothing.tried.count == 6)
  }

  @Test func aPrivilegedProcessDoesNotBelieveTheEnvironment() {
    let location = locate(
      environment: "/tmp/evil", isPrivileged: true, [Self.installed: (0, 0o755)])
    #expect(location.directory == Self.installed)
    #expect(location.notes == ["POOL_HARDWARE_PROFILES is ignored in a privileged process"])
  }

  @Test(arguments: [
    (UInt32(0), UInt32(0o755), true), (7, 0o755, true), (7, 0o775, false), (8, 0o755, false),
  ])
  func aPrivilegedProcessPassesOverWhatOthersMayWrite(user: UInt32, mode: UInt32, isTaken: Bool) {
    let directories = [Self.installed: (user: user, mode: mode)]
    let location = locate(isPrivileged: true, directories)
    #expect((location.directory == Self.installed) == isTaken)
    #expect(location.notes.isEmpty == isTaken)
    #expect(locate(directories).directory == Self.installed)
  }
}

@Suite struct ProfileCheckTests {
  @Test func theRepositoryIsGood() {
    let result = ProfileCheck(paths: [ProfileTests.directory])
    #expect(result.findings.map(\.message) == [])
    #expect(result.unreadable == [])
    #expect(result.profiles == 43)
    #expect(result.shapes >= 12)
  }

  @Test func everyFileIsLookedAt() {
    let twin = ProfileFileTests.good.replacing("\"name\": \"x\"", with: "\"name\": \"y\"")
    let directory = FakeMachine([
      "/x.json": ProfileFileTests.good, "/y.json": twin, "/z.json": "{",
      "/nodes/x.json": NodeShapeFileTests.good, "/nodes/w.json": NodeShapeFileTests.good,
      "/README.md": "# no profile", "/empty/README.md": "",
    ])
    let root = directory.root
    let result = ProfileCheck(paths: [root, "\(root)/missing.json", "\(root)/empty"])
    let messages = result.findings.map(\.message)
    #expect(messages.allSatisfy { $0.hasPrefix(root + "/") })
    #expect(messages.contains { $0.hasPrefix("\(root)/z.json:1:2:") })
    #expect(messages.contains { $0.hasPrefix("\(root)/y.json:1:1:") && $0.contains("by x and by") })
    #expect(messages.contains { $0.contains("nodes/w.json") && $0.contains("not the name") })
    #expect(result.unreadable.count == 2)
    #expect(result.profiles == 2)
    #expect(result.shapes == 1)
  }

  @Test func shapesAreHeldAgainstTheProfilesBesideThem() {
    let directory = FakeMachine([
      "/x.json": ProfileFileTests.good, "/nodes/x.json": NodeShapeFileTests.good,
    ])
    let result = ProfileCheck(paths: [directory.root])
    #expect(result.findings.count == 2)
    #expect(result.findings.first?.message.contains("no GPU profile is named a") == true)
    #expect(result.shapes == 0)
  }
}
