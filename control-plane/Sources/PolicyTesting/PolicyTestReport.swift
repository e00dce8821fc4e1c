internal import PoolWire
internal import StrictJSON

/// A step that did not come out as expected.
public struct PolicyTestFailure: Sendable, Equatable {
  /// One thing that is not so.
  public struct Line: Sendable, Equatable {
    /// What was looked at.
    public let field: String
    /// What the test says.
    public let expected: String
    /// What is so.
    public let got: String
  }

  /// Where the step is written.
  public let place: SourcePlace
  /// Its number in the test, from 1; 0: before the first.
  public let step: Int
  /// What happened in it.
  public let label: String
  /// When, in seconds of virtual time.
  public let at: String
  /// What is not so.
  public let lines: [Line]
  /// The first reason of the answer, in words.
  public let sentence: String?

  /// The failure as a person reads it.
  public var text: String {
    let width = lines.map(\.field.count).max() ?? 0
    var rows = ["\(place): step \(step) (\(label)) at \(at) s"]
    for line in lines {
      let pad = String(repeating: " ", count: width - line.field.count)
      rows.append("  \(line.field)\(pad)  expected  \(line.expected)")
      rows.append("  \(String(repeating: " ", count: width))  got       \(line.got)")
    }
    if let sentence { rows.append("  because: \(sentence)") }
    return rows.joined(separator: "\n")
  }
}

/// What came of one test.
public struct PolicyTestResult: Sendable {
  /// The file.
  public let file: String
  /// The test's name.
  public let name: String
  /// Steps that it has.
  public let steps: Int
  /// What was not as expected; empty where the test passed.
  public let failures: [PolicyTestFailure]
}

/// What came of all tests, and what of the policies none of them touched.
public struct PolicyTestReport: Sendable {
  /// What no test of a policy touched.
  public struct Coverage: Sendable {
    /// The policy's file.
    public let policy: String
    /// For each kind: how many there are, and the names of those that were not touched.
    public let kinds: [(kind: String, total: Int, untouched: [String])]
  }

  /// Tests in the order in which they ran.
  public let results: [PolicyTestResult]
  /// Files that could not be read.
  public let errors: [SourceErrors]
  /// One for each policy that was tested.
  public let coverage: [Coverage]

  /// Runs the tests of files, each test on a pool of its own.
  public init(files: [String]) { self.init(files: files, reading: SourceFiles.read) }

  /// As `init(files:)`, with a reader of files.
  init(files: [String], reading: (String) throws(SourceErrors) -> [UInt8]) {
    var results: [PolicyTestResult] = []
    var errors: [SourceErrors] = []
    var policies: [(source: PolicySource, usage: PolicyUsage)] = []
    for file in files {
      do throws(SourceErrors) {
        let tests = try PolicyTestFile(file: file, reading: reading)
        var usage = PolicyUsage()
        for test in tests.tests {
          let (failures, used) = PolicyTestRun.result(of: test, in: tests)
          usage.add(used)
          results.append(
            PolicyTestResult(
              file: file, name: test.name, steps: test.steps.count, failures: failures))
        }
        if let index = policies.firstIndex(where: { $0.source.file == tests.source.file }) {
          policies[index].usage.add(usage)
        } else {
          policies.append((tests.source, usage))
        }
      } catch {
        errors.append(error)
      }
    }
    self.results = results
    self.errors = errors
    coverage = policies.map { source, usage in
      Coverage(
        policy: source.file,
        kinds: usage.untouched(of: source.document).map { ($0.kind, $0.total, $0.names) })
    }
  }

  /// Whether there were tests, all could be read, and all passed.
  public var isPassed: Bool {
    errors.isEmpty && !results.isEmpty && results.allSatisfy(\.failures.isEmpty)
  }

  // MARK: forms

  /// The report as a person reads it.
  public var text: String {
    var lines: [String] = []
    for result in results {
      lines.append("\(result.failures.isEmpty ? "ok  " : "FAIL") \(result.file): \(result.name)")
      lines += result.failures.map(\.text)
    }
    lines += errors.map(\.description)
    let failed = results.count { !$0.failures.isEmpty }
    lines.append("")
    lines.append(
      "\(results.count) tests, \(failed) failed, \(errors.count) files could not be read")
    for policy in coverage {
      lines.append("not touched of \(policy.policy):")
      lines += policy.kinds.map { kind in
        let names = kind.untouched.isEmpty ? "" : ": " + kind.untouched.joined(separator: ", ")
        return "  \(kind.kind) \(kind.untouched.count) of \(kind.total)\(names)"
      }
    }
    return lines.joined(separator: "\n")
  }

