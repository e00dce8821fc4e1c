/// Place of a line's head among the heads of all lines that wait for a lane; the least goes first.
struct OrderKey: BitwiseCopyable, Comparable, Sendable {
  /// When its tenant's turn became overdue, for a head at the best level; `.farFuture` while it is
  /// not.
  var overdue = Instant.farFuture
  /// Level of the head: its class, or less once it aged.
  var level: UInt8
  /// What its tenant was served in the lane at that level, weighted.
  var served: CreditTotal
  /// When the head was first submitted.
  var submitted: Instant
  /// Number of the submission, which breaks ties.
  var arrival: UInt64

  /// After every key that a claim can have.
  static let last = OrderKey(
    level: .max, served: CreditTotal(.max), submitted: .farFuture, arrival: .max)

  /// Orders what is overdue first, then by level, service, time and arrival.
  static func < (left: OrderKey, right: OrderKey) -> Bool {
    if left.overdue != right.overdue { return left.overdue < right.overdue }
    if left.level != right.level { return left.level < right.level }
    if left.served != right.served { return left.served < right.served }
    if left.submitted != right.submitted { return left.submitted < right.submitted }
    return left.arrival < right.arrival
  }
}

/// Claims in the order: strictly first come, first served within a line (queue group, tenant,
/// class); only the heads of lines are compared, aged and watched.
///
/// Lines are numbered as they are made, so their numbers are never compared.
/// - Complexity: every operation O(log claims of a line + log lines of a lane), for each lane of
///   the line's group.
struct QueueLines: Sendable {
  /// A line with claims in it.
  struct Line: Sendable {
    var group: UInt32
    /// The lanes of its group.
    var lanes: LaneSet
    var tenant: UInt32
    var rank: UInt8
    /// Level under which the head is counted in `backlog`; nil while the line is empty.
    var level: UInt8?
  }

  /// The first claim of a lane, with its key.
  struct Head {
    var row: UInt32
    var order: OrderKey
  }

  /// Lines by number; those without claims are free.
  private(set) var lines: [Line] = []
  private var free: [UInt32] = []
  private var numbers = KeyIndex()
  /// Claims, a heap per line.
  private var members = IndexedHeaps<TurnKey>()
  /// Lines that wait for a lane, by lane row.
  private var heads = Array(repeating: IndexedHeaps<OrderKey>(heaps: 1), count: Limits.lanes)
  /// Lines with claims of each queue group.
  private var linesOfGroup = Array(repeating: 0, count: Limits.queueGroups)
  /// Lines of each tenant.
  private var ofTenant = RowLists()
  /// By lane row and tenant row, lines of the tenant whose head is at a level.
  private var backlog: [[InlineArray<4, UInt16>]] = Array(repeating: [], count: Limits.lanes)
  /// By lane row, claims of each class.
  private var classes = Array(
    repeating: InlineArray<4, UInt32>(repeating: 0), count: Limits.lanes)
  /// Heads by the moment they rise.
  var timers = IndexedHeaps<Instant>(heaps: 1)

  private static func key(_ group: UInt32, _ tenant: UInt32, _ rank: UInt8) -> Key {
    Key(high: UInt64(group) << 8 | UInt64(rank), low: UInt64(tenant))
  }

  /// The most urgent class of which claims wait for a lane; nil where none waits.
  func mostUrgent(in lane: UInt32) -> UInt8? {
    (0..<4).first { classes[Int(lane)][$0] > 0 }.map { UInt8($0) }
  }

