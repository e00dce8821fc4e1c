/// Something in a log or a decision that is not as the rules have it.
public struct Finding: Hashable, Sendable, CustomStringConvertible {
  /// Which rule it breaks.
  public enum Rule: String, CaseIterable, Sendable {
    /// An event speaks of what is not there, or is in another state.
    case subject
    /// A claim has another class, weight or tenant than its service gives it.
    case identity
    /// A lane may not serve the claim.
    case lane
    /// A device or node may not be granted, or not so much of it.
    case capacity
    /// Claims that must be kept apart share a device.
    case isolation
    /// An owner lends too much, or a tenant borrows too much.
    case lending
    /// A rate, a length or a price is not what it must be.
    case price
    /// A quote is not what it must be, or is not kept.
    case quote
    /// The postings are not those of the path, or the levels not what they must be.
    case books
    /// A grant or renewal is not paid for.
    case credits
    /// A fencing number does not rise.
    case fencing
    /// A quantum is settled twice, out of order, or not at all.
    case settlement
    /// A moment is not what it must be.
    case time
    /// The decision does not say what the events did.
    case decision
    /// A reason of the decision is not true.
    case reason
  }

  /// Which rule it breaks.
  public var rule: Rule
  /// Index of the event in its log; nil where the log as a whole or the decision is meant.
  public var event: Int?
  /// What was found, in words.
  public var text: String

  /// The rule, the event and the words.
  public var description: String {
    "\(rule)\(event.map { " at event \($0)" } ?? ""): \(text)"
  }
}
