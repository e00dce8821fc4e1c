import Foundation
import Testing

/// The built program, run as a child process.
enum Agent {
  struct Result {
    var code: Int32
    var out: String
    var err: String
    var lines: [String] { out.split(separator: "\n").map(String.init) }
  }

  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The program lies beside the bundle of the tests that run now.
  static func program(_ name: String = "pool-agent") throws -> URL {
    let bundle = try #require(
      CommandLine.arguments.first { $0.hasSuffix(".xctest") }
        ?? ProcessInfo.processInfo.arguments.first { $0.contains("PackageTests") })
    var folder = URL(filePath: bundle).resolvingSymlinksInPath().deletingLastPathComponent()
    for _ in 0..<4 {
      let file = folder.appending(path: name)
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

  /// Runs it in the repository's root; output goes through files, so no pipe can fill up.
  static func run(_ arguments: String..., input: Data = Data()) throws -> Result {
    try run(arguments, input: input)
  }

  /// The answers of a stream, one to each line, all as their schema says.
  /// - Parameter nodes: files of nodes.
  static func converse(
    _ lines: [String], policy: String = Agent.policy, nodes: [String], flags: [String] = []
  ) throws -> [[String: Any]] {
    let result = try run(
      ["place", "--policy", policy, "--stream"] + flags + ["--nodes"] + nodes,
      input: Data(lines.map { $0 + "\n" }.joined().utf8))
    #expect(result.code == 0)
    #expect(result.lines.count == lines.count)
    return try result.lines.map { line in
      #expect(try SchemaCheck.findings(line, "answer") == [], "\(line)")
      return try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  /// - Parameter input: what stands on standard input; nil gives it a directory.
  static func run(
    _ arguments: [String], of name: String = "pool-agent", input: Data? = Data()
  ) throws -> Result {
    let folder = try scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["in", "out", "err"].map { folder.appending(path: $0) }
    try (input ?? Data()).write(to: files[0])
    try Data().write(to: files[1])
    try Data().write(to: files[2])
    let process = Process()
    process.executableURL = try program(name)
    process.arguments = arguments
    process.currentDirectoryURL = root
    process.standardInput =
      try input == nil ? directory(folder) : FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    try process.run()
    process.waitUntilExit()
    func text(_ file: URL) throws -> String {
      String(decoding: try Data(contentsOf: file), as: UTF8.self)
    }
    return Result(
      code: process.terminationStatus, out: try text(files[1]), err: try text(files[2]))
  }

  /// Runs `probe --watch` once a second until `isDone`, given what was printed and said so far, or
  /// for half a minute; then interrupts it.
  static func watch(
    _ flags: [String], until isDone: (_ out: String, _ err: String) throws -> Bool
  ) throws -> Result {
    let folder = try scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (out, err) = (folder.appending(path: "out"), folder.appending(path: "err"))
    try Data().write(to: out)
    try Data().write(to: err)
    let process = Process()
    process.executableURL = try program()
    process.arguments = ["probe", "--watch", "--interval", "1"] + flags
    process.currentDirectoryURL = root
    process.standardOutput = try FileHandle(forWritingTo: out)
    process.standardError = try FileHandle(forWritingTo: err)
    try process.run()
    var (printed, said) = ("", "")
    for _ in 0..<300 {
      usleep(100_000)
      printed = String(decoding: try Data(contentsOf: out), as: UTF8.self)
      said = String(decoding: try Data(contentsOf: err), as: UTF8.self)
      if try isDone(printed, said) { break }
    }
    process.interrupt()
    for _ in 0..<100 where process.isRunning { usleep(100_000) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    return Result(code: process.terminationStatus, out: printed, err: said)
  }

  private static func directory(_ folder: URL) -> FileHandle {
    FileHandle(fileDescriptor: open(folder.path, O_RDONLY), closeOnDealloc: true)
  }

  static func scratch() throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "pool-agent-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  /// What a golden file of the repository holds; with `EXAMPLES_UPDATE=1` the text is written into
  /// it first.
  static func golden(_ path: String, _ text: String) throws -> String {
    let file = root.appending(path: path)
    if ProcessInfo.processInfo.environment["EXAMPLES_UPDATE"] == "1" {
      try Data(text.utf8).write(to: file)
    }
    return try String(contentsOf: file, encoding: .utf8)
  }

  static let policy = "examples/agent-platform/policy.json"
  static let claims = "examples/agent-platform/claims.json"
  static func node(_ name: String) -> String { "examples/agent-platform/nodes/\(name).json" }

  /// Runs `place` on one claim of the example, changed.
  static func place(
    claim name: String, nodes: [String], files: [String] = [],
    change: (inout [String: Any]) -> Void = { _ in }
  ) throws -> Result {
    let data = try Data(contentsOf: root.appending(path: claims))
    var document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let all = try #require(document["claims"] as? [[String: Any]])
    var claim = try #require(all.first { $0["name"] as? String == name })
    change(&claim)
    document["claims"] = [claim]
    return try run(
      ["place", "--policy", policy, "--claims", "-", "--json", "--nodes"]
        + nodes.map(node) + files,
      input: JSONSerialization.data(withJSONObject: document))
  }
}
