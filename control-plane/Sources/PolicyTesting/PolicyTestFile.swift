internal import PoolAllocator
internal import PoolWire
internal import StrictJSON

/// A file of tests: `*.policytest.yaml`.
///
///     schema_version: 1
///     kind: policy_test
///     policy: policy.yaml
///     given:
///       nodes: [nodes/h100-8.yaml]
///       claim: { tenant: acme, service: chat, … }   # what claims say unless they say otherwise
///     tests:
///       - name: the bucket holds
///         steps:
///           - { at: 0, claim: { name: first }, expect: { outcome: granted } }
struct PolicyTestFile: Sendable {
  /// Tests of one file. Unit: tests.
  static let testsMax = 1_000
  /// Steps of one test. Unit: steps.
  static let stepsMax = 10_000
  /// Claims that one step submits. Unit: claims.
  static let timesMax: Int64 = 1_000

  let file: String
  let source: PolicySource
  let nodes: [NodeDocument]
  let tests: [PolicyTest]

  /// Reads a file and the policy and nodes that it names.
  /// - Throws: every error of the file, or those of what it names.
  init(
    file: String, reading: (String) throws(SourceErrors) -> [UInt8] = SourceFiles.read
  ) throws(SourceErrors) {
    let tree = try SourceReader.read(try reading(file), file: file)
    guard let policy = tree["policy"]?.text else {
      throw SourceErrors([
        SourceError(
          tree["policy"]?.place ?? tree.place, path: "$.policy", "the file names no policy",
          hint: "add policy with its file")
      ])
    }
    source = try PolicySource(
      file: SourceFiles.path(policy, beside: file), reading: reading)
    var nodes: [NodeDocument] = []
    for node in tree["given"]?["nodes"]?.elements ?? [] {
      guard let name = node.text else {
        let inline = MarkedText(node)
        nodes.append(
          try inline.read { (json) throws(JSONErrors) in try NodeDocument(json) })
        continue
      }
      nodes.append(
        try NodeSource.read(SourceFiles.path(name, beside: file), reading: reading))
    }
    let reader = PolicyTestReader(
      source: source, nodes: nodes, tree: Self.spelt(tree))
    tests = try MarkedText(reader.tree).read { (json) throws(JSONErrors) in
      try json.decode { root in try reader.tests(root) }
    }
    self.file = file
    self.nodes = nodes
  }

  // MARK: what is left out is filled in

  /// The tree with every step's `claim` and `times` spelt out as `claims`.
  private static func spelt(_ tree: SourceNode) -> SourceNode {
    var tree = tree
    let defaults = tree["given"]?["claim"]?.members ?? []
    guard var list = tree["tests"], list.isList else { return tree }
    list.kind = .list(
      list.elements.map { test in
        var test = test
        guard var steps = test["steps"], steps.isList else { return test }
        steps.kind = .list(steps.elements.map { step($0, defaults) })
        replace("steps", steps, in: &test)
        return test
      })
    replace("tests", list, in: &tree)
    return tree
  }

  private static func step(_ step: SourceNode, _ defaults: [SourceMember]) -> SourceNode {
    var step = step
    if let claims = step["claims"], claims.isList {
      var claims = claims
      claims.kind = .list(claims.elements.map { filled($0, defaults) })
      replace("claims", claims, in: &step)
    }
    guard let claim = step["claim"], claim.isMap, step["claims"] == nil else { return step }
    let place = step.members.first { $0.key == "claim" }?.place ?? claim.place
    var claims = [filled(claim, defaults)]
    if let times = step["times"] {
      guard let count = times.number.flatMap({ Int64($0) }), 1...timesMax ~= count else {
        return step
      }
      claims = (1...count).map { numbered(claim, $0, defaults) }
    }
    step.remove("claim")
    step.remove("times")
    step.set(
      SourceMember(
        key: "claims", place: place, value: SourceNode(place: claim.place, kind: .list(claims))))
    return step
  }

  /// One of several claims: `name-1`, `name-2`, …
  private static func numbered(
    _ claim: SourceNode, _ number: Int64, _ defaults: [SourceMember]
  ) -> SourceNode {
    var claim = claim
    if let member = claim.members.first(where: { $0.key == "name" }), let name = member.value.text {
      let value = SourceNode(place: member.value.place, kind: .text("\(name)-\(number)"))
      claim.set(SourceMember(key: "name", place: member.place, value: value))
    }
    return filled(claim, defaults)
  }

  /// A claim with what it does not say: from the defaults, and names that tests seldom need.
  private static func filled(_ claim: SourceNode, _ defaults: [SourceMember]) -> SourceNode {
    guard claim.isMap else { return claim }
    var claim = claim
    for member in defaults where claim[member.key] == nil { claim.set(member) }
    let name = claim["name"]?.text ?? "claim"
    let names = [("application", "test"), ("workflow", name), ("principal", "agent:test")]
    for (key, word) in names where claim[key] == nil {
      claim.set(
        SourceMember(
          key: key, place: claim.place, value: SourceNode(place: claim.place, kind: .text(word))))
    }
    return claim
  }

  private static func replace(_ key: String, _ value: SourceNode, in node: inout SourceNode) {
    let place = node.members.first { $0.key == key }?.place ?? value.place
    node.set(SourceMember(key: key, place: place, value: value))
  }
}

/// One test: steps on a pool of their own.
struct PolicyTest: Sendable {
  var name: String
  var place: SourcePlace
  /// Whether leases are started, renewed and left as agents do; else nobody answers for them.
  var playsAgents: Bool
  var steps: [PolicyTestStep]
}

/// One step: a moment, something that happens then, and what is expected of it.
struct PolicyTestStep: Sendable {
  /// What happens.
  enum Action: Sendable {
    /// Nothing: it is looked at what there is.
    case look
    /// Time passes.
    case wait(Span)
    /// Claims are submitted, one after the other.
    case claim([ClaimForm])
    /// The agent starts the leases of a claim.
    case start(ClaimName)
    /// The leases of a claim are given back.
    case complete(ClaimName, Outcome)
    /// A claim is withdrawn.
    case cancel(ClaimName)
    /// A node gives its account.
    case advertise(NodeDocument)
    /// Anything else that a pool can be asked.
    case request(StreamRequest.Operation)
  }

  var place: SourcePlace
  /// When it happens; nil: at the moment of the step before.
  var at: Instant?
  var action: Action
  /// How messages call the step.
  var label: String
  var expectation: Expectation?
}

/// A claim as a test names it.
struct ClaimName: Hashable, Sendable, CustomStringConvertible {
  var tenant: String
  var name: String

  var description: String { "\(name) of \(tenant)" }
}

/// What is expected after a step; what is not said is not looked at.
struct Expectation: Sendable {
  /// The claim that it is about; nil: the one that the step submits last.
  var claim: ClaimName?
  /// The answer to the step.
  var outcome: String?
  /// Where the claim stands after what was due is done.
  var state: String?
  /// Codes that are among the reasons; none: there is no reason.
  var reasons: [Reason.Code]?
  /// The lane of its last lease.
  var lane: String?
  /// Its place in the order of a lane.
  var position: Int64?
  /// How much longer it waits at most.
  var waitMax: Span?
  /// Levels of buckets, in credits.
  var buckets: [(name: String, range: ClosedRange<Int64>)] = []
  /// The rung that it took; `none`.
  var rung: String?
  /// Whether it has a lease.
  var hasLease: Bool?
}
