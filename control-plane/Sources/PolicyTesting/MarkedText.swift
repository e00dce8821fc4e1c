internal import StrictJSON

/// A document as JSON with each key and each value on a line of its own, so that an error's line
/// says where the value was written.
struct MarkedText {
  private(set) var bytes: [UInt8] = []
  private var places: [SourcePlace] = []

  init(_ node: SourceNode) { write(node, after: "") }

  /// Reads the document; errors are told at the places of their values.
  func read<T>(
    _ body: (JSONDocument) throws(JSONErrors) -> T
  ) throws(SourceErrors) -> T {
    do throws(JSONErrors) {
      return try body(try JSONDocument(bytes))
    } catch {
      throw SourceErrors(error.errors.map(located), isTruncated: error.isTruncated)
    }
  }

  private func located(_ error: JSONError) -> SourceError {
    let line = min(max(error.line, 1), places.count)
    return SourceError(places[line - 1], path: error.path, error.problem, hint: error.hint)
  }

  private mutating func write(_ node: SourceNode, after comma: String) {
    switch node.kind {
    case .null: line(comma + "null", node.place)
    case .bool(let value): line(comma + "\(value)", node.place)
    case .number(let text): line(comma + text, node.place)
    case .text(let text): line(comma + Self.quoted(text), node.place)
    case .list(let elements):
      line(comma + "[", node.place)
      for (index, element) in elements.enumerated() {
        write(element, after: index == 0 ? "" : ",")
      }
      line("]", node.place)
    case .map(let members):
      line(comma + "{", node.place)
      for (index, member) in members.enumerated() {
        line((index == 0 ? "" : ",") + Self.quoted(member.key) + ":", member.place)
        write(member.value, after: "")
      }
      line("}", node.place)
    }
  }

  private mutating func line(_ text: String, _ place: SourcePlace) {
    bytes.append(contentsOf: text.utf8)
    bytes.append(UInt8(ascii: "\n"))
    places.append(place)
  }

  private static func quoted(_ text: String) -> String {
    var writer = JSONWriter()
    writer.string(text)
    return writer.text
  }
}
