/// First in, first out.
/// - Complexity: amortised O(1) for each.
struct Fifo<Element: Sendable>: Sendable {
  private var elements: [Element?] = []
  private var taken = 0

  /// How many wait.
  var count: Int { elements.count - taken }
  /// Whether none waits.
  var isEmpty: Bool { count == 0 }
  /// The one that comes out next.
  var first: Element? { taken < elements.count ? elements[taken] : nil }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func popFirst() -> Element? {
    guard taken < elements.count else { return nil }
    let element = elements[taken]
    elements[taken] = nil
    taken += 1
    if taken > 32, taken * 2 > elements.count {
      elements.removeFirst(taken)
      taken = 0
    }
    return element
  }

  mutating func removeAll() {
    elements.removeAll()
    taken = 0
  }
}