  /// The report as a document of kind `policy_test_report`.
  public var json: String {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "policy_test_report")
      writer.bool("passed", isPassed)
      writer.array("tests") { writer in
        for result in results { Self.write(result, &writer) }
      }
      writer.array("errors") { writer in
        for error in errors.flatMap(\.errors) { error.write(&writer) }
      }
      writer.array("coverage") { writer in
        for policy in coverage { Self.write(policy, &writer) }
      }
    }
    return writer.text
  }

  private static func write(_ result: PolicyTestResult, _ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("file", result.file)
      writer.string("name", result.name)
      writer.int64("steps", Int64(result.steps))
      writer.bool("passed", result.failures.isEmpty)
      writer.array("failures") { writer in
        for failure in result.failures {
          writer.object { writer in
            writer.int64("step", Int64(failure.step))
            writer.string("what", failure.label)
            writer.string("at_seconds", failure.at)
            writer.int64("line", Int64(failure.place.line))
            writer.array("differences") { writer in
              for line in failure.lines {
                writer.object { writer in
                  writer.string("field", line.field)
                  writer.string("expected", line.expected)
                  writer.string("got", line.got)
                }
              }
            }
            if let sentence = failure.sentence { writer.string("because", sentence) }
          }
        }
      }
    }
  }

  private static func write(_ policy: Coverage, _ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("policy", policy.policy)
      for kind in policy.kinds {
        writer.object(kind.kind) { writer in
          writer.int64("total", Int64(kind.total))
          writer.array("untouched") { writer in
            for name in kind.untouched { writer.string(name) }
          }
        }
      }
    }
  }

  /// The report in the XML that CI systems read (JUnit).
  public var junit: String {
    let failed = results.count { !$0.failures.isEmpty }
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<testsuites tests=\"\(results.count)\" failures=\"\(failed)\" errors=\"\(errors.count)\">",
    ]
    var files: [String] = []
    for result in results where !files.contains(result.file) { files.append(result.file) }
    for file in files {
      let own = results.filter { $0.file == file }
      let failed = own.count { !$0.failures.isEmpty }
      lines.append(
        "  <testsuite name=\"\(XML.escaped(file))\" tests=\"\(own.count)\""
          + " failures=\"\(failed)\" errors=\"0\">")
      for result in own { lines += Self.junit(result) }
      lines.append("  </testsuite>")
    }
    for error in errors {
      let file = error.errors.first?.place.file ?? "?"
      lines += [
        "  <testsuite name=\"\(XML.escaped(file))\" tests=\"1\" failures=\"0\" errors=\"1\">",
        "    <testcase classname=\"\(XML.escaped(file))\" name=\"can be read\">",
        "      <error message=\"the file cannot be read\">\(XML.escaped("\(error)"))</error>",
        "    </testcase>", "  </testsuite>",
      ]
    }
    return (lines + ["</testsuites>", ""]).joined(separator: "\n")
  }

  private static func junit(_ result: PolicyTestResult) -> [String] {
    let head =
      "    <testcase classname=\"\(XML.escaped(result.file))\""
      + " name=\"\(XML.escaped(result.name))\""
    guard !result.failures.isEmpty else { return [head + "/>"] }
    let failures = result.failures.map { failure in
      let message = failure.lines.map { "\($0.field): expected \($0.expected), got \($0.got)" }
        .joined(separator: "; ")
      return "      <failure message=\"\(XML.escaped(message))\">"
        + "\(XML.escaped(failure.text))</failure>"
    }
    return [head + ">"] + failures + ["    </testcase>"]
  }
}

/// Text of an XML document.
enum XML {
  /// The text with everything replaced that means something in XML, or may not stand there.
  static func escaped(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&apos;"
      case "\n": result += "&#10;"
      case "\t": result += "&#9;"
      default:
        let isAllowed =
          scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
          && scalar.value != 0xFFFE && scalar.value != 0xFFFF
        result.unicodeScalars.append(isAllowed ? scalar : "\u{FFFD}")
      }
    }
  }
}
