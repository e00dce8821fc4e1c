internal import PoolAllocator
internal import PoolWire
internal import StrictJSON

/// What a check of one policy found: what cannot be read, else what it means.
public struct PolicyCheck: Sendable {
  /// The policy's file.
  public let file: String
  /// Why the policy or a node cannot be read; nil where all can.
  public let errors: SourceErrors?
  /// What was found in a policy that can be read.
  public let findings: [PolicyFinding]
  /// The file that cannot be used, where one cannot: the policy, a node or the journal.
  private let unusable: String

  /// Checks a policy.
  /// - Parameters:
  ///   - file: the policy.
  ///   - nodes: files of the nodes that it is meant for; without any, nothing is said of devices.
  ///   - journal: a journal in the record form; without one, nothing is said of what was asked.
  ///   - progress: called now and then with what of it is read. Unit: thousandths.
  public init(
    file: String, nodes: [String] = [], journal: String? = nil,
    progress: (Int) -> Void = { _ in }
  ) {
    var findings: [PolicyFinding] = []
    var errors: SourceErrors?
    var reading = file
    do throws(SourceErrors) {
      let source = try PolicySource(file: file)
      var documents: [NodeDocument] = []
      for node in nodes {
        reading = node
        documents.append(try NodeSource.read(node))
      }
      reading = file
      var pool = VirtualPool()
      try pool.begin(source, documents)
      var meaning = PolicyMeaning(source: source, pool: pool, hasNodes: !nodes.isEmpty)
      if let journal {
        reading = journal
        meaning.demand = try RecordedJournal.demand(journal, source, progress: progress)
      }
      meaning.look()
      findings = meaning.findings
    } catch {
      errors = error
    }
    unusable = reading
    self.file = file
    self.findings = findings
    self.errors = errors
  }

  /// Whether nothing has to be changed.
  public var isClean: Bool { errors == nil && !findings.contains { $0.weight == .error } }

  /// One line for each thing, and one in the end.
  public var text: String {
    if let errors { return "\(errors)\n\(unusable) cannot be used" }
    let count = findings.count { $0.weight == .error }
    let rest = findings.count - count
    let sum = isClean ? "is sound" : "has \(count) error\(count == 1 ? "" : "s")"
    let tail = rest == 0 ? "" : ", \(rest) warning\(rest == 1 ? "" : "s")"
    return (findings.map(\.line) + ["\(file) \(sum)\(tail)"]).joined(separator: "\n")
  }

  /// The same as a document of kind `policy_check`.
  public var json: String {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "policy_check")
      writer.string("file", file)
      writer.bool("clean", isClean)
      writer.array("findings") { writer in
        for error in errors?.errors ?? [] { error.write(&writer) }
        for finding in findings { finding.write(&writer) }
      }
    }
    return writer.text
  }
}

/// A node's document, in YAML or JSON.
enum NodeSource {
  /// Reads a document of kind `node`.
  static func read(
    _ file: String, reading: (String) throws(SourceErrors) -> [UInt8] = SourceFiles.read
  ) throws(SourceErrors) -> NodeDocument {
    try MarkedText(try SourceReader.read(try reading(file), file: file)).read {
      (json) throws(JSONErrors) in try NodeDocument(json)
    }
  }
}

extension VirtualPool {
  /// Takes the nodes in and puts the policy in force.
  /// - Throws: where the core refuses one of them.
  mutating func begin(
    _ source: PolicySource, _ nodes: [NodeDocument]
  ) throws(SourceErrors) {
    let place = source.tree.place
    var refusals: [SourceError] = []
    do throws(NameCollision) {
      for node in nodes {
        let decision = try advertise(node)
        refusals += refusal(decision, "the node \"\(node.name)\"", place)
      }
      if let decision = try decide(.policy(source.document)) {
        refusals += refusal(decision, "the policy", place)
      }
    } catch {
      refusals.append(SourceError(place, error.description))
    }
    if !refusals.isEmpty { throw SourceErrors(refusals) }
    tick(at: now)
  }

  private func refusal(
    _ decision: Decision, _ what: String, _ place: SourcePlace
  ) -> [SourceError] {
    guard decision.verdict != .done else { return [] }
    let why = reasons(of: decision).map { text($0, of: nil).sentence }
    return [SourceError(place, "\(what) is refused", hint: why.joined(separator: "; "))]
  }
}
