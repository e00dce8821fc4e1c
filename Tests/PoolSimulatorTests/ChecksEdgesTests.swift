import Foundation
import Testing

@testable import PoolSimulator

/// J1: the table of steps is that of docs/STATES.md, both ways.
struct ChecksEdgesTests {
  /// The steps of the page: rows `| machine | from, from | to | because |`.
  private func page() throws -> Set<String> {
    let root = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(
      contentsOf: root.appending(path: "docs/STATES.md"), encoding: .utf8)
    var edges: Set<String> = []
    let machines = Set(StateEdges.Machine.allCases.map { "\($0)" })
    for line in text.split(separator: "\n") where line.hasPrefix("|") {
      let cells = line.split(separator: "|").map { $0.filter { $0 != " " && $0 != "`" } }
      guard cells.count >= 4, machines.contains(cells[0]) else { continue }
      for from in cells[1].split(separator: ",") {
        for to in cells[2].split(separator: ",") { edges.insert("\(cells[0]).\(from).\(to)") }
      }
    }
    return edges
  }

  @Test func theTableIsThePage() throws {
    let page = try page()
    let table = Set(StateEdges.all.map(\.name))
    #expect(table.count == StateEdges.all.count, "a step is listed twice")
    #expect(page.subtracting(table) == [], "steps of the page that the table lacks")
    #expect(table.subtracting(page) == [], "steps of the table that the page lacks")
  }

  @Test func onlyListedStepsHaveAnIndex() {
    for (index, edge) in StateEdges.all.enumerated() {
      #expect(StateEdges.index(edge.machine, from: edge.from, to: edge.to) == index)
    }
    #expect(StateEdges.index(.lease, from: 2, to: 1) == nil)
    #expect(StateEdges.index(.claim, from: 6, to: 1) == nil)
  }
}
