import Foundation
import Testing

@testable import PolicyTesting

/// Tests that are watched run again when a file changes that they read, and not before.
@Suite struct PolicyWatchTests {
  /// States of files, as a test has them.
  private final class States {
    var changed: [String: String] = [:]
    var tests: [String] = []
  }

  @Test func runsAgainWhenAFileChangesThatWasRead() throws {
    try ExamplePolicyTests.inFolder(PolicyStarter.files) { folder in
      let tests = folder + "policy.policytest.yaml"
      let states = States()
      var watch = PolicyWatch({ [tests] }, looking: { states.changed[$0] ?? "first" })
      #expect(watch.report.isPassed)
      #expect(
        Set(watch.files) == [tests, folder + "policy.yaml", folder + "nodes/gpu-1.yaml"])
      let ran = watch.runIfChanged()
      #expect(!ran)

      states.changed[folder + "README.md"] = "another"
      let ran2 = watch.runIfChanged()
      #expect(!ran2)

      let text = try String(contentsOfFile: folder + "policy.yaml", encoding: .utf8)
      try Data("generation: 1".utf8).write(to: URL(filePath: folder + "policy.yaml"))
      states.changed[folder + "policy.yaml"] = "broken"
      let ran3 = watch.runIfChanged()
      #expect(ran3 && !watch.report.isPassed)
      #expect(watch.report.errors.count == 1)
      let ran4 = watch.runIfChanged()
      #expect(!ran4)

      try Data(text.utf8).write(to: URL(filePath: folder + "policy.yaml"))
      states.changed[folder + "policy.yaml"] = "mended"
      let ran5 = watch.runIfChanged()
      #expect(ran5 && watch.report.isPassed)
    }
  }

  @Test func runsAgainWhenAFileOfTestsComesOrGoes() throws {
    try ExamplePolicyTests.inFolder(PolicyStarter.files) { folder in
      let states = States()
      var watch = PolicyWatch({ states.tests }, looking: { _ in "first" })
      let ran = watch.runIfChanged()
      #expect(watch.files.isEmpty && !ran)
      states.tests = [folder + "policy.policytest.yaml"]
      let ran2 = watch.runIfChanged()
      #expect(ran2 && watch.report.isPassed)
      let ran3 = watch.runIfChanged()
      #expect(!ran3)
      states.tests = []
      let ran4 = watch.runIfChanged()
      #expect(ran4 && watch.report.results.isEmpty)
    }
  }

  @Test func seesThatAFileOfTheDiskIsAnother() throws {
    try ExamplePolicyTests.inFolder(PolicyStarter.files) { folder in
      let tests = folder + "policy.policytest.yaml"
      var watch = PolicyWatch { [tests] }
      let ran = watch.runIfChanged()
      #expect(!ran)
      let text = try String(contentsOfFile: tests, encoding: .utf8)
      try Data((text + "# one more line\n").utf8).write(to: URL(filePath: tests))
      let ran2 = watch.runIfChanged()
      #expect(ran2 && watch.report.isPassed)
      try FileManager.default.removeItem(atPath: tests)
      let ran3 = watch.runIfChanged()
      #expect(ran3 && !watch.report.isPassed)
      #expect(watch.report.errors.count == 1)
    }
  }
}
