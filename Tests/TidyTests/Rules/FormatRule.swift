import Foundation

/// The formatter of the toolchain, run as a child process.
struct FormatRule: Sendable {
  /// The `swift` command on the search path; nil when there is none.
  static let swift: URL? = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return path.split(separator: ":").map { URL(filePath: String($0)).appending(path: "swift") }
      .first { FileManager.default.isExecutableFile(atPath: $0.path) }
  }()

  /// True when the toolchain has the formatter.
  static let isAvailable: Bool = {
    guard let swift, let result = try? run(swift, ["format", "--version"]) else { return false }
    return result.status == 0
  }()

  let swift: URL
  let configuration: URL

  /// What the formatter says about the files; empty when they are clean.
  func lint(_ files: [URL]) throws -> String {
    guard !files.isEmpty else { return "" }
    let options = ["format", "lint", "--strict", "--parallel", "--configuration"]
    let result = try Self.run(swift, options + [configuration.path] + files.map(\.path))
    if result.status == 0 { return "" }
    return result.output.isEmpty ? "swift format ended with \(result.status)" : result.output
  }

  private static func run(
    _ command: URL, _ arguments: [String]
  ) throws -> (status: Int32, output: String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = command
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
