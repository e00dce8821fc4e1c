import HardwareProbe
import PoolConsole

/// What `pool-agent probe` shows a person.
enum ProbeText {
  /// The inventory for a screen of a width; nil where nothing is to be cut.
  static func text(of inventory: NodeInventory, width: Int?) -> String {
    guard width != nil else { return inventory.table(agentVersion: Forms.program.version) }
    let page = Page(width: width)
    let lines = inventory.blocks(agentVersion: Forms.program.version).flatMap { block in
      switch block {
      case .line(let line): page.prose(line, indent: "")
      case .table(let header, let rows, let optional):
        table(header: header, rows: rows, optional: optional, page)
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// A table, and below it what of each row had to be cut and a person came for: the UUID of a MIG
  /// device, by which it is asked for, and the state in the last cell.
  private static func table(
    header: [String], rows: [[String]], optional: [String], _ page: Page
  ) -> [String] {
    let lines = page.table(header: header, rows: rows, optional: optional, indent: "")
    let cut = zip(rows, lines.dropFirst()).flatMap { row, line in
      guard let first = row.first, let last = row.last else { return [String]() }
      let uuids = row.filter { $0.hasPrefix("MIG-") && !line.contains($0) }
      let state = line.hasSuffix("  " + last) ? [] : [last]
      return (uuids + state).flatMap { page.prose("\(first): \($0)") }
    }
    return lines + cut
  }
}
