public import PoolAllocator
public import StrictJSON

/// A policy as its document says it, checked and ready for `Command.activate`.
public struct PolicyDocument: Sendable {
  /// The generation that the document names.
  public let generation: PolicyGeneration
  /// What the core reads.
  public let policy: CompiledPolicy
  /// The same with the limits that are only observed; nil where none is.
  public private(set) var shadow: CompiledPolicy?
  /// Every name that the policy uses, by key.
  public let names: NameTable
  /// What claims and requests may refer to.
  public let vocabulary: PolicyVocabulary
  /// What classes are promised over many claims, by class; the core does not read it.
  public let targets: [ServiceTarget]

  /// Reads a document of kind `policy`.
  /// - Throws: `JSONErrors` with every error of the document.
  public init(_ document: JSONDocument) throws(JSONErrors) {
    self = try document.decode { root in try PolicyDocument(root) }
  }

  /// Reads a policy that is part of another document.
  /// - Throws: `JSONAbandoned`; the reasons are with the document being decoded.
  public init(_ value: JSONValue) throws(JSONAbandoned) {
    var reader = PolicyReader()
    var document = try value.object { fields in try reader.document(&fields, value) }
    // What is wrong with it is told once.
    if reader.hasShadow, !value.hasErrors {
      var observed = PolicyReader()
      observed.taken = .shadow
      document.shadow = try value.object { try observed.document(&$0, value) }.policy
    }
    self = document
  }

  init(generation: PolicyGeneration, reader: PolicyReader) {
    self.generation = generation
    policy = reader.policy
    names = reader.names
    vocabulary = reader.vocabulary
    targets = reader.targets
  }
}

/// The names of a policy that claims, requests and answers use.
public struct PolicyVocabulary: Sendable {
  /// A MIG profile and its board.
  public struct Slice: Equatable, Sendable {
    /// The driver's name, such as `1g.10gb`.
    public var name: String
    /// The board's profile.
    public var profile: String

    /// The name that no other slice of the policy has.
    public var qualified: String { NamePath.join(profile, name) }
  }

  /// Lanes, in document order.
  public internal(set) var lanes: [String] = []
  /// MIG profiles, in document order.
  public internal(set) var slices: [Slice] = []
  /// Tenants, in document order.
  public private(set) var tenants: [String] = []
  /// Services, in document order.
  public private(set) var services: [String] = []
  /// Who answers for a service, by its name.
  public private(set) var serviceOwners: [String: String] = [:]
  /// The class that a service binds its claims to, by its name.
  private var serviceClasses: [String: ServiceClass] = [:]
  /// Names of the rungs of each service that has a ladder, from the top down.
  public private(set) var ladders: [String: [String]] = [:]
  /// What work depends on, as far as rungs and gauges name it.
  public private(set) var dependencies: [String] = []
  /// Measures that gauges read, each with its subject.
  public private(set) var measures: [(measure: String, subject: String)] = []
  private var tenantNames: Set<String> = []
  /// Whose a service is, by its name, where it is one tenant's.
  private var serviceTenants: [String: String] = [:]
  /// The tenant to which it is shown; nil: to whoever may see all.
  private var viewer: String?

  /// Makes an empty vocabulary: that of a pool without a policy.
  public init() {}

  /// Reads a slice: by the driver's name where that is enough, else as `PROFILE > NAME`.
  func slice(_ value: JSONValue) throws(JSONAbandoned) -> Key {
    let text = try value.string(1...300)
    let known = slices.filter { $0.name == text || $0.qualified == text }
    if let slice = known.first, known.count == 1 {
      return NameTable.key(.slice, slice.qualified)
    }
    if known.isEmpty {
      throw value.refuse(
        "the policy has no such slice",
        hint: NearestName.hint(text, among: slices.map(\.name), called: "slice"))
    }
    let choices = known.map { "\"\($0.qualified)\"" }.joined(separator: ", ")
    throw value.refuse("several boards have such a slice", hint: "write one of \(choices)")
  }

  mutating func add(tenant name: String) {
    if tenantNames.insert(name).inserted { tenants.append(name) }
  }

