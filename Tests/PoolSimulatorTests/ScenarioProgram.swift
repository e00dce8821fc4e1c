import Foundation
import Testing

/// The built `pool-sim`, run as a child process.
enum ScenarioProgram {
  struct Result {
    var code: Int32
    var out: String
    var err: String
  }

  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static let folder = root.appending(path: "scenarios")

  /// Names of the scenarios that are shipped, without `.json`.
  static let shipped: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()

  /// The program lies beside the bundle of the tests that run now.
  private static func program() throws -> URL {
    let bundle = try #require(
      CommandLine.arguments.first { $0.hasSuffix(".xctest") }
        ?? ProcessInfo.processInfo.arguments.first { $0.contains("PackageTests") })
    var folder = URL(filePath: bundle).resolvingSymlinksInPath().deletingLastPathComponent()
    for _ in 0..<4 {
      let file = folder.appending(path: "pool-sim")
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder),
        !isFolder.boolValue
      {
        return file
      }
      folder.deleteLastPathComponent()
    }
    throw CocoaError(.fileNoSuchFile)
  }

  /// Runs `pool-sim scenario` in the repository's root.
  static func run(_ arguments: String...) throws -> Result {
    try call(["scenario"] + arguments)
  }

  /// Runs `pool-sim` in the repository's root; output goes through files, so no pipe can fill up.
  static func call(_ words: [String]) throws -> Result {
    let scratch = FileManager.default.temporaryDirectory
      .appending(path: "pool-sim-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let (out, err) = (scratch.appending(path: "out"), scratch.appending(path: "err"))
    try Data().write(to: out)
    try Data().write(to: err)
    let process = Process()
    process.executableURL = try program()
    process.arguments = words
    process.currentDirectoryURL = root
    process.standardOutput = try FileHandle(forWritingTo: out)
    process.standardError = try FileHandle(forWritingTo: err)
    try process.run()
    process.waitUntilExit()
    return Result(
      code: process.terminationStatus,
      out: String(decoding: try Data(contentsOf: out), as: UTF8.self),
      err: String(decoding: try Data(contentsOf: err), as: UTF8.self))
  }

  /// Runs a shipped scenario with some of its text replaced.
  static func run(_ name: String, replacing old: String, with new: String) throws -> Result {
    let text = try String(contentsOf: folder.appending(path: "\(name).json"), encoding: .utf8)
    try #require(text.contains(old), "\(name) has no such text")
    let file = FileManager.default.temporaryDirectory
      .appending(path: "\(name)-\(UUID().uuidString).json")
    try Data(text.replacing(old, with: new).utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try run(file.path)
  }
}
