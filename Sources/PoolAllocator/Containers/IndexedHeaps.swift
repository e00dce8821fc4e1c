/// A family of min-heaps over rows; each row is in at most one of them, and can leave from
/// anywhere.
///
/// One position array serves all heaps of the family, so a family costs 8 bytes a row plus its
/// members, however many heaps it has. Used for timers (one heap), for the queue (a heap per queue
/// group and per bucket's parked claims) and for the placement index (a heap per class of free).
/// Ties are broken by row, so the least member is a function of the members alone.
/// - Complexity: `least` O(1); `insert`, `remove` O(log members), 4-ary.
struct IndexedHeaps<Order: Comparable & BitwiseCopyable & Sendable>: Sendable {
  /// A row with its key.
  struct Member: BitwiseCopyable, Sendable {
    var order: Order
    var row: UInt32

    func precedes(_ other: Member) -> Bool {
      order != other.order ? order < other.order : row < other.row
    }
  }

  private struct Place: BitwiseCopyable, Sendable {
    var heap: UInt32
    var position: UInt32
  }

  private var heaps: [[Member]] = []
  private var places: [Place] = []
  private static var nowhere: UInt32 { .max }

  init(heaps count: Int = 0) {
    heaps = Array(repeating: [], count: count)
  }

  /// Adds an empty heap.
  /// - Returns: its number.
  mutating func addHeap() -> UInt32 {
    heaps.append([])
    return UInt32(heaps.count - 1)
  }

  /// Number of heaps.
  var heapCount: Int { heaps.count }
  /// Members of one heap.
  func count(in heap: UInt32) -> Int { heaps[Int(heap)].count }
  func isEmpty(_ heap: UInt32) -> Bool { heaps[Int(heap)].isEmpty }
  /// The least member of a heap.
  func least(in heap: UInt32) -> Member? { heaps[Int(heap)].first }
  /// The members of one heap, in no order that a decision may rest on.
  func members(of heap: UInt32) -> [Member] { heaps[Int(heap)] }

  /// A walk through a heap in order that leaves the heap as it is.
  ///
  /// Keeps the members whose parent was given out, at most three times as many as were given out,
  /// in a binary heap of their own.
  /// - Complexity: O(k log k) for the first k members.
  struct Walk {
    private let heap: UInt32
    private var frontier: [Member] = []
    private var positions: [UInt32] = []
    private var hasBegun = false

    fileprivate init(heap: UInt32) { self.heap = heap }

    /// The next member, or nil past the last.
    mutating func next(in family: borrowing IndexedHeaps) -> Member? {
      if !hasBegun {
        hasBegun = true
        guard let least = family.least(in: heap) else { return nil }
        add(least, at: 0)
      }
      guard let (member, position) = removeLeast() else { return nil }
      let count = family.count(in: heap)
      for child in (position << 2 + 1)...(position << 2 + 4) where child < count {
        add(family.heaps[Int(heap)][child], at: UInt32(child))
      }
      return member
    }

    private mutating func add(_ member: Member, at position: UInt32) {
      frontier.append(member)
      positions.append(position)
      var child = frontier.count - 1
      while child > 0, member.precedes(frontier[(child - 1) >> 1]) {
        frontier[child] = frontier[(child - 1) >> 1]
        positions[child] = positions[(child - 1) >> 1]
        child = (child - 1) >> 1
      }
      frontier[child] = member
      positions[child] = position
    }

    private mutating func removeLeast() -> (Member, position: Int)? {
      guard let least = frontier.first, let last = frontier.popLast(),
        let position = positions.popLast()
      else { return nil }
      guard !frontier.isEmpty else { return (least, Int(position)) }
      let first = positions[0]
      var parent = 0
      while true {
        var child = parent << 1 + 1
        guard child < frontier.count else { break }
        if child + 1 < frontier.count, frontier[child + 1].precedes(frontier[child]) { child += 1 }
        guard frontier[child].precedes(last) else { break }
        frontier[parent] = frontier[child]
        positions[parent] = positions[child]
        parent = child
      }
      frontier[parent] = last
      positions[parent] = position
      return (least, Int(first))
    }
  }

  /// A walk through one heap, from its least member.
  func walk(_ heap: UInt32) -> Walk { Walk(heap: heap) }

