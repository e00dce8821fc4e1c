import Foundation
import Testing

@Suite("The command line")
struct CommandLineTests {
  @Test("help and version are data")
  func help() throws {
    let commands = ["probe", "place", "profiles", "run", "exec"].flatMap {
      [[$0, "--help"], [$0, "-h"]]
    }
    for arguments in [["--help"], ["help"]] + commands {
      let result = try Agent.run(arguments)
      #expect(result.code == 0 && result.err.isEmpty)
      #expect(result.out.hasPrefix("usage: pool-agent"))
      #expect(result.lines.allSatisfy { $0.count <= 100 })
    }
    #expect(try Agent.run("--version").out == "pool-agent 0.1.0\n")
  }

  @Test("without a command the usage is a note")
  func nothing() throws {
    let result = try Agent.run()
    #expect(result.code == 2 && result.out.isEmpty && result.err.hasPrefix("usage:"))
  }

  @Test(
    "usage errors",
    arguments: [
      (["plcae"], "unknown command \"plcae\"; nearest known command is \"place\""),
      (["--verson"], "nearest known command is \"--version\""),
      (["place", "--polici", "x"], "nearest known flag is \"--policy\""),
      (["place", "x"], "unexpected argument \"x\""),
      (["place", "--policy"], "--policy needs a file"),
      (["place", "--policy", "a", "--policy", "b"], "--policy is given twice"),
      (["place", "--policy", "a"], "place needs --claims FILE, or --stream"),
      (["place", "--claims", "a"], "place needs --policy FILE"),
      (["place", "--policy", "a", "--claims", "b", "--stream"], "exclude one another"),
      (["place", "--policy", "-", "--claims", "-"], "standard input can be read once"),
      (["place", "--policy", "a", "--claims", "b", "--nodes"], "needs at least one file"),
      (["place", "--json=yes"], "--json takes no value"),
      (["probe", "--root", "/no/such/folder"], "there is no such directory"),
      (["probe", "--profiles", "/no/such/folder"], "cannot be read"),
      (["run", "--state", "a"], "run needs --server URL"),
      (["run", "--server", "https://h"], "run needs --state DIR"),
      (["run", "--server", "http://h", "--state", "a"], "http:// goes to this machine only"),
      (["run", "--server", "https://h", "--state", "a", "--node", "a b"], "are a name"),
      (["exec", "--state", "a", "--", "true"], "exec needs --lease LEASE"),
      (["exec", "--state", "a", "--lease", "1", "--", "true"], "such as L-0.1"),
      (["exec", "--state", "a", "--lease", "L-0.1"], "exec needs a command after --"),
      (["exec", "--lease", "L-0.1", "--", "a", "--", "b"], "exec needs --state DIR"),
      (["\u{1b}[31mred"], "unknown command \"?[31mred\""),
    ])
  func usage(arguments: [String], message: String) throws {
    let result = try Agent.run(arguments)
    #expect(result.code == 2)
    #expect(result.out.isEmpty)
    #expect(result.err.contains(message), "\(result.err)")
  }

  @Test("help of a command, asked for in either order")
  func helpOfACommand() throws {
    let flag = try Agent.run("probe", "--help")
    let word = try Agent.run("help", "probe")
    #expect(word.code == 0 && word.out == flag.out)
    #expect(try Agent.run("help", "no-such").out == Agent.run("help").out)
  }

  @Test("of a tree that says nothing, nothing is advertised")
  func emptyTree() throws {
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try Agent.run("advertise", "--once", "--root", folder.path)
    #expect(result.code == 2 && result.out.isEmpty)
    #expect(result.err.contains("neither CPUs nor GPUs of this machine are known"))
  }

  @Test("files that cannot be read say why, all of them")
  func files() throws {
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try Agent.run(
      "place", "--policy", folder.path, "--claims", "no-such-file", "--nodes", Agent.policy)
    #expect(result.code == 2 && result.out.isEmpty)
    #expect(result.err.contains("\(folder.path): is a directory; name a file"))
    #expect(result.err.contains("no-such-file: there is no such file"))
    #expect(result.err.contains("\(Agent.policy):3:11: $.kind: this document is of another kind"))
    #expect(result.err.hasSuffix("error: 3 files cannot be used; nothing was done\n"))
  }

  @Test("every error of a document, with file, line and column")
  func document() throws {
    let text = try String(contentsOf: Agent.root.appending(path: Agent.policy), encoding: .utf8)
      .replacing("\"generation\": 1", with: "\"generation\": 0")
      .replacing("\"queue_max\": 50", with: "\"queue_max\": \"many\"")
    let result = try Agent.run(
      "place", "--policy", "-", "--claims", Agent.claims, input: Data(text.utf8))
    #expect(result.code == 2 && result.out.isEmpty)
    #expect(result.err.contains("stdin:4:17: $.generation: 0 is out of range"))
    #expect(result.err.contains(/stdin:\d+:\d+: \$\.tenants\[0\]\.queue_max: unknown value "many"/))
  }

  @Test("a file beyond 16 MiB is not read; 10 MB of garbage is one error")
  func large() throws {
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "large.json")
    try Data(repeating: 0x20, count: (16 << 20) + 1).write(to: file)
    let result = try Agent.run("place", "--policy", file.path, "--claims", Agent.claims)
    #expect(result.code == 2 && result.err.contains("is larger than 16 MiB and was not read"))
    let garbage = Data((0..<10_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) })
    let other = try Agent.run("place", "--policy", "-", "--claims", Agent.claims, input: garbage)
    #expect(other.code == 2 && other.out.isEmpty)
    #expect(other.err.hasPrefix("stdin:1:1: $: "))
    #expect(other.err.utf8.count < 10_000)
  }

  @Test("the probe prints a table, or JSON that parses")
  func probe() throws {
    let table = try Agent.run("probe")
    #expect(table.code == 0 && table.out.hasPrefix("NODE "))
    let json = try Agent.run("probe", "--json")
    let object = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any]
    #expect(object?["kind"] as? String == "node_inventory")
    let folder = try Agent.scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(try Agent.run("probe", "--root", folder.path).code == 0)
  }
}
