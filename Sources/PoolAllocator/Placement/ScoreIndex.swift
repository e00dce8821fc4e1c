/// Derived, not in the digest: the most points that each node could give to demands that come again
/// and again, so that a place is found without a look at every node.
///
/// A board belongs to one demand in one lane. It says for each node what the demand could get there
/// whatever is kept for others, as the leaves of a tree whose inner cells hold the greater of two.
/// What changes on a node is noted once; a board reads the notes of its lane when its demand comes
/// again.
struct ScoreIndex: Sendable {
  /// Points where a demand surely has no room.
  static let never = Int32.min

  /// Demands with the same points everywhere.
  struct Subject: BitwiseCopyable, Equatable, Sendable {
    var demand: Demand
    /// Row of the tenant, where GPUs are opened to it alone; `.max` where it makes no difference.
    var tenant: UInt32
  }

  /// The points of one subject in one lane.
  struct Board: Sendable {
    /// The tree, from its top at 1; the leaves stand last, one for each node row.
    fileprivate(set) var tree: [Int32] = []
    /// Leaves, a power of two.
    fileprivate(set) var size = 0
    /// Notes of the lane that it has read.
    fileprivate(set) var read = 0
    /// Version of the scores that its points are of; none where it is empty.
    fileprivate(set) var version: UInt64 = 0
  }

  /// Nodes of a lane, each again whenever it changes.
  private struct Notes: Sendable {
    var nodes: [UInt32] = []
    /// Notes that were dropped before the first.
    var dropped = 0
    /// Up to where a board has read.
    var read = 0

    var count: Int { dropped + nodes.count }

    mutating func add(_ node: UInt32, atMost most: Int) {
      if read < count, nodes.last == node { return }
      nodes.append(node)
      guard nodes.count > most else { return }
      nodes.removeFirst(most / 2)
      dropped += most / 2
    }
  }

  /// What is free on a node, as it was at one change of it.
  private struct KeptRoom: Sendable {
    var room = NodeRoom()
    var version: UInt64 = 0
    var change: UInt32 = 0
  }

  /// Whether places are scored at all.
  private(set) var isKept = false
  /// Rises whenever all points change at once.
  private(set) var version: UInt64 = 1
  private var notes: [Notes] = Array(repeating: Notes(), count: Limits.lanes)
  /// Changes of each node, by row.
  private var changes: [UInt32] = []
  private var rooms: [KeptRoom] = []
  private var boards: [Board] = []
  private var subjects: [Subject] = []
  private var subjectRows = KeyIndex()
  /// By subject and lane, the board, or −1.
  private var rows: [Int32] = []
  /// Leaves of all boards together, and what else they take, as so many leaves.
  private var leaves = 0
  private static let (perSubject, perBoard) = (64, 16)
  /// Boards that were not made since there was no more room.
  private var refused = 0
  /// By node row, the last reading that saw it.
  private var readings: [UInt32] = []
  private var reading: UInt32 = 0

  // MARK: notes

  /// All points change: another policy, or other values.
  mutating func renew(isKept: Bool) {
    version += 1
    guard isKept != self.isKept else { return }
    let next = version
    self = ScoreIndex()
    self.isKept = isKept
    version = next
  }

