import PoolAllocator

/// Moments with what is due then, least first: a binary heap whose entries are never taken out
/// early. Whoever pops one finds out whether it still matters.
struct Deadlines<Item: Sendable>: Sendable {
  private var heap: [(moment: Instant, item: Item)] = []

  /// Entries, those that no longer matter included.
  var count: Int { heap.count }

  /// Adds an entry.
  /// - Complexity: O(log count).
  mutating func add(_ item: Item, at moment: Instant) {
    heap.append((moment, item))
    var child = heap.count - 1
    while child > 0, heap[child].moment < heap[(child - 1) / 2].moment {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Takes out an entry whose moment is before another, if there is one.
  /// - Complexity: O(log count), and O(1) where there is none.
  mutating func popFirst(before moment: Instant) -> (moment: Instant, item: Item)? {
    guard let first = heap.first, first.moment < moment else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      sink(0)
    }
    return first
  }

  /// Drops entries that no longer matter.
  /// - Complexity: O(count).
  mutating func keep(where matters: (Instant, Item) -> Bool) {
    heap.removeAll { !matters($0.moment, $0.item) }
    for parent in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(parent) }
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if heap[child].moment < heap[least].moment { least = child }
      }
      guard least != parent else { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