  mutating func add(
    service name: String, of tenant: String?, _ serviceClass: ServiceClass, owner: String
  ) {
    if serviceOwners.updateValue(owner, forKey: name) == nil { services.append(name) }
    serviceTenants[name] = tenant
    serviceClasses[name] = serviceClass
  }

  mutating func add(ladder rungs: [String], of service: String) { ladders[service] = rungs }

  mutating func add(dependency name: String) {
    if !dependencies.contains(name) { dependencies.append(name) }
  }

  mutating func add(measure name: String, of subject: String) {
    if !measures.contains(where: { $0 == (name, subject) }) { measures.append((name, subject)) }
  }

  /// The vocabulary as it is shown to a tenant: of other tenants and of their services it knows as
  /// little as of those that do not exist. Complexity: O(1).
  /// - Parameter tenant: nil: all of it.
  public func shown(to tenant: String?) -> PolicyVocabulary {
    var shown = self
    shown.viewer = tenant
    return shown
  }

  /// Whether the policy has a tenant of that name. Complexity: O(1).
  public func hasTenant(_ name: String) -> Bool {
    tenantNames.contains(name) && (viewer == nil || viewer == name)
  }

  /// Whether the policy has a service of that name. Complexity: O(1).
  public func hasService(_ name: String) -> Bool {
    guard serviceOwners[name] != nil else { return false }
    guard let viewer, let tenant = serviceTenants[name] else { return true }
    return tenant == viewer
  }

  /// The class that a service binds its claims to; nil where the policy has no such service.
  /// Complexity: O(1).
  public func serviceClass(of name: String) -> ServiceClass? {
    hasService(name) ? serviceClasses[name] : nil
  }

  /// Tenants that a hint may name.
  var shownTenants: [String] { viewer == nil ? tenants : tenants.filter { hasTenant($0) } }
  /// Services that a hint may name.
  var shownServices: [String] { viewer == nil ? services : services.filter { hasService($0) } }
}

/// Restrictions that travel in a lease. The bits are frozen: a lease outlives the policy.
public enum LeaseRestriction: UInt8, CaseIterable, Sendable {
  /// No traffic out.
  case egressNone = 0
  /// Traffic to listed places only.
  case egressRestricted = 1
  /// No files.
  case filesNone = 2
  /// Files are read only.
  case filesReadOnly = 3
  /// No tools.
  case toolsNone = 4
  /// Tools that change nothing.
  case toolsReadOnly = 5
  /// Tools that an owner approved.
  case toolsApproved = 6

  /// The word in documents.
  public var word: String {
    switch self {
    case .egressNone: "egress-none"
    case .egressRestricted: "egress-restricted"
    case .filesNone: "files-none"
    case .filesReadOnly: "files-read-only"
    case .toolsNone: "tools-none"
    case .toolsReadOnly: "tools-read-only"
    case .toolsApproved: "tools-approved"
    }
  }

  /// The words of a lease's bits, in order of their bits.
  public static func words(_ bits: UInt64) -> [String] {
    allCases.filter { bits & (1 << UInt64($0.rawValue)) != 0 }.map(\.word)
  }
}

/// Names that one part of a document declares and others refer to.
struct Declared {
  private(set) var names: [String] = []
  /// False when a name could not be read: then an unknown reference may be its fault.
  private(set) var isComplete = true
  private var places: [String: Int] = [:]

  /// Notes a declaration; refuses a second one of the same name.
  mutating func declare(_ name: String, at value: JSONValue, in list: String) -> Bool {
    if let first = places[name] {
      value.record(
        "the name \"\(name)\" is used twice", hint: "\(list)[\(first)] has it; rename one")
      return false
    }
    places[name] = names.count
    names.append(name)
    return true
  }

  mutating func miss() { isComplete = false }

  func index(of name: String) -> Int? { places[name] }

  /// Checks a reference. Where a declaration could not be read it is taken for the one meant: the
  /// document is refused for that declaration already.
  func check(
    _ name: String, at value: JSONValue, called what: String
  ) throws(JSONAbandoned) -> String {
    if places[name] != nil || !isComplete { return name }
    throw value.refuse(
      "there is no \(what) \"\(name)\"",
      hint: NearestName.hint(name, among: names, called: what))
  }
}
