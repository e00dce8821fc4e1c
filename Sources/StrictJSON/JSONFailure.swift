/// An error before its line, column and path are worked out. Cheap to make: the document is
/// searched for positions once, after all failures are known.
struct JSONFailure: Error {
  /// Byte offset in the document.
  var offset: Int
  /// Node that the path leads to; `nodes.count` is the value that would have come next.
  var node: Int
  var problem: String
  var hint: String
  /// A second position; `line L, column C` is put after the hint.
  var related: Int?

  init(offset: Int, node: Int, _ problem: String, hint: String, related: Int? = nil) {
    self.offset = offset
    self.node = node
    self.problem = problem
    self.hint = hint
    self.related = related
  }
}

extension JSONTape {
  /// The failures in document order with positions and paths.
  ///
  /// - Complexity: O(document + failures * siblings on their paths).
  func resolve(_ failures: [JSONFailure]) -> [JSONError] {
    var order = Array(failures.indices)
    order.sort { (failures[$0].offset, $0) < (failures[$1].offset, $1) }
    var offsets = failures.map(\.offset)
    offsets.append(contentsOf: failures.compactMap(\.related))
    offsets.sort()
    let positions = positions(of: offsets)
    func position(_ offset: Int) -> (line: Int, column: Int) {
      positions[offsets.firstIndex(of: offset) ?? 0]
    }
    return order.map { index in
      let failure = failures[index]
      let (line, column) = position(failure.offset)
      var hint = failure.hint
      if let related = failure.related {
        let (line, column) = position(related)
        hint += " line \(line), column \(column)"
      }
      return JSONError(
        line: line, column: column, path: path(to: failure.node), problem: failure.problem,
        hint: hint)
    }
  }

  /// Line and column of each of the ascending `offsets`, in one pass.
  private func positions(of offsets: [Int]) -> [(line: Int, column: Int)] {
    var result: [(line: Int, column: Int)] = []
    result.reserveCapacity(offsets.count)
    var line = 1
    var column = 1
    var place = 0
    for offset in offsets {
      while place < min(offset, bytes.count) {
        let byte = bytes[place]
        if byte == ASCII.newline {
          line += 1
          column = 1
        } else if byte & 0xC0 != 0x80 {
          column += 1
        }
        place += 1
      }
      result.append((line, column))
    }
    return result
  }
}
