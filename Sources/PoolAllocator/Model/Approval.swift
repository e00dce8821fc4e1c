/// What a claim was asked to have approved, and by whom it was.
///
/// It is the claim's own: bound to the plan that the claim names, used by this claim alone, however
/// often it comes back into the order, and gone with it.
public struct Approval: BitwiseCopyable, Hashable, Sendable {
  /// When it was asked for.
  public let asked: Instant
  /// When the request lapses, unless it is decided before.
  public let lapses: Instant
  /// Whether the claim's rung asks for it, whatever the action.
  public let isDemanded: Bool
  /// Who approved; nil while nobody has.
  public internal(set) var by: Key?
}

/// Who has to approve what claims of a service do.
public struct ApprovalRule: Hashable, Sendable {
  /// Actions that need it; empty: every action.
  public var actions: [Key]
  /// Principals that may approve, except what they asked for or what is done on their behalf; at
  /// least one.
  public var approvers: [Key]
  /// How long a request stays open.
  public var lasts: Span

  /// Makes a rule for every action.
  public init(approvers: [Key], lasts: Span) {
    self.actions = []
    self.approvers = approvers
    self.lasts = lasts
  }
}
