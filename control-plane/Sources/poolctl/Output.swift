import ArgumentParser
import Foundation
import PoolClient
import PoolConsole
import Yams

/// How an answer is shown.
enum Format: String, CaseIterable, ExpressibleByArgument {
  case table, wide, json, jsonl, yaml, name
}

/// A list of the server as a table.
struct Columns {
  var header: [String]
  /// What may be left out of a narrow table, the first one first.
  var optional: [String] = []
  /// The member that names a row.
  var name: String
  var row: ([String: Any]) -> [String]
}

enum Output {
  /// Shows a list that is a member of an answer.
  static func show(_ reply: Reply, list: String, _ columns: Columns, as format: Format) throws {
    let rows = reply.object[list] as? [[String: Any]] ?? []
    switch format {
    case .json, .yaml: try show(reply, as: format)
    case .jsonl: for row in rows { print(try text(row)) }
    case .name: for row in rows { print(Terminal.plain(text(row, columns.name))) }
    case .table, .wide: print(table(rows, columns, as: format).joined(separator: "\n"))
    }
  }

  /// The lines of a list that is a member of an answer.
  static func table(
    _ reply: Reply, list: String, _ columns: Columns, as format: Format
  ) -> [String] {
    table(reply.object[list] as? [[String: Any]] ?? [], columns, as: format)
  }

  /// The lines of a list.
  static func table(
    _ rows: [[String: Any]], _ columns: Columns, as format: Format
  ) -> [String] {
    guard !rows.isEmpty else { return ["none"] }
    let page = Page(width: format == .wide ? nil : Terminal.width())
    let cells = rows.map { columns.row($0).map { Terminal.plain($0) } }
    return page.table(header: columns.header, rows: cells, optional: columns.optional, indent: "")
  }

  /// Shows an answer as it came.
  static func show(_ reply: Reply, as format: Format) throws {
    guard format == .yaml else { return print(String(decoding: reply.body, as: UTF8.self)) }
    let value = try JSONSerialization.jsonObject(with: reply.body)
    print(try Yams.serialize(node: node(value), sortKeys: true), terminator: "")
  }

  /// A client file for somebody, for `--config`.
  static func clientFile(server: String, token: String) throws -> String {
    let file: [String: Any] = [
      "schema_version": 1, "kind": "client", "server": server, "token": token,
    ]
    let text = try JSONSerialization.data(
      withJSONObject: file, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: text, as: UTF8.self)
  }

  private static func text(_ row: [String: Any]) throws -> String {
    let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
    return String(
      decoding: try JSONSerialization.data(withJSONObject: row, options: options), as: UTF8.self)
  }

  /// A value as the writer of YAML knows it; numbers as they were written.
  private static func node(_ value: Any) -> Node {
    switch value {
    case let map as [String: Any]:
      Node(map.sorted { $0.key < $1.key }.map { (Node($0.key), node($0.value)) })
    case let list as [Any]: Node(list.map { node($0) })
    case let number as NSNumber:
      String(cString: number.objCType) == "c"
        ? Node(number.boolValue ? "true" : "false", Tag(.bool)) : Node("\(number)", Tag(.float))
    case let text as String: Node(text)
    default: Node("null", Tag(.null))
    }
  }

  /// A document that somebody wrote, in YAML or JSON, as JSON.
  /// - Parameter path: the file; `-`: standard input.
  static func document(_ path: String) throws -> Data {
    let handle = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
    guard let handle, let data = try handle.read(upToCount: 16 << 20) else {
      throw ValidationError("\(path) cannot be read")
    }
    // JSON goes to the server as it is, which names errors by their place.
    if (try? JSONSerialization.jsonObject(with: data)) != nil { return data }
    guard let text = String(data: data, encoding: .utf8) else {
      throw ValidationError("\(path) is no text")
    }
    do {
      guard let value = try Yams.load(yaml: text), JSONSerialization.isValidJSONObject(value) else {
        throw ValidationError("\(path) is no document: it has to be a map")
      }
      return try JSONSerialization.data(withJSONObject: value)
    } catch let error as YamlError {
      throw ValidationError("\(path): \(error)")
    }
  }

  // MARK: words of cells

  static func text(_ row: [String: Any], _ name: String) -> String {
    switch row[name] {
    case let text as String: text
    case let number as NSNumber: "\(number)"
    case let list as [String]: list.joined(separator: " ")
    default: "-"
    }
  }

  /// Thousandths as devices.
  static func milli(_ row: [String: Any], _ name: String) -> String {
    guard let value = (row[name] as? NSNumber)?.int64Value else { return "-" }
    let (whole, part) = (value / 1000, "\(abs(value % 1000))")
    return "\(whole)." + String(repeating: "0", count: 3 - part.count) + part
  }

  static func gibibytes(_ row: [String: Any], _ name: String) -> String {
    guard let value = (row[name] as? NSNumber)?.doubleValue else { return "-" }
    return "\((value / Double(1 << 30) * 10).rounded() / 10) GiB"
  }

  /// A span in the words of people.
  static func span(_ milliseconds: Double) -> String {
    let seconds = Int(max(0, milliseconds / 1000).rounded())
    if seconds < 60 { return "\(seconds)s" }
    if seconds < 3600 { return "\(seconds / 60)m\(seconds % 60)s" }
    return "\(seconds / 3600)h\(seconds % 3600 / 60)m"
  }

  /// How long before a moment of an answer something was.
  static func ago(_ row: [String: Any], _ name: String, at now: Double) -> String {
    guard let moment = (row[name] as? NSNumber)?.doubleValue else { return "-" }
    return span(now - moment)
  }

  /// How long after a moment of an answer something is.
  static func ahead(_ row: [String: Any], _ name: String, at now: Double) -> String {
    guard let moment = (row[name] as? NSNumber)?.doubleValue else { return "-" }
    return "in " + span(moment - now)
  }
}
