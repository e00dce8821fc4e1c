import PoolIdentity
import PoolWire
import StrictJSON

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
  /// What a chain allows of that; nil: all of it.
  let scope: Mandate?

  /// Makes an identity.
  public init(_ name: String, _ role: Role, of subject: String? = nil) {
    self.name = name
    self.role = role
    self.subject = subject
    scope = nil
  }

  /// The identity of whoever holds a chain.
  init(_ mandate: Mandate) {
    name = mandate.principal
    role = .workload
    subject = mandate.tenant
    scope = mandate
  }

  /// Whether the audit log has a name for what nobody who asks does.
  static func isReserved(_ name: String) -> Bool {
    [PolicyLife.principal, Denials.others, Denials.unknown].contains(name)
      || name.hasPrefix("file:")
  }

  /// Those in whose name it acts beside its own, whoever gave first.
  var onBehalfOf: [String] { scope?.onBehalfOf ?? [] }

  /// Whose share of what is limited it uses: names of different tenants may be the same, and all
  /// to whom one has handed on share what is theirs.
  var quotaHolder: String {
    let giver = scope?.onBehalfOf.first ?? name
    return subject.map { NamePath.join($0, giver) } ?? giver
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

/// The members `role` and `tenant` of a document: what somebody may do, and for whom.
struct RoleFields {
  private let role: JSONField<Role>
  private let tenant: JSONField<String?>

  init(_ fields: inout JSONFields) {
    role = fields.choice(
      "role", ["operator": Role.operator, "owner": .owner, "workload": .workload])
    tenant = fields.optionalString("tenant", 1...128)
  }

  /// Takes them.
  /// - Parameter object: that has the members.
  /// - Throws: where a role has no tenant that needs one, or has one that is for all.
  func value(
    of object: JSONValue
  ) throws(JSONAbandoned) -> (role: Role, tenant: String?) {
    let (known, subject) = (try role.value, try tenant.value)
    guard (known == .operator) == (subject == nil) else {
      throw object.refuse(
        "the role \(known.rawValue) \(known == .operator ? "has no" : "needs a") tenant",
        hint: known == .operator ? "leave tenant out" : "add tenant")
    }
    return (known, subject)
  }
}
