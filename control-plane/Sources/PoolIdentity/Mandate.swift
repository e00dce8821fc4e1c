/// What a chain allows whoever holds it, once it was verified.
public struct Mandate: Hashable, Sendable {
  /// What may be done; one does not include another.
  public enum Action: String, CaseIterable, Sendable {
    /// Sees lists, and why claims wait.
    case look
    /// Asks what would be: quotes, explanations, dry runs.
    case prepare
    /// Claims devices, carries its own work on and ends it.
    case execute

    /// Each by its word.
    package static var words: KeyValuePairs<String, Action> {
      ["look": .look, "prepare": .prepare, "execute": .execute]
    }
  }

  /// The tenant for whom it is.
  public let tenant: String
  /// Who holds the chain.
  public let principal: String
  /// Those from whom it came, whoever began it first.
  public let onBehalfOf: [String]
  /// The budgets that its links name, the widest first, each once.
  public let budgets: [String]
  /// The budget that pays: the last of them.
  public let budget: String
  /// The most urgent class.
  public let ceiling: Ceiling
  /// What may be done.
  public let actions: Set<Action>
  /// The lanes; nil: all.
  public let lanes: Set<String>?
  /// When it ends, in seconds since 1970.
  public let expires: Int64
}

/// The most urgent class that may be asked for.
public enum Ceiling: String, Comparable, Sendable {
  /// Most urgent.
  case p0 = "P0"
  /// Interactive.
  case p1 = "P1"
  /// Routine.
  case p2 = "P2"
  /// Background.
  case p3 = "P3"

  /// 0 to 3; the more urgent class is less.
  public var rank: Int {
    switch self {
    case .p0: 0
    case .p1: 1
    case .p2: 2
    case .p3: 3
    }
  }

  /// Each by its word.
  package static var words: KeyValuePairs<String, Ceiling> {
    ["P0": .p0, "P1": .p1, "P2": .p2, "P3": .p3]
  }

  /// The more urgent class is less.
  public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}
