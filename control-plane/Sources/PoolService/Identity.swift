/// What somebody may do. Whatever is not opened here is closed.
public enum Role: String, CaseIterable, Sendable {
  /// Runs the pool: nodes, policy, restrictions, and everything of every tenant.
  case `operator`
  /// Answers for a tenant: its claims, leases and budgets, whoever asked for them.
  case owner
  /// Works for a tenant: its own claims and leases.
  case workload
  /// An agent: the messages of its node.
  case node
  /// A node that is to join: one exchange for a credential of the role `node`.
  case join
}

/// Who asks, once that is known.
public struct Identity: Hashable, Sendable {
  /// The principal, as it stands in the audit log.
  public let name: String
  /// What it may do.
  public let role: Role
  /// For whom: the tenant of an owner or a workload, the node of an agent.
  public let subject: String?

  /// Makes an identity.
  public init(_ name: String, _ role: Role, of subject: String? = nil) {
    self.name = name
    self.role = role
    self.subject = subject
  }

  /// The tenant to whose matters it is held; nil: it may see all.
  var tenant: String? { role == .owner || role == .workload ? subject : nil }

  /// Whether it may act for a tenant. Exact: a prefix is another name.
  func mayAct(for tenant: String) -> Bool {
    switch role {
    case .operator: true
    case .owner, .workload: subject == tenant
    case .node, .join: false
    }
  }
}
