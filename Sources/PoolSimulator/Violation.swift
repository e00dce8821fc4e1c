/// Something that must hold and does not (docs/INVARIANTS.md).
public struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
  /// Name of the invariant, as `D2`; `liveness` for what has to come about in a quiet time.
  public let invariant: String
  /// What was found, with its figures.
  public let what: String

  /// Makes a violation.
  public init(invariant: String, what: String) {
    self.invariant = invariant
    self.what = what
  }

  /// Both in one line.
  public var description: String { "\(invariant): \(what)" }
}
