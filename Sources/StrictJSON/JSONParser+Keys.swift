extension JSONParser {
  /// A key and a number that equal keys share, so that most comparisons are of numbers.
  struct KeyMark {
    var mark: UInt64
    var node: Int
  }

  /// Largest object whose keys are compared each with each; above, they are sorted first.
  private static let pairwiseMembersMax = 24

  /// Records each key of a closed object that an earlier key equals.
  ///
  /// No hash table: with sorted keys no choice of keys makes this quadratic.
  mutating func checkKeys(of frame: Frame) {
    guard frame.count > 1, duplicates.count < limits.errorsMax else { return }
    keyOrder.removeAll(keepingCapacity: true)
    var key = frame.node + 1
    while key < nodes.count {
      keyOrder.append(KeyMark(mark: mark(key), node: key))
      let value = nodes[key + 1]
      key = value.isContainer ? Int(value.link) : key + 2
    }
    if frame.count <= Self.pairwiseMembersMax {
      comparePairs()
    } else {
      compareSorted()
    }
  }

  private mutating func comparePairs() {
    for later in 1..<keyOrder.count {
      for earlier in 0..<later where keyOrder[earlier].mark == keyOrder[later].mark {
        let (first, second) = (keyOrder[earlier].node, keyOrder[later].node)
        guard text(first) == text(second) else { continue }
        duplicate(second, of: first)
        break
      }
    }
  }

  private mutating func compareSorted() {
    let sorted = keyOrder.sorted { left, right in
      if left.mark != right.mark { return left.mark < right.mark }
      let (a, b) = (text(left.node), text(right.node))
      if a == b { return left.node < right.node }
      return a.lexicographicallyPrecedes(b)
    }
    var first = sorted[0]
    for next in sorted.dropFirst() {
      if next.mark == first.mark, text(next.node) == text(first.node) {
        duplicate(next.node, of: first.node)
      } else {
        first = next
      }
    }
  }

  private mutating func duplicate(_ second: Int, of first: Int) {
    guard duplicates.count < limits.errorsMax else { return }
    let name = JSONText.quoted(String(decoding: text(second), as: UTF8.self))
    duplicates.append(
      JSONFailure(
        offset: Int(nodes[second].start) - 1, node: second, "duplicate key \(name)",
        hint: "it was first given at", related: Int(nodes[first].start) - 1))
  }

  private func text(_ key: Int) -> ArraySlice<UInt8> {
    let node = nodes[key]
    if node.kind == .escaped { return unescaped[Int(node.link)..<Int(node.end)] }
    return bytes[Int(node.start)..<Int(node.end)]
  }

  /// Length and up to seven bytes spread over the key: equal for equal keys.
  private func mark(_ key: Int) -> UInt64 {
    let node = nodes[key]
    let start = Int(node.kind == .escaped ? node.link : node.start)
    let count = Int(node.end) - start
    let source = node.kind == .escaped ? unescaped : bytes
    var mark = UInt64(truncatingIfNeeded: count)
    for index in 0..<min(count, 4) { mark = mark << 8 | UInt64(source[start + index]) }
    for index in max(4, count - 3)..<max(4, count) {
      mark = mark << 8 | UInt64(source[start + index])
    }
    return mark
  }
}
