/// Up to four elements in place: rows stay trivially copyable.
public struct Fixed4<Element: BitwiseCopyable & Sendable>: BitwiseCopyable, Sendable {
  private var storage: InlineArray<4, Element>
  /// How many elements.
  public private(set) var count: Int

  /// Copies up to four elements; more is a programming error of the caller.
  init(_ elements: [Element], filler: Element) {
    invariant(elements.count <= 4, "a fixed list holds four elements")
    storage = InlineArray(repeating: filler)
    count = elements.count
    for (index, element) in elements.enumerated() { storage[index] = element }
  }

  /// One element; the index must be below `count`.
  public subscript(index: Int) -> Element {
    get { storage[index] }
    set { storage[index] = newValue }
  }

  /// Adds an element.
  mutating func append(_ element: Element) {
    storage[count] = element
    count += 1
  }
}