  private mutating func countClasses(_ line: UInt32, by change: Int32) {
    let rank = Int(lines[Int(line)].rank)
    var left = lines[Int(line)].lanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      let count = Int64(classes[Int(lane)][rank]) + Int64(change)
      classes[Int(lane)][rank] = UInt32(count)
    }
  }

  /// Whether nobody waits in a group.
  func isEmpty(group: UInt32) -> Bool { linesOfGroup[Int(group)] == 0 }

  /// The first claim that waits for a lane, or nil.
  func head(of lane: UInt32) -> Head? {
    guard let line = heads[Int(lane)].least(in: 0), let row = head(line: line.row) else {
      return nil
    }
    return Head(row: row, order: line.order)
  }

  /// The first claim of one tenant that waits for a lane, or nil.
  /// - Complexity: O(lines of the tenant).
  func head(of lane: UInt32, tenant: UInt32) -> Head? {
    var first: Head?
    var line = ofTenant.first(of: tenant)
    while line != RowLists.none {
      if let row = head(line: line), let order = heads[Int(lane)].order(of: line),
        first.map({ order < $0.order }) ?? true
      {
        first = Head(row: row, order: order)
      }
      line = ofTenant.next(after: line)
    }
    return first
  }

  /// The first claim of a line, or nil.
  func head(line: UInt32) -> UInt32? { members.least(in: line)?.row }

  /// The line that a claim is in, or nil.
  func line(of row: UInt32) -> UInt32? { members.heap(of: row) }

  /// Claims that wait for a lane, in no order that a decision may rest on.
  func forEachClaim(of lane: UInt32, _ body: (UInt32) -> Void) {
    for line in heads[Int(lane)].members(of: 0) {
      for member in members.members(of: line.row) { body(member.row) }
    }
  }

  /// A walk through the lines of a lane in the order of their heads.
  struct LaneWalk {
    private let lane: Int
    private var walk: IndexedHeaps<OrderKey>.Walk
    private var member: IndexedHeaps<OrderKey>.Member?

    fileprivate init(_ lane: Int, _ walk: IndexedHeaps<OrderKey>.Walk) {
      self.lane = lane
      self.walk = walk
    }

    /// Whether no line is left.
    var isAtEnd: Bool { member == nil }
    /// The line where it stands; it must stand at one.
    var line: UInt32 { member?.row ?? .max }
    /// The key of that line's head; past the end, after every other.
    var order: OrderKey { member?.order ?? .last }

    /// Goes on to the next line.
    mutating func advance(in lines: QueueLines) { member = walk.next(in: lines.heads[lane]) }
  }

  /// A walk through the claims of one line.
  struct LineWalk {
    private var walk: IndexedHeaps<TurnKey>.Walk
    /// The claim where it stands, and its key.
    private(set) var row = UInt32.max
    private(set) var order = OrderKey.last

    fileprivate init(_ walk: IndexedHeaps<TurnKey>.Walk) { self.walk = walk }

    /// The next claim, or nil past the last.
    mutating func next(in lines: QueueLines) -> UInt32? { walk.next(in: lines.members)?.row }
    /// Notes the claim that `next` gave, with its key.
    mutating func stand(at row: UInt32, _ order: OrderKey) { (self.row, self.order) = (row, order) }
  }

  /// A walk through a lane, at its first line.
  func walk(lane: UInt32) -> LaneWalk {
    var walk = LaneWalk(Int(lane), heads[Int(lane)].walk(0))
    walk.advance(in: self)
    return walk
  }
  /// A walk through a line, before its first claim.
  func walk(line: UInt32) -> LineWalk { LineWalk(members.walk(line)) }

  /// Whether a tenant has a head at a level that waits for a lane.
  func isBacklogged(_ tenant: UInt32, at level: UInt8, in lane: UInt32) -> Bool {
    guard Int(tenant) < backlog[Int(lane)].count else { return false }
    return backlog[Int(lane)][Int(tenant)][Int(level)] > 0
  }

  /// Puts a claim into its line.
  /// - Returns: the line, whose head must then be refreshed.
  mutating func insert(
    _ row: UInt32, _ turn: TurnKey, group: UInt32, lanes: LaneSet, tenant: UInt32, rank: UInt8
  ) -> UInt32 {
    let key = Self.key(group, tenant, rank)
    let line: UInt32
    if let known = numbers.row(for: key) {
      line = known
    } else {
      let new = Line(group: group, lanes: lanes, tenant: tenant, rank: rank, level: nil)
      if let reused = free.popLast() {
        line = reused
        lines[Int(line)] = new
      } else {
        line = members.addHeap()
        lines.append(new)
      }
      numbers.insert(key, line)
      linesOfGroup[Int(group)] += 1
      ofTenant.append(line, to: tenant)
    }
    let before = head(line: line)
    members.insert(row, turn, into: line)
    countClasses(line, by: 1)
    // Only heads rise.
    if let before, head(line: line) != before { timers.remove(before) }
    return line
  }

  /// Takes a claim out of its line.
  /// - Returns: the line, whose head must then be refreshed.
  mutating func remove(_ row: UInt32) -> UInt32? {
    guard let line = members.heap(of: row) else { return nil }
    members.remove(row)
    timers.remove(row)
    countClasses(line, by: -1)
    return line
  }

  /// Notes the level of a line's head; frees the line where it is empty.
  mutating func stand(_ line: UInt32, at level: UInt8?) {
    let before = lines[Int(line)]
    if before.level != level {
      var left = before.lanes
      while let lane = left.firstRow {
        left = left.withoutFirst
        count(before.tenant, in: Int(lane), from: before.level, to: level)
      }
      lines[Int(line)].level = level
    }
    guard level == nil else { return }
    var left = before.lanes
    while let lane = left.firstRow {
      left = left.withoutFirst
      heads[Int(lane)].remove(line)
    }
    ofTenant.remove(line)
    numbers.remove(Self.key(before.group, before.tenant, before.rank))
    linesOfGroup[Int(before.group)] -= 1
    free.append(line)
  }

  private mutating func count(_ tenant: UInt32, in lane: Int, from old: UInt8?, to new: UInt8?) {
    while backlog[lane].count <= Int(tenant) { backlog[lane].append(InlineArray(repeating: 0)) }
    if let old { backlog[lane][Int(tenant)][Int(old)] -= 1 }
    if let new { backlog[lane][Int(tenant)][Int(new)] += 1 }
  }

  /// Ranks a line in one of its lanes.
  mutating func rank(_ line: UInt32, in lane: UInt32, _ order: OrderKey) {
    heads[Int(lane)].insert(line, order, into: 0)
  }

  /// The lines of a tenant that wait for a lane: those whose head is at a level, or all.
  /// - Complexity: O(lines of the tenant).
  func lines(of tenant: UInt32, at level: UInt8? = nil, in lane: UInt32) -> [UInt32] {
    var found: [UInt32] = []
    var line = ofTenant.first(of: tenant)
    while line != RowLists.none {
      let known = lines[Int(line)]
      if level == nil || known.level == level, known.lanes.contains(row: lane) {
        found.append(line)
      }
      line = ofTenant.next(after: line)
    }
    return found
  }

  /// The lanes that claims of a tenant wait for.
  /// - Complexity: O(lines of the tenant).
  func lanes(of tenant: UInt32) -> LaneSet {
    var found = LaneSet.none
    var line = ofTenant.first(of: tenant)
    while line != RowLists.none {
      found.bits |= lines[Int(line)].lanes.bits
      line = ofTenant.next(after: line)
    }
    return found
  }

  /// The key under which a line is ranked in a lane, or nil where it is not.
  func order(of line: UInt32, in lane: UInt32) -> OrderKey? { heads[Int(lane)].order(of: line) }

  /// Checks that every part agrees with the others.
  func checkInvariants() {
    members.checkInvariants()
    ofTenant.checkInvariants()
    timers.checkInvariants()
    var ofGroup = Array(repeating: 0, count: Limits.queueGroups)
    var ofClass = Array(repeating: InlineArray<4, UInt32>(repeating: 0), count: Limits.lanes)
    for (number, line) in lines.enumerated() {
      let isEmpty = members.isEmpty(UInt32(number))
      invariant(isEmpty == (line.level == nil), "a line has a level while it has a claim")
      if isEmpty { continue }
      ofGroup[Int(line.group)] += 1
      for lane in 0..<Limits.lanes where line.lanes.contains(row: UInt32(lane)) {
        ofClass[lane][Int(line.rank)] += UInt32(members.count(in: UInt32(number)))
      }
    }
    for lane in 0..<Limits.lanes {
      for rank in 0..<4 {
        invariant(ofClass[lane][rank] == classes[lane][rank], "claims are counted by class")
      }
    }
    invariant(ofGroup == linesOfGroup, "lines are counted by group")
    for lane in heads.indices {
      heads[lane].checkInvariants()
      var counted = Array(
        repeating: InlineArray<4, UInt16>(repeating: 0), count: backlog[lane].count)
      for (number, line) in lines.enumerated() {
        let isRanked = heads[lane].heap(of: UInt32(number)) != nil
        let waits = line.level != nil && line.lanes.contains(row: UInt32(lane))
        invariant(isRanked == waits, "a line with claims is ranked in its lanes")
        if waits, let level = line.level { counted[Int(line.tenant)][Int(level)] += 1 }
      }
      for tenant in counted.indices {
        for level in 0..<4 {
          invariant(
            counted[tenant][level] == backlog[lane][tenant][level], "heads are counted by level")
        }
      }
    }
  }
}
