import Foundation
import Testing

@testable import PoolAllocator

/// Tables of text: one line is one command and what it must lead to.
///
///     10s submit c1 gpus=4 -> admitted lane=shared node=a | claimSubmitted leaseGranted
///
/// `TABLE_UPDATE=1 swift test --filter TableTests` writes what happened into the tables;
/// `TABLE_TRACE=1` prints each line before it runs, so that a crash names its line.
@Suite("Tables")
struct TableTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Tables")
  private static let page = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/STATES.md")

  private static let files: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".table") }.sorted()

  /// Every table is run once, whichever test asks first.
  private static let reports: [String: TableReport] = Dictionary(
    uniqueKeysWithValues: files.map { ($0, check($0)) })

  private static func text(_ file: String) throws -> String {
    try String(contentsOf: folder.appending(path: file), encoding: .utf8)
  }

  private static func check(_ file: String) -> TableReport {
    var runner = TableRunner { try text($0 + ".part") }
    guard let text = try? text(file) else {
      return TableReport(failures: [.init(line: 1, message: "unreadable", issue: nil)])
    }
    let report = runner.run(text)
    guard ProcessInfo.processInfo.environment["TABLE_UPDATE"] == "1" else { return report }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for change in report.rewritten.reversed() {
      let first = change.number - 1
      lines.replaceSubrange(first..<first + change.count, with: change.lines)
    }
    try? lines.joined(separator: "\n").write(
      to: folder.appending(path: file), atomically: true, encoding: .utf8)
    return report
  }

  @Test("what happens is what the table states", arguments: files)
  func table(file: String) throws {
    let report = try #require(Self.reports[file])
    for failure in report.failures {
      let place = SourceLocation(
        fileID: "PoolAllocatorTests/\(file)",
        filePath: Self.folder.appending(path: file).path, line: failure.line, column: 1)
      let comment = Comment(rawValue: "\(file):\(failure.line): \(failure.message)")
      if let issue = failure.issue {
        withKnownIssue(Comment(rawValue: issue)) { Issue.record(comment, sourceLocation: place) }
      } else {
        Issue.record(comment, sourceLocation: place)
      }
    }
  }

  @Test("every reason is given somewhere")
  func reasons() {
    let seen = Self.reports.values.reduce(into: Set<Reason.Code>()) { $0.formUnion($1.reasons) }
    for code in Reason.Code.allCases where !seen.contains(code) {
      Issue.record("no table leads to \(code)")
    }
  }

  @Test("the steps taken are those that docs/STATES.md lists")
  func edges() throws {
    let listed = TableStatesPage.edges(in: try String(contentsOf: Self.page, encoding: .utf8))
    let seen = Self.reports.values.reduce(into: Set<TableEdge>()) { $0.formUnion($1.edges) }
    #expect(listed.count == Set(listed).count, "an edge is listed twice")
    for edge in seen.subtracting(listed).sorted() { Issue.record("not listed: \(edge)") }
    for edge in Set(listed).subtracting(seen).sorted() { Issue.record("not seen: \(edge)") }
    let commands = Self.reports.values.reduce(0) { $0 + $1.commands }
    let hints = Self.reports.values.reduce(0) { $0 + $1.hints }
    print("tables: \(commands) commands, \(seen.count) edges, \(hints) exact hints")
  }

  @Test(
    "checker: a wrong table fails",
    arguments: [
      "submit c1 lanes=none",
      "submit c1 lanes=none -> admitted",
      "submit c1 lanes=none -> rejected",
      "submit c1 lanes=none -> rejected [tenantUnknown]",
      "submit c1 lanes=none -> rejected [policyMissing(acme)]",
      "submit c1 lanes=none -> rejected [policyMissing] |",
      "submit c1 lanes=none -> rejected [policyMissing] | claimRefused(laneFull)",
      "begin 1 -> done | epochBegun(2)",
      "show pool -> epoch=7",
      "show pool -> depth=0",
      "begin one -> done",
      "dance -> done",
      "cancel c1 -> done",
      "begin 1 ->",
      "issue it is right by now\nbegin 1 -> done",
    ])
  func wrong(table: String) {
    var runner = TableRunner { _ in "" }
    let report = runner.run(table)
    #expect(report.failures.count == 1)
    #expect(report.failures.allSatisfy { $0.issue == nil })
  }

  @Test("checker: a mark keeps a failure apart")
  func marked() {
    var runner = TableRunner { _ in "" }
    let report = runner.run("issue 8.4 as an example\nbegin 1 -> parked")
    #expect(report.failures.map(\.issue) == ["8.4 as an example"])
  }

  @Test("checker: a line is written anew as it happened, with its comment")
  func rewriting() {
    var runner = TableRunner { _ in "" }
    let report = runner.run("# head\nbegin 1 -> | # first\nsubmit c1 lanes=none -> parked |")
    #expect(
      report.rewritten.map(\.lines) == [
        ["# first", "begin 1 -> done | epochBegun(1)"],
        ["submit c1 lanes=none -> rejected [policyMissing] | claimRefused(policyMissing)"],
      ])
    #expect(report.rewritten.map(\.number) == [2, 3])
  }
}
