import Foundation
import Testing

@Suite("What a terminal shows")
struct TerminalTests {
  /// The program's output on a pseudo terminal of a width.
  private func run(_ arguments: [String], columns: UInt16) throws -> String {
    // posix_openpt and its kin are not in the C library's module; these are what they call.
    let (lock, number) = (UInt(0x4004_5431), UInt(0x8004_5430))  // TIOCSPTLCK, TIOCGPTN
    let leader = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    var (isLocked, terminal) = (CInt(0), CInt(-1))
    #expect(leader >= 0 && ioctl(leader, lock, &isLocked) == 0)
    #expect(ioctl(leader, number, &terminal) == 0)
    defer { close(leader) }
    let follower = open("/dev/pts/\(terminal)", O_RDWR | O_NOCTTY)
    var size = winsize(ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    #expect(follower >= 0 && ioctl(follower, UInt(TIOCSWINSZ), &size) == 0)
    let process = Process()
    process.executableURL = try Agent.program()
    process.arguments = arguments
    process.currentDirectoryURL = Agent.root
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(fileDescriptor: follower, closeOnDealloc: false)
    try process.run()
    close(follower)
    // Once nobody holds the other end, a read fails.
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(leader, &chunk, chunk.count)
      if count <= 0 { break }
      bytes += chunk[..<count]
    }
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "\n")
  }

  /// The example with names as long as they may be.
  private func longNames() throws -> (folder: URL, files: [String]) {
    let folder = try Agent.scratch()
    let sources = [Agent.policy, Agent.claims] + ["cpu-2", "h100-8", "l40s-4"].map(Agent.node)
    let files = try sources.map { source in
      var text = try String(contentsOf: Agent.root.appending(path: source), encoding: .utf8)
      for name in ["cpu-shared", "h100-shared", "docs", "h100-sxm-80gb", "train-detector"] {
        let long = name + String(repeating: "x", count: 128 - name.count)
        text = text.replacing("\"\(name)\"", with: "\"\(long)\"")
      }
      let file = folder.appending(path: source.replacing("/", with: "_"))
      try Data(text.utf8).write(to: file)
      return file.path
    }
    return (folder, files)
  }

  @Test("no line is wider than the screen, however long the names", arguments: [40, 80, 200])
  func widths(columns: Int) throws {
    let (folder, files) = try longNames()
    defer { try? FileManager.default.removeItem(at: folder) }
    let out = try run(
      ["place", "--policy", files[0], "--claims", files[1], "--nodes"] + files[2...],
      columns: UInt16(columns))
    let lines = out.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= columns }, "\(out)")
    #expect(out.contains("…"))
    #expect(!out.contains("\u{1B}"))
    // Whatever gives way, every claim, its outcome and the reasons are there.
    for word in ["GRANTED", "WAITING", "REFUSED", "L-5.1", "bucket_short", "lane_not_allowed"] {
      #expect(out.contains(word), "\(columns): \(out)")
    }
    #expect(out.contains("left out: DEVICES") == (columns < 200), "\(out)")
  }

  @Test(
    "probe and profiles fit the screen; a state that is cut is said below", arguments: [60, 80])
  func probeWidths(columns: Int) throws {
    let mixed = ["probe", "--fake", "hardware-profiles/nodes/mixed.json"]
    for words in [mixed, ["profiles", "list"], ["profiles", "show", "h100-sxm-80gb"]] {
      let out = try run(words, columns: UInt16(columns))
      #expect(out.split(separator: "\n").allSatisfy { $0.count <= columns }, "\(out)")
    }
    let out = try run(mixed, columns: UInt16(columns))
    #expect(out.contains("left out: SOURCE"), "\(out)")
    #expect(out.contains("\n  4: unusable: no kernel driver is bound to it\n"), "\(out)")
  }

  @Test("the UUID of a MIG device is never cut", arguments: [50, 80, 120])
  func partitions(columns: Int) throws {
    let words = ["probe", "--fake", "hardware-profiles/nodes/a100-mig.json"]
    let whole = try Agent.run(words).out
    let uuids = whole.matches(of: /MIG-[0-9a-f-]{36}/).map { String($0.output) }
    #expect(uuids.count > 1)
    let out = try run(words, columns: UInt16(columns))
    for uuid in uuids { #expect(out.contains(uuid), "\(uuid) is not in \(out)") }
    #expect(out.split(separator: "\n").allSatisfy { $0.count <= columns })
  }

  @Test("a pipe gets everything")
  func pipe() throws {
    let (folder, files) = try longNames()
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try Agent.run(
      ["place", "--policy", files[0], "--claims", files[1], "--nodes"] + files[2...])
    #expect(result.code == 0 && !result.out.contains("…"))
    #expect(result.out.contains("docs" + String(repeating: "x", count: 124) + " > retrieval"))
  }

  @Test("a wide screen shows what a pipe gets")
  func wide() throws {
    let arguments =
      ["place", "--policy", Agent.policy, "--claims", Agent.claims, "--nodes"]
      + ["cpu-2", "h100-8", "l40s-4"].map(Agent.node)
    func timeless(_ text: String) -> String {
      text.replacing(/decided in [0-9.]+ ms/, with: "decided in - ms")
    }
    #expect(
      try timeless(run(arguments, columns: 400)) == timeless(Agent.run(arguments).out))
  }

  @Test("names of files cannot drive the terminal")
  func escapes() throws {
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "a\u{1B}[31m\u{202E}b")
    try Data("x".utf8).write(to: file)
    let result = try Agent.run(
      "place", "--policy", file.path, "--claims", "no\u{7}\u{9B}such", "--nodes", "ümläut")
    #expect(result.code == 2)
    #expect(result.err.contains("a\\u{1B}[31m\\u{202E}b:1:1: $: \"x\" is not a value"))
    #expect(result.err.contains("no\\u{7}\\u{9B}such: there is no such file"))
    #expect(result.err.contains("ümläut: there is no such file"))
    let flag = try Agent.run("place", "--\u{202E}\u{200B}")
    #expect(flag.err.contains("unknown flag \"--??\""))
  }
}
