import Foundation
import Testing

@Suite("Runbook and commands")
struct RunbookTests {
  private let repository = Repository.current

  private func sources(_ folder: String) throws -> [String] {
    try repository.paths(under: [folder], suffix: ".swift").map { try repository.text($0) }
  }

  @Test("every alert has its section, and every section its alert")
  func alerts() throws {
    let rules = try repository.text("packaging/prometheus/alerts.yml")
    let runbook = try repository.text("docs/runbook.md")
    expectClean(RunbookRules.alertSections(rules: rules, runbook: runbook))
  }

  @Test("every command that a document shows is there")
  func commands() throws {
    let known = [
      "poolctl": RunbookRules.parsedCommands(in: try sources("control-plane/Sources/poolctl")),
      "pool-server": RunbookRules.parsedCommands(
        in: try sources("control-plane/Sources/pool-server")),
      "pool-agent": RunbookRules.formedCommands(in: try sources("Sources/pool-agent")),
      "pool-sim": RunbookRules.formedCommands(in: try sources("Sources/pool-sim")),
    ]
    for (program, commands) in known { #expect(!commands.isEmpty, "\(program)") }
    // What was decided and what changed tells of its own time.
    let paths = repository.paths.filter {
      $0.hasSuffix(".md") && !$0.hasPrefix("docs/decisions/") && $0 != "CHANGELOG.md"
    }
    expectClean(
      try paths.flatMap { path in
        RunbookRules.unknownCommands(path, text: try repository.text(path), known: known)
      })
  }

  @Test(
    "checker: sections of alerts",
    arguments: [
      ("### PoolA\n### PoolB", 0), ("### PoolA", 1), ("### PoolA\n### PoolB\n### PoolC", 1),
    ])
  func sections(runbook: String, count: Int) {
    let rules = "rules:\n  - alert: PoolA\n    expr: a\n  - alert: PoolB\n"
    #expect(RunbookRules.alertSections(rules: rules, runbook: runbook).count == count)
  }

  @Test("checker: commands of sources")
  func parsed() {
    let source = """
      @main struct Tool: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
          commandName: "tool", subcommands: [Look.self, NodeCommands.self])
      }
      struct Look: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Looks.")
      }
      struct NodeCommands: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
          commandName: "node", abstract: "Changes.", subcommands: [
            FarAway.self,
          ])
        struct FarAway: AsyncParsableCommand {}
      }
      """
    #expect(RunbookRules.parsedCommands(in: [source]) == ["look", "node", "node far-away"])
    let form = "static let a = CommandLineForm(\n    name: \"what-if\", usage: \"\")"
    #expect(RunbookRules.formedCommands(in: [form]) == ["what-if"])
  }

  @Test(
    "checker: commands of documents",
    arguments: [
      ("`tool lok`", 1), ("`tool look x`", 0), ("`tool node far`", 1), ("`tool node -w`", 0),
      ("tool lok", 0), ("```\ntool lok\n```", 1), ("```\n$ tool look\ntool is ready\n```", 0),
      ("`a | tool lok && tool lok`", 2), ("`tool --config FILE lok`", 1), ("`A=1 tool lok`", 1),
      ("`tool`", 0), ("`tool NAME`", 0), ("`eval \"$(tool lok)\"`", 1),
    ])
  func shown(text: String, count: Int) {
    let known: [String: Set<String>] = ["tool": ["look", "node", "node far-away"]]
    #expect(RunbookRules.unknownCommands("a.md", text: text, known: known).count == count)
  }
}
