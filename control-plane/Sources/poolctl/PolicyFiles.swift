import ArgumentParser
import Foundation
import PolicyTesting
import PoolConsole
import Synchronization

/// What Ctrl-C ends the program with while tests are watched.
private let lastEnding = Atomic<Int32>(0)

/// What the commands of `poolctl policy` share that need no server.
enum PolicyFiles {
  /// What a check or a test that failed ends with.
  static let failed = ExitCode(11)

  /// Reads files; where one is in error that is told, and the program ends with 2.
  static func reading<T>(_ body: () throws(SourceErrors) -> T) throws -> T {
    do throws(SourceErrors) {
      let result = try body()
      ProgressLine.clear()
      return result
    } catch {
      ProgressLine.clear()
      note(error.description)
      throw ExitCode(Ending.usage.rawValue)
    }
  }

  /// Prints a report and ends with 11 where it is not good.
  static func show(_ report: PolicyReport, as form: ReportForm) throws {
    switch form {
    case .table: say(report.text)
    case .json: print(report.json)
    }
    if !report.isGood { throw failed }
  }
}

/// How a report is shown.
enum ReportForm: String, CaseIterable, ExpressibleByArgument {
  case table, json
}

/// What a report is, whatever it is about.
struct PolicyReport {
  var text: String
  var json: String
  var isGood: Bool
}

/// `poolctl policy init`.
struct PolicyInit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Writes a commented policy with its tests into a folder; overwrites nothing.")
  @Argument(help: "The folder; it is made where it is not there.")
  var folder: String

  func run() async throws {
    let files = FileManager.default
    let base = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    let paths = PolicyStarter.files.map { (path: "\(base)/\($0.name)", text: $0.text) }
    for (path, _) in paths where files.fileExists(atPath: path) {
      throw ValidationError("\(path) is there already; name another folder")
    }
    do {
      for (path, text) in paths {
        let parent = path[..<(path.lastIndex(of: "/") ?? path.endIndex)]
        try files.createDirectory(
          atPath: String(parent), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path), options: .withoutOverwriting)
        note("wrote \(path)")
      }
    } catch {
      throw ValidationError("\(base) cannot be written: \(error.localizedDescription)")
    }
    say("next: poolctl policy check \(base)/policy.yaml && poolctl policy test \(base)")
  }
}

/// `poolctl policy check`.
struct PolicyCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Says what is wrong with a policy, and what to change.",
    discussion: """
      First whether it can be read, then what it means. Errors end with 11; warnings do not. \
      With --nodes guarantees, refills and bursts are held against the devices of these nodes, \
      with --journal bursts against what recorded claims cost.
      """)
  @Argument(help: "The policy, in YAML or JSON.")
  var file: String
  @Option(parsing: .upToNextOption, help: "Documents of the nodes that it is meant for.")
  var nodes: [String] = []
  @Option(help: "What pool-server journal export wrote, or pool-agent place --journal.")
  var journal: String?
  @Option(name: .shortAndLong, help: "table or json.")
  var output = ReportForm.table

  func run() async throws {
    let check = PolicyCheck(file: file, nodes: nodes, journal: journal) {
      ProgressLine.show("reading the journal", milli: $0)
    }
    ProgressLine.clear()
    try PolicyFiles.show(
      PolicyReport(text: check.text, json: check.json, isGood: check.isClean), as: output)
  }
}

/// `poolctl policy compile`.
struct PolicyCompile: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile",
    abstract: "Prints a policy with what it includes as the one JSON document that a server takes.",
    discussion: "poolctl policy compile policy.yaml | poolctl policy apply -f -")
  @Argument(help: "The policy, in YAML or JSON.")
  var file: String

  func run() async throws {
    do throws(SourceErrors) {
      let source = try PolicySource(file: file)
      print(String(decoding: source.json, as: UTF8.self), terminator: "")
    } catch {
      note(error.description)
      throw PolicyFiles.failed
    }
  }
}

/// `poolctl policy test`.
struct PolicyTestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Runs tests of policies on the allocator itself, in virtual time.",
    discussion: """
      A test that fails, or none at all, ends with 11. With --watch the tests run again whenever a \
      file changes that they read, until Ctrl-C, which ends with what the last run ended with.
      """)
  @Argument(help: "Files, or folders that are searched for *.policytest.yaml; else this folder.")
  var paths: [String] = ["."]
  @Option(help: "Writes the report as JUnit XML into a file.")
  var junit: String?
  @Option(name: .shortAndLong, help: "table or json.")
  var output = ReportForm.table
  @Flag(name: .shortAndLong, help: "Runs again whenever a file changes, until Ctrl-C.")
  var watch = false

  func run() async throws {
    let files = try paths.flatMap { try Self.files($0) }
    guard watch else { return try show(PolicyTestReport(files: files)) }
    try await showAgain()
  }

  /// Shows each run until Ctrl-C.
  private func showAgain() async throws {
    var watch = PolicyWatch { (try? paths.flatMap { try Self.files($0) }) ?? [] }
    var isNew = true
    lastEnding.store(0, ordering: .relaxed)
    signal(SIGINT) { _ in _exit(lastEnding.load(ordering: .relaxed)) }
    while true {
      if isNew {
        do {
          try show(watch.report)
          lastEnding.store(0, ordering: .relaxed)
        } catch let ending as ExitCode {
          lastEnding.store(ending.rawValue, ordering: .relaxed)
        }
        // The program ends between two looks, and nothing may be left unsaid then.
        fflush(nil)
        let time = Date.now.formatted(.iso8601)
        note("---- \(time) \(watch.report.isPassed ? "passed" : "failed"); waits for a change")
      }
      try await Task.sleep(for: .milliseconds(500))
      isNew = watch.runIfChanged()
    }
  }

  private func show(_ report: PolicyTestReport) throws {
    if let junit {
      do {
        try Data(report.junit.utf8).write(to: URL(filePath: junit))
      } catch {
        throw ValidationError("\(junit) cannot be written: \(error.localizedDescription)")
      }
    }
    try PolicyFiles.show(
      PolicyReport(text: report.text, json: report.json, isGood: report.isPassed), as: output)
  }

  /// The tests of a folder and those below, by name; a file is itself.
  static func files(_ path: String) throws -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw ValidationError("\(path) is not there")
    }
    guard isFolder.boolValue else { return [path] }
    let base = path.hasSuffix("/") ? String(path.dropLast()) : path
    let below = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    let endings = [".policytest.yaml", ".policytest.yml", ".policytest.json"]
    return below.filter { name in endings.contains { name.hasSuffix($0) } }.sorted()
      .map { base == "." ? $0 : "\(base)/\($0)" }
  }
}
