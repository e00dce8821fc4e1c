import Foundation
import Testing

/// The built program as a process, with its folder.
final class RunningAgent {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  let folder: URL
  private(set) var process: ChildProcess?

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "agent-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try FakeLeader.joinSecret.write(
      to: folder.appending(path: "join"), atomically: true, encoding: .utf8)
  }

  deinit {
    process = nil
    try? FileManager.default.removeItem(at: folder)
  }

  var state: URL { folder.appending(path: "state") }
  var errors: String {
    (try? String(contentsOf: folder.appending(path: "err"), encoding: .utf8)) ?? ""
  }

  /// The program lies beside the bundle of the tests that run now.
  static func program() throws -> URL {
    let bundle = try #require(
      CommandLine.arguments.first { $0.hasSuffix(".xctest") }
        ?? ProcessInfo.processInfo.arguments.first { $0.contains("PackageTests") })
    var folder = URL(filePath: bundle).resolvingSymlinksInPath().deletingLastPathComponent()
    for _ in 0..<4 {
      let file = folder.appending(path: "pool-agent")
      if FileManager.default.isExecutableFile(atPath: file.path) { return file }
      folder.deleteLastPathComponent()
    }
    throw CocoaError(.fileNoSuchFile)
  }

  /// Starts the daemon.
  /// - Parameter variables: what its environment has beside ours.
  func start(
    _ url: String, flags: [String] = [], variables: [String: String] = [:]
  ) throws {
    let node = Self.root.appending(path: "hardware-profiles/nodes/h100-pcie-2.json").path
    process = try launch(
      ["run", "--server", url, "--state", state.path, "--fake", node] + flags, to: "err",
      variables)
  }

  /// Starts the daemon with its join credential.
  func join(_ url: String, variables: [String: String] = [:]) throws {
    try start(
      url, flags: ["--node", "n1", "--join-file", folder.appending(path: "join").path],
      variables: variables)
  }

  /// Starts a command of a shell under a lease.
  func exec(_ lease: String, _ script: String) throws -> ChildProcess {
    try launch(
      ["exec", "--state", state.path, "--lease", lease, "--", "sh", "-c", script], to: "exec-err")
  }

  private func launch(
    _ arguments: [String], to file: String, _ variables: [String: String] = [:]
  ) throws -> ChildProcess {
    try ChildProcess(
      Self.program().path, arguments, errors: folder.appending(path: file).path,
      variables: variables)
  }

  /// Kills the daemon without a word.
  func crash() { process = nil }

  /// Waits until something holds; the deadline only ends a test that would never end.
  func wait(
    _ what: String, _ location: SourceLocation = #_sourceLocation,
    until holds: () throws -> Bool
  ) throws {
    for _ in 0..<1200 {
      if try holds() { return }
      usleep(50_000)
    }
    Issue.record("never: \(what)\n\(errors)", sourceLocation: location)
    throw CancellationError()
  }

  /// The exit code of a process that has to end.
  func code(_ process: ChildProcess?) throws -> Int32 {
    let process = try #require(process)
    try wait("the process ends") { !process.isRunning }
    return try #require(process.code)
  }

  func text(_ name: String) -> String? {
    try? String(contentsOf: folder.appending(path: name), encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  var leaseFolders: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: state.appending(path: "leases").path))
      ?? []
  }
}
