/// Text laid out in lines no longer than a width; nil means as long as they come.
public struct Page {
  /// Unit: characters; nil: as wide as it comes.
  public let width: Int?

  /// Makes a page.
  public init(width: Int?) { self.width = width }

  /// Between two columns.
  private static let gap = "  "
  /// A column is not made narrower for the others' sake. Unit: characters.
  private static let columnLeast = 6

  /// A column is left out before others become narrower than this. Unit: characters.
  private static let columnReadable = 16

  /// A table, indented: each column as wide as its widest cell. Where that is too much, columns
  /// that may be left out are, and named below; then the widest give way, and what does not fit
  /// ends in `…`.
  /// - Parameter optional: headers of columns that may be left out, the first one first.
  public func table(
    header: [String], rows: [[String]], optional: [String] = [], indent: String = "  "
  ) -> [String] {
    var table = [header] + rows
    let missing = leftOut(of: table, optional, indent)
    let kept = header.indices.filter { !missing.contains(header[$0]) }
    table = table.map { row in kept.compactMap { $0 < row.count ? row[$0] : nil } }
    let note =
      missing.isEmpty
      ? [] : prose("left out: \(missing.joined(separator: ", ")); a wider screen or a pipe has all")
    return narrowed(table, indent) + note
  }

  private func leftOut(
    of table: [[String]], _ optional: [String], _ indent: String
  ) -> [String] {
    guard let width, let header = table.first else { return [] }
    var need = indent.count - Self.gap.count
    var needs: [String: Int] = [:]
    for (column, name) in header.enumerated() {
      let widest = table.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
      needs[name] = min(widest, Self.columnReadable) + Self.gap.count
      need += needs[name] ?? 0
    }
    var missing: [String] = []
    for name in optional where need > width {
      need -= needs[name] ?? 0
      missing.append(name)
    }
    return missing
  }

  private func narrowed(_ table: [[String]], _ indent: String) -> [String] {
    let header = table.first ?? []
    var widths = header.indices.map { column in
      table.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    if let width {
      var excess = widths.reduce(indent.count, +) + Self.gap.count * (widths.count - 1) - width
      while excess > 0, let most = widths.max(), most > Self.columnLeast,
        let column = widths.lastIndex(of: most)
      {
        widths[column] -= 1
        excess -= 1
      }
    }
    return table.map { row in
      let cells = row.enumerated().map { column, cell in
        let cell = Self.cut(cell, to: widths[column])
        if column == row.count - 1 { return cell }
        return cell + String(repeating: " ", count: widths[column] - cell.count)
      }
      return cut(indent + cells.joined(separator: Self.gap))
    }
  }

  /// A sentence; where it is too long it goes on below, two columns further in.
  public func prose(_ text: String, indent: String = "  ") -> [String] {
    guard let width else { return [indent + text] }
    let inner = indent + "  "
    var lines: [String] = []
    var line = indent
    var isEmpty = true
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      if !isEmpty, line.count + 1 + word.count > width {
        lines.append(cut(line))
        line = inner
        isEmpty = true
      }
      line += (isEmpty ? "" : " ") + word
      isEmpty = false
    }
    return lines + [cut(line)]
  }

  private func cut(_ line: String) -> String { width.map { Self.cut(line, to: $0) } ?? line }

  private static func cut(_ text: String, to width: Int) -> String {
    text.count <= width ? text : String(text.prefix(max(0, width - 1))) + "…"
  }
}
