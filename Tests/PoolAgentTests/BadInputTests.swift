import Foundation
import Testing

@Suite("Input that is no document")
struct BadInputTests {
  /// What stands there instead of a document, and a part of what is said of it.
  static let inputs: [(bytes: Data, place: String, problem: String)] = [
    (Data(), "1:1", "the document is empty"),
    (Data(" \n ".utf8), "2:2", "the document is empty"),
    (Data("\u{FEFF}{}".utf8), "1:1", "byte order mark; save it as UTF-8 without BOM"),
    (Data("{\"a\": \"".utf8) + [0xE2, 0x82], "1:8", "byte 0xE2 is not UTF-8"),
    (Data([0xFF, 0xFE, 0x7B, 0x00]), "1:1", "byte 0xFF, which is not UTF-8"),
    (Data("{\"a\": NaN}".utf8), "1:7", "JSON has finite numbers only"),
    (Data("{\"a\": 1, \"a\": 2}".utf8), "1:10", "duplicate key \"a\"; it was first given at"),
    (Data("{\"a\": \"\u{1}\"}".utf8), "1:8", "control character U+0001"),
    (Data(String(repeating: "[", count: 1_000_000).utf8), "1:33", "nested deeper than 32"),
    (Data(String(repeating: "{\"a\":", count: 100_000).utf8), "1:161", "nested deeper than 32"),
    (Data("{} {}".utf8), "1:4", "after the end of the document"),
    (Data("{\"a\": 1".utf8), "1:8", "ends inside an object; it was opened at"),
    (Data("[1, 2]".utf8), "1:1", "expected an object, found an array"),
    (Data("null".utf8), "1:1", "expected an object, found null"),
  ]

  @Test("one error with its place, exit 2, nothing done", arguments: ["policy", "claims", "nodes"])
  func documents(which: String) throws {
    for (bytes, place, problem) in Self.inputs {
      let files =
        [
          "policy": Agent.policy, "claims": Agent.claims, "nodes": Agent.node("cpu-2"), which: "-",
        ] as KeyValuePairs
      var arguments = ["place"]
      for name in ["policy", "claims", "nodes"] {
        arguments += ["--\(name)", files.last { $0.key == name }?.value ?? ""]
      }
      let result = try Agent.run(arguments, input: bytes)
      #expect(result.code == 2 && result.out.isEmpty)
      #expect(result.err.hasPrefix("stdin:\(place): $"), "\(result.err)")
      #expect(result.err.contains(problem), "\(result.err)")
      #expect(result.err.hasSuffix("error: a file cannot be used; nothing was done\n"))
      #expect(result.err.split(separator: "\n").count == 2)
    }
  }

  @Test("as a line of a stream it is an answer, and the stream goes on")
  func lines() throws {
    let bad = Self.inputs.filter { !$0.bytes.contains(10) }
    let input = bad.reduce(into: Data()) { $0 += $1.bytes + [10] }
    let result = try Agent.run(
      ["place", "--policy", Agent.policy, "--nodes", Agent.node("cpu-2"), "--stream"],
      input: input + Data("{\"op\":\"tick\",\"at_ms\":0}".utf8))
    #expect(result.code == 0 && result.err.isEmpty)
    #expect(result.lines.count == bad.count + 1)
    for (index, one) in bad.enumerated() {
      let answer = result.lines[index]
      #expect(try SchemaCheck.findings(answer, "answer") == [])
      let column = one.place.split(separator: ":")[1]
      let start = "\"errors\":[{\"line\":\(index + 1),\"column\":\(column),"
      #expect(answer.contains(start), "\(answer)")
    }
    #expect(result.lines.last?.contains("\"outcome\":\"done\"") == true)
  }

  @Test("lines end with LF or CR LF; documents too")
  func lineEnds() throws {
    let policy = try String(contentsOf: Agent.root.appending(path: Agent.policy), encoding: .utf8)
    let result = try Agent.run(
      ["place", "--policy", "-", "--claims", Agent.claims, "--nodes", Agent.node("cpu-2")],
      input: Data(policy.replacing("\n", with: "\r\n").utf8))
    #expect(result.code == 0)
    let stream = try Agent.run(
      ["place", "--policy", Agent.policy, "--nodes", Agent.node("cpu-2"), "--stream"],
      input: Data("{\"op\":\"tick\",\"at_ms\":0}\r\n{\"op\":\"tick\",\"at_ms\":1}\r\n".utf8))
    #expect(stream.lines.count == 2)
    #expect(stream.lines.allSatisfy { $0.contains("\"outcome\":\"done\"") })
  }

  @Test("descriptors that do not block are waited for")
  func nonBlocking() throws {
    let (input, output) = (Pipe(), Pipe())
    for handle in [input.fileHandleForReading, output.fileHandleForWriting] {
      let number = handle.fileDescriptor
      #expect(fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) == 0)
    }
    let process = Process()
    process.executableURL = try Agent.program()
    process.arguments = [
      "place", "--policy", Agent.policy, "--nodes", Agent.node("cpu-2"), "--stream",
    ]
    process.currentDirectoryURL = Agent.root
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    try output.fileHandleForWriting.close()
    // Far more than a pipe holds, while nobody reads: 200 answers of a few KiB each.
    let status = String(repeating: "{\"op\":\"status\",\"at_ms\":0}\n", count: 200)
    usleep(200_000)
    try input.fileHandleForWriting.write(contentsOf: Data(status.utf8))
    try input.fileHandleForWriting.close()
    usleep(200_000)
    let answers = try #require(try output.fileHandleForReading.readToEnd())
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(answers.filter { $0 == 10 }.count == 200)
  }

  @Test("a closed standard input is an error, and no file is taken for it")
  func closed() throws {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    let words = "place --policy \(Agent.policy) --nodes \(Agent.node("cpu-2")) --stream"
    process.arguments = ["-c", "exec \"$0\" \(words) <&-", try Agent.program().path]
    process.currentDirectoryURL = Agent.root
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let text = try #require(try errors.fileHandleForReading.readToEnd())
    process.waitUntilExit()
    #expect(process.terminationStatus == 2)
    #expect(String(decoding: text, as: UTF8.self).contains("standard input cannot be read"))
  }
}