  /// Notes that something changed on a node that has devices in some lanes.
  mutating func note(_ node: UInt32, lanes: LaneSet) {
    guard isKept else { return }
    admit(nodes: Int(node) + 1)
    changes[Int(node)] &+= 1
    let most = max(Limits.scoreNotes, 2 * changes.count)
    var left = lanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      notes[Int(lane)].add(node, atMost: most)
    }
  }

  /// Makes room for so many node rows.
  mutating func admit(nodes: Int) {
    guard changes.count < nodes else { return }
    let more = nodes - changes.count
    changes += Array(repeating: 1, count: more)
    rooms += Array(repeating: KeptRoom(), count: more)
    readings += Array(repeating: 0, count: more)
  }

  // MARK: boards

  /// The board of a subject in a lane, if there is one.
  func board(of subject: Subject, lane: UInt32) -> Int? {
    guard let row = subjectRows.row(for: subject.key), subjects[Int(row)] == subject else {
      return nil
    }
    let board = rows[Int(row) * Limits.lanes + Int(lane)]
    return board < 0 ? nil : Int(board)
  }

  /// The board of a subject in a lane, made where there is none. Where all boards would take too
  /// much memory no more are made for a while, and then all go.
  /// - Returns: nil for a subject that does without: there is no room, or another one has its key.
  mutating func makeBoard(of subject: Subject, lane: UInt32, nodes: Int) -> Int? {
    if let board = board(of: subject, lane: lane) { return board }
    if leaves + nodes > Limits.scoreLeaves {
      refused += 1
      guard refused > Limits.scoreRefusals else { return nil }
      (boards, subjects, subjectRows, rows, leaves, refused) = ([], [], KeyIndex(), [], 0, 0)
    }
    let row = subjectRows.row(for: subject.key) ?? UInt32(subjects.count)
    if Int(row) == subjects.count {
      subjectRows.insert(subject.key, row)
      subjects.append(subject)
      leaves += Self.perSubject
      rows += Array(repeating: -1, count: Limits.lanes)
    }
    guard subjects[Int(row)] == subject else { return nil }
    rows[Int(row) * Limits.lanes + Int(lane)] = Int32(boards.count)
    boards.append(Board())
    leaves += Self.perBoard
    return boards.count - 1
  }

  /// Nodes that a board has to look at again, each once; nil where these are all nodes: the first
  /// time, under other scores, and where the pool has more nodes than it has leaves.
  mutating func stale(_ board: Int, lane: UInt32, nodes: Int) -> [UInt32]? {
    let lane = Int(lane)
    let first = boards[board].read - notes[lane].dropped
    boards[board].read = notes[lane].count
    notes[lane].read = notes[lane].count
    guard boards[board].version == version, boards[board].size >= nodes, first >= 0 else {
      return nil
    }
    if first == notes[lane].nodes.count { return [] }
    reading &+= 1
    var stale: [UInt32] = []
    for row in first..<notes[lane].nodes.count {
      let node = notes[lane].nodes[row]
      guard readings[Int(node)] != reading else { continue }
      readings[Int(node)] = reading
      stale.append(node)
    }
    return stale
  }

  /// Nodes that changed since a board was read, maybe several times; nil where it is of no use.
  func unread(_ board: Int, lane: UInt32) -> ArraySlice<UInt32>? {
    let first = boards[board].read - notes[Int(lane)].dropped
    guard boards[board].version == version, first >= 0 else { return nil }
    let unread = notes[Int(lane)].nodes[first...]
    return unread.count > Limits.scoreUnread ? nil : unread
  }

  /// Begins a board anew, without room anywhere.
  mutating func clear(_ board: Int, nodes: Int) {
    var size = 1
    while size < nodes { size *= 2 }
    leaves += size - boards[board].size
    boards[board].size = size
    boards[board].version = version
    boards[board].tree = Array(repeating: Self.never, count: 2 * size)
  }

  /// Notes the points of a node.
  /// - Complexity: O(log nodes).
  mutating func set(_ points: Int32, of node: UInt32, on board: Int) {
    boards[board].set(points, of: node)
  }

  // MARK: rooms

  /// Whether what is known of a node's free room is as it is now.
  func isFresh(_ node: UInt32) -> Bool {
    Int(node) < rooms.count && rooms[Int(node)].version == version
      && rooms[Int(node)].change == changes[Int(node)]
  }

  /// The room of a node, if it is as it is now.
  func room(of node: UInt32) -> NodeRoom { rooms[Int(node)].room }

  /// Takes the room of a node out, to be filled anew.
  mutating func takeRoom(of node: UInt32) -> NodeRoom {
    var room = NodeRoom()
    swap(&room, &rooms[Int(node)].room)
    return room
  }

  /// Puts the room of a node back, as it is now.
  mutating func keep(_ room: NodeRoom, of node: UInt32) {
    rooms[Int(node)] = KeptRoom(room: room, version: version, change: changes[Int(node)])
  }

  // MARK: the best first

  /// Nodes of some boards, those with the most points first; of equals in a lane the least row.
  struct Walk {
    /// A part of a tree.
    private struct Part {
      var points: Int32
      var node: UInt32
      var lane: UInt32
      var board: Int
      var cell: Int
    }

    private var parts: [Part] = []

    /// Adds a board.
    mutating func add(_ board: Int, lane: UInt32, in index: ScoreIndex) {
      guard index.boards[board].tree[1] != never else { return }
      parts.append(
        Part(points: index.boards[board].tree[1], node: 0, lane: lane, board: board, cell: 1))
    }

    /// The next node, or nil past the last or where none can be better than a place that was found.
    mutating func next(
      in index: ScoreIndex, after best: (node: UInt32, lane: UInt32, points: Int64)?
    ) -> (node: UInt32, lane: UInt32)? {
      while let first = parts.indices.min(by: { precedes(parts[$0], parts[$1]) }) {
        var part = parts[first]
        if let best, part.points < best.points { return nil }
        parts.swapAt(first, parts.count - 1)
        parts.removeLast()
        if let best, part.points == best.points,
          (best.node, best.lane) < (part.node, part.lane)
        {
          continue
        }
        let size = index.boards[part.board].size
        while part.cell < size {
          let left = 2 * part.cell
          let isLeft = index.boards[part.board].tree[left] == part.points
          part.cell = isLeft ? left : left + 1
          var other = part
          other.cell = left + (isLeft ? 1 : 0)
          other.points = index.boards[part.board].tree[other.cell]
          other.node = Self.leftmost(other.cell, size)
          if other.points != never { parts.append(other) }
        }
        return (UInt32(part.cell - size), part.lane)
      }
      return nil
    }

    private func precedes(_ one: Part, _ other: Part) -> Bool {
      one.points != other.points
        ? one.points > other.points : (one.node, one.lane) < (other.node, other.lane)
    }

    /// The least node row below a cell.
    private static func leftmost(_ cell: Int, _ size: Int) -> UInt32 {
      UInt32((cell << (cell.leadingZeroBitCount - size.leadingZeroBitCount)) - size)
    }
  }
}

extension ScoreIndex.Board {
  fileprivate mutating func set(_ points: Int32, of node: UInt32) {
    var cell = size + Int(node)
    guard tree[cell] != points else { return }
    tree[cell] = points
    while cell > 1 {
      cell /= 2
      let most = max(tree[2 * cell], tree[2 * cell + 1])
      if tree[cell] == most { return }
      tree[cell] = most
    }
  }
}

extension ScoreIndex.Subject {
  /// What it is found by.
  fileprivate var key: Key {
    var digest = DigestBuilder()
    digest.combine(demand)
    digest.combine(tenant)
    return Key(high: digest.digest.high, low: digest.digest.low)
  }
}
