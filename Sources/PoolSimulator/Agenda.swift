import PoolAllocator

/// What is to be done when; first come first among equals.
///
/// The heap holds places alone: what is to be done may be large, and stays where it is put.
/// - Complexity: O(log n) for each operation.
struct Agenda<Item: Sendable>: Sendable {
  private struct Entry: BitwiseCopyable, Sendable {
    var moment: Instant
    var number: Int
    var place: Int

    func precedes(_ other: Entry) -> Bool {
      moment != other.moment ? moment < other.moment : number < other.number
    }
  }

  private var heap: [Entry] = []
  private var items: [Item?] = []
  private var free: [Int] = []
  private var added = 0

  /// How many items wait.
  var count: Int { heap.count }

  /// The first moment at which something is to be done.
  var first: Instant? { heap.first?.moment }

  mutating func add(_ item: consuming Item, at moment: Instant) {
    let place: Int
    if let last = free.popLast() {
      place = last
      items[place] = item
    } else {
      place = items.count
      items.append(item)
    }
    heap.append(Entry(moment: moment, number: added, place: place))
    added += 1
    var child = heap.count - 1
    while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Takes out the first item that is due, if any.
  mutating func popFirst(at now: Instant) -> Item? {
    guard let first = heap.first, first.moment <= now else { return nil }
    heap[0] = heap[heap.count - 1]
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if heap[child].precedes(heap[least]) { least = child }
      }
      guard least != parent else { break }
      heap.swapAt(parent, least)
      parent = least
    }
    free.append(first.place)
    return items[first.place].take()
  }
}
