/// A family of doubly linked lists over rows, links beside the rows; each row is in at most one.
///
/// Used for the devices and the leases of a node.
/// - Complexity: `append`, `remove` O(1); `insertInOrder` O(members).
struct RowLists: Sendable {
  private struct Link: BitwiseCopyable, Sendable {
    var previous = UInt32.max
    var next = UInt32.max
    var list = UInt32.max
  }

  private struct Ends: BitwiseCopyable, Sendable {
    var first = UInt32.max
    var last = UInt32.max
  }

  private var ends: [Ends] = []
  private var links: [Link] = []
  /// What `first` and `next` return past the end.
  static var none: UInt32 { .max }

  /// The first row of a list, or `none`.
  func first(of list: UInt32) -> UInt32 {
    Int(list) < ends.count ? ends[Int(list)].first : Self.none
  }

  /// The row after a row, or `none`.
  func next(after row: UInt32) -> UInt32 { links[Int(row)].next }

  private mutating func prepare(_ row: UInt32, _ list: UInt32) {
    while ends.count <= Int(list) { ends.append(Ends()) }
    while links.count <= Int(row) { links.append(Link()) }
    invariant(links[Int(row)].list == Self.none, "a row is in one list at most")
    links[Int(row)].list = list
  }

  /// Puts a row at the end.
  mutating func append(_ row: UInt32, to list: UInt32) {
    prepare(row, list)
    link(row, after: ends[Int(list)].last, in: list)
  }

  /// Puts a row before the first greater one, so that the list stays in row order.
  mutating func insertInOrder(_ row: UInt32, into list: UInt32) {
    prepare(row, list)
    var previous = ends[Int(list)].last
    while previous != Self.none, previous > row { previous = links[Int(previous)].previous }
    link(row, after: previous, in: list)
  }

  private mutating func link(_ row: UInt32, after previous: UInt32, in list: UInt32) {
    let next = previous == Self.none ? ends[Int(list)].first : links[Int(previous)].next
    links[Int(row)].previous = previous
    links[Int(row)].next = next
    if previous == Self.none {
      ends[Int(list)].first = row
    } else {
      links[Int(previous)].next = row
    }
    if next == Self.none {
      ends[Int(list)].last = row
    } else {
      links[Int(next)].previous = row
    }
  }

  /// Takes a row out of its list; nothing happens when it is in none.
  mutating func remove(_ row: UInt32) {
    guard Int(row) < links.count, links[Int(row)].list != Self.none else { return }
    let link = links[Int(row)]
    if link.previous == Self.none {
      ends[Int(link.list)].first = link.next
    } else {
      links[Int(link.previous)].next = link.next
    }
    if link.next == Self.none {
      ends[Int(link.list)].last = link.previous
    } else {
      links[Int(link.next)].previous = link.previous
    }
    links[Int(row)] = Link()
  }

  /// Checks that both directions agree and every listed row knows its list.
  func checkInvariants() {
    for (number, end) in ends.enumerated() {
      var previous = Self.none
      var row = end.first
      while row != Self.none {
        invariant(links[Int(row)].list == UInt32(number), "a listed row knows its list")
        invariant(links[Int(row)].previous == previous, "both directions agree")
        previous = row
        row = links[Int(row)].next
      }
      invariant(end.last == previous, "the list ends where its last row is")
    }
  }
}
