import PoolAllocator

/// What runs went through, counted: every reason, every step of a state machine, every verdict,
/// cause and rung, and the milestones. A set of runs that misses one has proven less than it says.
///
///     var all = Coverage()
///     for run in runs { all += run.coverage }
///     print(all.missing)
public struct Coverage: Equatable, Sendable {
  /// One obligation with what came of it.
  public struct Entry: Equatable, Sendable {
    /// Its name, such as `reason.bucketShort` or `edge.lease.granted.active`.
    public let name: String
    /// How often it was reached.
    public let count: UInt64

    /// Makes an entry.
    public init(name: String, count: UInt64) {
      self.name = name
      self.count = count
    }
  }

  private var counts: [UInt64]

  /// Nothing reached yet.
  public init() { counts = Array(repeating: 0, count: Self.names.count) }

  /// Every obligation with its count, in one fixed order.
  public var entries: [Entry] {
    zip(Self.names, counts).map { Entry(name: $0, count: $1) }
  }

  /// Names of the obligations that were not reached, in the same order.
  public var missing: [String] {
    zip(Self.names, counts).filter { $0.1 == 0 }.map { $0.0 }
  }

  /// How many obligations there are.
  public static var total: Int { names.count }

  /// How often one was reached; nil where there is none of that name.
  public func count(of name: String) -> UInt64? {
    Self.names.firstIndex(of: name).map { counts[$0] }
  }

  /// Adds what other runs went through.
  public static func += (left: inout Coverage, right: Coverage) {
    for index in left.counts.indices { left.counts[index] += right.counts[index] }
  }

  // MARK: groups

  /// The obligations in groups, each from an enumeration of the core or of ours.
  private static let groups: [(prefix: String, names: [String])] = [
    ("reason", Reason.Code.allCases.map { "\($0)" }),
    ("edge", StateEdges.all.map(\.name)),
    ("verdict", Decision.Verdict.allCases.map { "\($0)" }),
    ("end", ClaimEnd.allCases.map { "\($0)" }),
    ("stop", StopCause.allCases.map { "\($0)" }),
    ("trigger", Trigger.allCases.map { "\($0)" }),
    ("mode", DegradationMode.allCases.map { "\($0)" }),
    ("automation", Automation.allCases.map { "\($0)" }),
    ("pressure", Pressure.allCases.map { "\($0)" }),
    ("milestone", Milestone.allCases.map { "\($0)" }),
  ]

  /// Every name, group by group.
  private static let names: [String] = groups.flatMap { group in
    group.names.map { "\(group.prefix).\($0)" }
  }

  /// Index of the first name of each group.
  private static let first: [Int] = groups.indices.map { place in
    groups[..<place].reduce(0) { $0 + $1.names.count }
  }

  /// Index of a reason in its group, by its number.
  private static let reasonPlaces: [Int] = {
    var places = Array(repeating: -1, count: 1_000)
    for (place, code) in Reason.Code.allCases.enumerated() { places[Int(code.rawValue)] = place }
    return places
  }()

  // MARK: reaching

  /// A reason was given.
  mutating func reach(_ code: Reason.Code) {
    counts[Self.reasonPlaces[Int(code.rawValue)]] += 1
  }
  /// A listed step was taken.
  mutating func reach(edge index: Int) { counts[Self.first[1] + index] += 1 }
  /// A command was answered.
  mutating func reach(_ verdict: Decision.Verdict) {
    counts[Self.first[2] + Int(verdict.rawValue)] += 1
  }
  /// A claim ended.
  mutating func reach(_ end: ClaimEnd) { counts[Self.first[3] + Int(end.rawValue)] += 1 }
  /// A lease stopped.
  mutating func reach(_ cause: StopCause) { counts[Self.first[4] + Int(cause.rawValue)] += 1 }
  /// A rung was taken.
  mutating func reach(_ trigger: Trigger, _ mode: DegradationMode, _ automation: Automation) {
    counts[Self.first[5] + Int(trigger.rawValue)] += 1
    counts[Self.first[6] + Int(mode.rawValue)] += 1
    counts[Self.first[7] + Int(automation.rawValue)] += 1
  }
  /// A gauge moved.
  mutating func reach(_ pressure: Pressure) {
    counts[Self.first[8] + Int(pressure.rawValue)] += 1
  }
  /// A milestone was passed.
  mutating func reach(_ milestone: Milestone) { counts[Self.first[9] + milestone.rawValue] += 1 }
}