  /// The heap that holds a row, or nil.
  func heap(of row: UInt32) -> UInt32? {
    guard Int(row) < places.count, places[Int(row)].heap != Self.nowhere else { return nil }
    return places[Int(row)].heap
  }

  /// The key of a row in the heap that holds it, or nil.
  func order(of row: UInt32) -> Order? {
    guard Int(row) < places.count, places[Int(row)].heap != Self.nowhere else { return nil }
    return heaps[Int(places[Int(row)].heap)][Int(places[Int(row)].position)].order
  }

  /// Puts a row into a heap, taking it out of the one it was in; moves it where it is there
  /// already.
  mutating func insert(_ row: UInt32, _ order: Order, into heap: UInt32) {
    if Int(row) < places.count, places[Int(row)].heap == heap {
      let position = Int(places[Int(row)].position)
      let before = heaps[Int(heap)][position].order
      guard before != order else { return }
      heaps[Int(heap)][position].order = order
      if order < before {
        siftUp(position, in: Int(heap))
      } else {
        siftDown(position, in: Int(heap))
      }
      return
    }
    remove(row)
    if Int(row) >= places.count {
      let missing = max(Int(row) + 1, places.count * 2) - places.count
      places.append(
        contentsOf: repeatElement(Place(heap: Self.nowhere, position: 0), count: missing))
    }
    heaps[Int(heap)].append(Member(order: order, row: row))
    places[Int(row)] = Place(heap: heap, position: UInt32(heaps[Int(heap)].count - 1))
    siftUp(heaps[Int(heap)].count - 1, in: Int(heap))
  }

  /// Takes a row out of the heap it is in, if any.
  mutating func remove(_ row: UInt32) {
    guard Int(row) < places.count, places[Int(row)].heap != Self.nowhere else { return }
    let place = places[Int(row)]
    let heap = Int(place.heap)
    let position = Int(place.position)
    places[Int(row)].heap = Self.nowhere
    guard let last = heaps[heap].popLast() else { broken("a placed row is in its heap") }
    guard position < heaps[heap].count else { return }
    heaps[heap][position] = last
    places[Int(last.row)].position = UInt32(position)
    if position > 0, last.precedes(heaps[heap][(position - 1) >> 2]) {
      siftUp(position, in: heap)
    } else {
      siftDown(position, in: heap)
    }
  }

  private mutating func siftUp(_ start: Int, in heap: Int) {
    var child = start
    let moving = heaps[heap][child]
    while child > 0 {
      let parent = (child - 1) >> 2
      let above = heaps[heap][parent]
      guard moving.precedes(above) else { break }
      heaps[heap][child] = above
      places[Int(above.row)].position = UInt32(child)
      child = parent
    }
    heaps[heap][child] = moving
    places[Int(moving.row)].position = UInt32(child)
  }

  private mutating func siftDown(_ start: Int, in heap: Int) {
    let count = heaps[heap].count
    var parent = start
    let moving = heaps[heap][parent]
    while true {
      let firstChild = parent << 2 + 1
      guard firstChild < count else { break }
      var best = firstChild
      for child in (firstChild + 1)..<(max(firstChild + 1, min(firstChild + 4, count))) {
        if heaps[heap][child].precedes(heaps[heap][best]) { best = child }
      }
      let below = heaps[heap][best]
      guard below.precedes(moving) else { break }
      heaps[heap][parent] = below
      places[Int(below.row)].position = UInt32(parent)
      parent = best
    }
    heaps[heap][parent] = moving
    places[Int(moving.row)].position = UInt32(parent)
  }

  /// Checks heap order and that positions and members agree.
  func checkInvariants() {
    var members = 0
    for (number, heap) in heaps.enumerated() {
      for (position, member) in heap.enumerated() {
        let place = places[Int(member.row)]
        invariant(place.heap == UInt32(number), "a member knows its heap")
        invariant(place.position == UInt32(position), "a member knows its position")
        if position > 0 {
          invariant(!member.precedes(heap[(position - 1) >> 2]), "no member precedes its parent")
        }
      }
      members += heap.count
    }
    let placed = places.reduce(into: 0) { $0 += $1.heap == Self.nowhere ? 0 : 1 }
    invariant(members == placed, "every placed row is a member once")
  }
}
