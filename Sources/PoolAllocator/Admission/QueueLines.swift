/// Place of a line's head among the heads of all lines of a queue group; the least goes first.
struct OrderKey: BitwiseCopyable, Comparable, Sendable {
  /// Level of the head: its class, or less once it aged.
  var level: UInt8
  /// What its tenant was served at that level, weighted.
  var served: CreditTotal
  /// When the head was first submitted.
  var submitted: Instant
  /// Number of the submission, which breaks ties.
  var arrival: UInt64

  /// After every key that a claim can have.
  static let last = OrderKey(
    level: .max, served: CreditTotal(.max), submitted: .farFuture, arrival: .max)

  /// Orders by level, then service, then time, then arrival.
  static func < (left: OrderKey, right: OrderKey) -> Bool {
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
/// - Complexity: every operation O(log claims of a line + log lines of a group).
struct QueueLines: Sendable {
  /// A line with claims in it.
  struct Line: Sendable {
    var group: UInt32
    var tenant: UInt32
    var rank: UInt8
    /// Level under which the head is counted in `backlog`; nil while the line is empty.
    var level: UInt8?
  }

  /// The first claim of a group, with its key.
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
  /// Lines, a heap per queue group.
  private var heads = IndexedHeaps<OrderKey>()
  /// Lines of each tenant.
  private var ofTenant = RowLists()
  /// Lines of each tenant whose head is at a level.
  private var backlog: [InlineArray<4, UInt16>] = []
  /// Heads by the moment they rise.
  var timers = IndexedHeaps<Instant>(heaps: 1)

  private static func key(_ group: UInt32, _ tenant: UInt32, _ rank: UInt8) -> Key {
    Key(high: UInt64(group) << 8 | UInt64(rank), low: UInt64(tenant))
  }

  /// Makes room for a queue group.
  mutating func admit(group: UInt16) {
    while heads.heapCount <= Int(group) { _ = heads.addHeap() }
  }

  /// Whether nobody waits in a group.
  func isEmpty(group: UInt32) -> Bool { heads.isEmpty(group) }

  /// The first claim of a group, or nil.
  func head(of group: UInt32) -> Head? {
    guard let line = heads.least(in: group), let row = head(line: line.row) else { return nil }
    return Head(row: row, order: line.order)
  }

  /// The first claim of a line, or nil.
  func head(line: UInt32) -> UInt32? { members.least(in: line)?.row }

  /// The line that a claim is in, or nil.
  func line(of row: UInt32) -> UInt32? { members.heap(of: row) }

  /// Claims of the lines of a group, in no order that a decision may rest on.
  func forEachClaim(of group: UInt32, _ body: (UInt32) -> Void) {
    for line in heads.members(of: group) {
      for member in members.members(of: line.row) { body(member.row) }
    }
  }

  /// A walk through the lines of a group in the order of their heads.
  struct GroupWalk {
    private var walk: IndexedHeaps<OrderKey>.Walk
    private var member: IndexedHeaps<OrderKey>.Member?

    fileprivate init(_ walk: IndexedHeaps<OrderKey>.Walk, in lines: QueueLines) {
      self.walk = walk
      advance(in: lines)
    }

    /// Whether no line is left.
    var isAtEnd: Bool { member == nil }
    /// The line where it stands; it must stand at one.
    var line: UInt32 { member?.row ?? .max }
    /// The key of that line's head; past the end, after every other.
    var order: OrderKey { member?.order ?? .last }

    /// Goes on to the next line.
    mutating func advance(in lines: QueueLines) { member = walk.next(in: lines.heads) }
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

  /// A walk through a group, at its first line.
  func walk(group: UInt32) -> GroupWalk { GroupWalk(heads.walk(group), in: self) }
  /// A walk through a line, before its first claim.
  func walk(line: UInt32) -> LineWalk { LineWalk(members.walk(line)) }

  /// Whether a tenant has a head at a level.
  func isBacklogged(_ tenant: UInt32, at level: UInt8) -> Bool {
    Int(tenant) < backlog.count && backlog[Int(tenant)][Int(level)] > 0
  }

  /// Puts a claim into its line.
  /// - Returns: the line, whose head must then be refreshed.
  mutating func insert(
    _ row: UInt32, _ turn: TurnKey, group: UInt32, tenant: UInt32, rank: UInt8
  ) -> UInt32 {
    let key = Self.key(group, tenant, rank)
    let line: UInt32
    if let known = numbers.row(for: key) {
      line = known
    } else {
      if let reused = free.popLast() {
        line = reused
        lines[Int(line)] = Line(group: group, tenant: tenant, rank: rank, level: nil)
      } else {
        line = members.addHeap()
        lines.append(Line(group: group, tenant: tenant, rank: rank, level: nil))
      }
      numbers.insert(key, line)
      ofTenant.append(line, to: tenant)
      while backlog.count <= Int(tenant) { backlog.append(InlineArray(repeating: 0)) }
    }
    let before = head(line: line)
    members.insert(row, turn, into: line)
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
    return line
  }

  /// Ranks a line by its head, or frees it where it is empty.
  mutating func rank(_ line: UInt32, _ order: OrderKey?) {
    let before = lines[Int(line)]
    if before.level != order?.level {
      if let old = before.level { backlog[Int(before.tenant)][Int(old)] -= 1 }
      if let new = order?.level { backlog[Int(before.tenant)][Int(new)] += 1 }
      lines[Int(line)].level = order?.level
    }
    guard let order else {
      heads.remove(line)
      ofTenant.remove(line)
      numbers.remove(Self.key(before.group, before.tenant, before.rank))
      free.append(line)
      return
    }
    heads.insert(line, order, into: before.group)
  }

  /// Visits the lines of a tenant whose head is at a level.
  /// - Complexity: O(lines of the tenant).
  func lines(of tenant: UInt32, at level: UInt8) -> [UInt32] {
    var found: [UInt32] = []
    var line = ofTenant.first(of: tenant)
    while line != RowLists.none {
      if lines[Int(line)].level == level { found.append(line) }
      line = ofTenant.next(after: line)
    }
    return found
  }

  /// The key under which a line is ranked, or nil while it is empty.
  func order(of line: UInt32) -> OrderKey? { heads.order(of: line) }

  /// Checks that every part agrees with the others.
  func checkInvariants() {
    members.checkInvariants()
    heads.checkInvariants()
    ofTenant.checkInvariants()
    timers.checkInvariants()
    var counted = Array(repeating: InlineArray<4, UInt16>(repeating: 0), count: backlog.count)
    for (number, line) in lines.enumerated() {
      let isEmpty = members.isEmpty(UInt32(number))
      invariant(isEmpty == (line.level == nil), "a line has a level while it has a claim")
      invariant(isEmpty == (heads.heap(of: UInt32(number)) == nil), "a line with claims is ranked")
      guard let level = line.level else { continue }
      counted[Int(line.tenant)][Int(level)] += 1
    }
    for tenant in counted.indices {
      for level in 0..<4 {
        invariant(counted[tenant][level] == backlog[tenant][level], "heads are counted by level")
      }
    }
  }
}
