/// One value or key on the tape, 16 bytes. A container comes before its children; an object's
/// children alternate key, value.
struct JSONNode {
  enum Kind: UInt8 {
    case null, yes, no, number, plain, escaped, array, object
  }

  /// Offset of the value's first byte in the document; for a string, the byte after its quote.
  var start: UInt32
  /// number, plain: offset after the text. escaped: end of the text in `unescaped`.
  /// array, object: how many elements or members it has.
  var end: UInt32
  /// escaped: start of the text in `unescaped`. array, object: index of the node after the last
  /// child, 0 while the container is open.
  var link: UInt32
  var kind: Kind

  init(_ kind: Kind, start: Int, end: Int = 0, link: Int = 0) {
    self.start = UInt32(truncatingIfNeeded: start)
    self.end = UInt32(truncatingIfNeeded: end)
    self.link = UInt32(truncatingIfNeeded: link)
    self.kind = kind
  }

  var isContainer: Bool { kind == .array || kind == .object }
  var isString: Bool { kind == .plain || kind == .escaped }
}

/// A parsed document: its bytes and a flat array of nodes, no tree. Immutable, hence shareable.
///
/// After a syntax error the same type describes the part that was read, so that paths can be found.
final class JSONTape: Sendable {
  let bytes: [UInt8]
  let nodes: [JSONNode]
  /// The text of every string that had an escape, one after the other.
  let unescaped: [UInt8]
  let limits: JSONLimits

  init(bytes: [UInt8], nodes: [JSONNode], unescaped: [UInt8], limits: JSONLimits) {
    self.bytes = bytes
    self.nodes = nodes
    self.unescaped = unescaped
    self.limits = limits
  }

  /// Index of the node after the value at `index` and all its children.
  func after(_ index: Int) -> Int {
    let node = nodes[index]
    guard node.isContainer else { return index + 1 }
    return node.link == 0 ? nodes.count : Int(node.link)
  }

  /// The UTF-8 text of a string, key or number.
  func text(_ index: Int) -> ArraySlice<UInt8> {
    let node = nodes[index]
    if node.kind == .escaped { return unescaped[Int(node.link)..<Int(node.end)] }
    return bytes[Int(node.start)..<Int(node.end)]
  }

  /// UTF-8 length of a string, key or number.
  func textCount(_ index: Int) -> Int {
    let node = nodes[index]
    return Int(node.end) - Int(node.kind == .escaped ? node.link : node.start)
  }

  /// The text as a `String`; valid UTF-8 by construction.
  func string(_ index: Int) -> String {
    String(decoding: text(index), as: UTF8.self)
  }

  /// Offset where an error about this node points: a string's opening quote, else its first byte.
  func offset(_ index: Int) -> Int {
    let node = nodes[index]
    return node.isString ? Int(node.start) - 1 : Int(node.start)
  }

  /// Whether the key at `index` is `name`.
  func isKey(_ index: Int, _ name: String) -> Bool {
    let utf8 = name.utf8
    guard textCount(index) == utf8.count else { return false }
    let node = nodes[index]
    var place = Int(node.kind == .escaped ? node.link : node.start)
    let source = node.kind == .escaped ? unescaped : bytes
    for byte in utf8 {
      if byte != source[place] { return false }
      place += 1
    }
    return true
  }

  /// The path of a node, found by walking down from the root. `nodes.count` stands for the value
  /// that would have come next when reading stopped.
  ///
  /// - Complexity: O(siblings on the way).
  func path(to target: Int) -> String {
    var path = "$"
    var index = 0
    while index < target, index < nodes.count, nodes[index].isContainer {
      let end = after(index)
      var child = index + 1
      if nodes[index].kind == .array {
        var position = 0
        while child < end, !holds(child, target) {
          child = after(child)
          position += 1
        }
        path += "[\(position)]"
      } else {
        while child < end, child + 1 < end, child != target, !holds(child + 1, target) {
          child = after(child + 1)
        }
        guard child < end else { return path }
        path += JSONText.pathStep(string(child))
        if child == target || child + 1 >= end { return path }
        child += 1
      }
      index = child
    }
    return path
  }

  private func holds(_ index: Int, _ target: Int) -> Bool {
    let node = nodes[index]
    let isOpen = node.isContainer && node.link == 0
    return target >= index && (isOpen || target < after(index))
  }
}
