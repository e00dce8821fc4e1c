public import PoolAllocator

extension Reason.Code {
  /// The code on the wire, in metrics and in logs: the case's name in snake case.
  public var wire: String { Self.words[self] ?? "" }

  /// Made once: a case's name costs as much as a decision.
  private static let words = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0, snakeCase("\($0)")) })
}

extension Reason.Group {
  /// The group on the wire.
  public var wire: String { "\(self)" }
}

/// What a reason's figures count.
public enum ReasonUnit: String, CaseIterable, Sendable {
  /// The code has no figures.
  case none
  /// Millionths of a weighted GPU-second.
  case credits
  /// Thousandths of a device, or of a core in a CPU lane.
  case thousandths
  /// Thousandths of a core.
  case milliCores = "milli_cores"
  /// Bytes.
  case bytes
  /// Devices or instances on one node.
  case devices
  /// Members of a gang.
  case members
  /// Nanoseconds of pool time.
  case nanoseconds
  /// Claims.
  case claims
  /// Rows of a table.
  case rows
  /// Delegations given out of each other.
  case delegations
  /// Classes: a set of bits that is admitted, and the rank of the one that asks.
  case classes
  /// Levels of enforcement.
  case levels
  /// Generations, epochs, sequences.
  case versions

  /// An amount in words, with its unit.
  public func text(_ value: Int64) -> String {
    switch self {
    case .credits: "\(Amounts.gpuSeconds(value)) GPU-seconds"
    case .thousandths, .milliCores: Amounts.milli(value)
    case .bytes: "\(Amounts.gibibytes(value)) GiB"
    case .nanoseconds: "\(Amounts.seconds(value)) s"
    case .none, .devices, .members, .claims, .rows, .delegations, .classes, .levels, .versions:
      "\(value)"
    }
  }
}

extension ClassSet {
  /// `P0 P1`, or `none`.
  public var words: String {
    let words = (0..<4).filter { bits & (1 << UInt8($0)) != 0 }.map { "P\($0)" }
    return words.isEmpty ? "none" : words.joined(separator: " ")
  }
}

extension ServiceClass {
  /// `P0` … `P3`.
  public var word: String {
    switch rank {
    case 0: "P0"
    case 1: "P1"
    case 2: "P2"
    default: "P3"
    }
  }
}

extension IdentityKind {
  /// The kind as a word.
  public var wire: String { "\(self)" }
}

extension Decision.Verdict {
  /// The outcome on the wire.
  public var wire: String {
    switch self {
    case .admitted: "granted"
    case .queued: "queued"
    case .parked: "parked"
    case .downgraded: "downgraded"
    case .rejected: "rejected"
    case .infeasible: "infeasible"
    case .done: "done"
    case .awaitingApproval: "awaiting_approval"
    }
  }
}

extension ClaimState {
  /// The state on the wire.
  public var wire: String { snakeCase("\(self)") }
}

/// A case's name in snake case.
func snakeCase(_ name: String) -> String {
  var word = ""
  for letter in name {
    if letter.isUppercase { word += "_" }
    word += letter.lowercased()
  }
  return word
}

extension ClaimEnd {
  /// The end on the wire.
  public var wire: String { snakeCase("\(self)") }
}

extension StopCause {
  /// The cause on the wire.
  public var wire: String { snakeCase("\(self)") }
}
