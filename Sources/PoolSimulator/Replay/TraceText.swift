/// What is wrong with a trace, and where.
public struct TraceError: Error, Hashable, Sendable {
  /// The line, from 1.
  public var line: Int
  /// What is wrong, and what would be right.
  public var message: String
}

/// Text of comma-separated values, in which quotes have no meaning.
enum TraceText {
  /// Longest line. Unit: bytes.
  static let lineBytesMax = 1_024

  /// Visits every line without its end.
  /// - Returns: how many there are.
  /// - Throws: where a line is too long, and what the visit throws.
  static func forEachLine(
    of bytes: [UInt8], _ body: (ArraySlice<UInt8>, Int) throws(TraceError) -> Void
  ) throws(TraceError) -> Int {
    var line = 0
    var start = 0
    while start < bytes.count {
      var end = start
      while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
      line += 1
      var last = end
      if last > start, bytes[last - 1] == UInt8(ascii: "\r") { last -= 1 }
      guard last - start <= lineBytesMax else {
        throw TraceError(line: line, message: "the line is longer than \(lineBytesMax) bytes")
      }
      try body(bytes[start..<last], line)
      start = end + 1
    }
    return line
  }

  /// The fields of a line.
  static func fields(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
  }

  /// A whole number in a field.
  static func number(
    _ bytes: ArraySlice<UInt8>, _ field: String, _ range: ClosedRange<Int64>, _ line: Int
  ) throws(TraceError) -> Int64 {
    // Digits alone: `Int64` would take a plus sign too.
    guard !bytes.isEmpty, bytes.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
      let value = Int64(String(decoding: bytes, as: UTF8.self)), range.contains(value)
    else {
      let upper = range.upperBound == .max ? "" : " to \(range.upperBound)"
      throw TraceError(
        line: line, message: "\(field) is no whole number from \(range.lowerBound)\(upper)")
    }
    return value
  }

  /// A name in a field.
  static func name(
    _ bytes: ArraySlice<UInt8>, _ field: String, bytesMax: Int, _ line: Int
  ) throws(TraceError) -> String {
    guard (1...bytesMax).contains(bytes.count),
      let name = String(validating: bytes, as: UTF8.self)
    else {
      throw TraceError(
        line: line, message: "\(field) is no UTF-8 name of 1 to \(bytesMax) bytes")
    }
    return name
  }
}

/// A table of comma-separated values whose first line names the columns, in any order; columns that
/// nobody asks for are passed over.
struct TraceTable {
  /// One line below the header.
  struct Row {
    let line: Int
    fileprivate let fields: [ArraySlice<UInt8>]
  }

  let rows: [Row]
  private let columns: [String]

  /// Reads a table.
  /// - Parameters:
  ///   - required: columns that must be there.
  ///   - rowsMax: more lines below the header are refused.
  init(_ bytes: [UInt8], required: [String], rowsMax: Int) throws(TraceError) {
    var columns: [String] = []
    var rows: [Row] = []
    let wanted = required.joined(separator: ",")
    let lines = try TraceText.forEachLine(of: bytes) { (text, line) throws(TraceError) in
      let fields = TraceText.fields(text)
      if line == 1 {
        columns = fields.map { String(decoding: $0, as: UTF8.self) }
        guard required.allSatisfy({ name in columns.count { $0 == name } == 1 }) else {
          throw TraceError(
            line: 1, message: "the first line must name each of these columns once: \(wanted)")
        }
        return
      }
      guard fields.count == columns.count else {
        throw TraceError(
          line: line, message: "\(fields.count) fields; the first line names \(columns.count)")
      }
      guard rows.count < rowsMax else {
        throw TraceError(line: line, message: "more than \(rowsMax) rows; cut the file")
      }
      rows.append(Row(line: line, fields: fields))
    }
    guard lines > 0 else {
      throw TraceError(
        line: 1, message: "the file is empty; its first line must name the columns \(wanted)")
    }
    guard !rows.isEmpty else {
      throw TraceError(line: lines, message: "nothing follows the first line")
    }
    self.rows = rows
    self.columns = columns
  }

  /// Where a column stands; nil where there is none.
  func column(_ name: String) -> Int? { columns.firstIndex(of: name) }

  /// The bytes of a row in a column; none where there is no such column.
  func bytes(_ row: Row, _ name: String) -> ArraySlice<UInt8> {
    column(name).map { row.fields[$0] } ?? []
  }

  /// A whole number of a row.
  func number(
    _ row: Row, _ name: String, _ range: ClosedRange<Int64>
  ) throws(TraceError) -> Int64 {
    try TraceText.number(bytes(row, name), name, range, row.line)
  }
}
