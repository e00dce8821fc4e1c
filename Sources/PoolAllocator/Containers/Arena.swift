/// A run of elements in an `Arena` or in a list of an `EventLog`.
public struct Span32: BitwiseCopyable, Hashable, Sendable {
  /// Index of the first element.
  public var first: UInt32
  /// How many elements.
  public var count: UInt16

  /// The empty run.
  public static let none = Span32(first: 0, count: 0)

  /// Makes a run.
  public init(first: UInt32, count: UInt16) {
    self.first = first
    self.count = count
  }

  /// The elements' indices.
  public var indices: Range<Int> { Int(first)..<Int(first) + Int(count) }
}

/// Short runs of elements in one array, in blocks of powers of two with a free list per size.
///
/// - Complexity: `append` O(length of the run), `free` O(1), access O(1).
struct Arena<Element: BitwiseCopyable & Sendable>: Sendable {
  private var elements: [Element] = []
  /// Free blocks by log2 of their size; a block's first index each.
  private var freeBlocks: [[UInt32]] = Array(repeating: [], count: 17)
  private(set) var live = 0

  /// Block class that holds `count` elements: sizes 1, 2, 4, … 65,536.
  private static func size(of count: Int) -> Int {
    count <= 1 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount
  }

  /// Copies a run into the arena.
  mutating func append(_ run: some RandomAccessCollection<Element>) -> Span32 {
    guard let filler = run.first else { return .none }
    invariant(run.count <= Int(UInt16.max), "a run is short")
    let size = Self.size(of: run.count)
    let first: UInt32
    if let reused = freeBlocks[size].popLast() {
      first = reused
    } else {
      first = UInt32(elements.count)
      elements.append(contentsOf: repeatElement(filler, count: 1 << size))
    }
    var target = Int(first)
    for element in run {
      elements[target] = element
      target += 1
    }
    live += run.count
    return Span32(first: first, count: UInt16(run.count))
  }

  /// Gives a run back.
  mutating func free(_ run: Span32) {
    guard run.count > 0 else { return }
    freeBlocks[Self.size(of: Int(run.count))].append(run.first)
    live -= Int(run.count)
    invariant(live >= 0, "a run is freed once")
  }

  /// One element.
  subscript(index: Int) -> Element {
    get { elements[index] }
    set { elements[index] = newValue }
  }

  mutating func pass(through coder: inout some ImageCoder) {
    coder.pass(&elements)
    coder.pass(lists: &freeBlocks)
    coder.pass(&live)
  }
}
