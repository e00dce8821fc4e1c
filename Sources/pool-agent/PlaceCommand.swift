import HardwareProbe
import PoolAllocator
import PoolConsole
import PoolViews
import PoolWire
import StrictJSON

/// `pool-agent place`.
enum PlaceCommand {
  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    guard let policyFile = arguments.one("--policy") else {
      throw UsageError(message: "place needs --policy FILE")
    }
    let isStream = arguments.has("--stream")
    let claimsFile = arguments.one("--claims")
    if arguments.has("--explain"), isStream || arguments.has("--json") {
      throw UsageError(message: "--explain is for people: without --stream and --json")
    }
    if isStream, claimsFile != nil {
      throw UsageError(message: "--claims and --stream exclude one another")
    }
    if !isStream, claimsFile == nil {
      throw UsageError(message: "place needs --claims FILE, or --stream")
    }
    if isStream, arguments.has("--alternatives") {
      throw UsageError(
        message: "--alternatives is for --claims; in a stream a claim asks with \"alternatives\"")
    }
    let explanations = try explanations(arguments, isStream: isStream)
    let files = [policyFile, claimsFile ?? ""] + arguments.all("--nodes")
    if files.filter({ $0 == "-" }).count + (isStream ? 1 : 0) > 1 {
      throw UsageError(message: "standard input can be read once only")
    }
    let documents = try Documents(
      policy: policyFile, claims: claimsFile, nodes: arguments.all("--nodes"))
    var nodes = documents.nodes
    if nodes.isEmpty { nodes = [try probedNode(arguments)] }
    var session = try PlaceSession(journal: arguments.one("--journal"))
    try prepare(&session, documents.policy, nodes)
    if isStream {
      session.explanations = explanations
      try StreamCommand.run(&session)
      return 0
    }
    let report = try PlaceReport(deciding: documents.claims, in: &session)
    if arguments.has("--json") {
      Console.print(report.json(withAlternatives: arguments.has("--alternatives")))
    } else {
      let width = Terminal.width()
      Console.print(report.text(width: width))
      let page = Page(width: width)
      var pages: [[String]] = []
      if arguments.has("--explain") { pages.append(BoundsPage(session: session).lines(page)) }
      if arguments.has("--explain") || arguments.has("--alternatives") {
        pages.append(AlternativesPage(report: report).lines(page))
      }
      for lines in pages where !lines.isEmpty {
        Console.print("\n" + lines.joined(separator: "\n") + "\n")
      }
    }
    return report.exitCode
  }

  /// What `--explanations` says.
  private static func explanations(
    _ arguments: Arguments, isStream: Bool
  ) throws(UsageError) -> ExplainBudget {
    guard let text = arguments.one("--explanations") else { return ExplainBudget() }
    guard isStream else { throw UsageError(message: "--explanations is for --stream") }
    guard let number = Int64(text), ExplainBudget.range.contains(number) else {
      throw UsageError(
        message: "--explanations is a number from \(ExplainBudget.range.lowerBound) to"
          + " \(ExplainBudget.range.upperBound), not \(quoted(text))")
    }
    return ExplainBudget(perSecond: number)
  }

  private static func probedNode(_ arguments: Arguments) throws(UsageError) -> NodeDocument {
    let inventory = try MachineFlags(arguments).inventory()
    for note in inventory.notes { Console.note("note: \(Terminal.plain(note))\n") }
    do {
      return try InventoryNode.node(of: inventory)
    } catch {
      throw UsageError(message: "this machine cannot be offered: \(error)")
    }
  }

  /// Puts nodes and policy in a new pool.
  private static func prepare(
    _ session: inout PlaceSession, _ policy: PolicyDocument, _ nodes: [NodeDocument]
  ) throws(UsageError) {
    var seen: [String] = []
    for node in nodes {
      if seen.contains(node.name) {
        throw UsageError(message: "two node documents are of \(quoted(node.name))")
      }
      seen.append(node.name)
      let decision = try collisionFree { () throws(NameCollision) in try session.advertise(node) }
      try check(decision, session, "node \(quoted(node.name))")
    }
    let decision = try collisionFree { () throws(NameCollision) in try session.activate(policy) }
    try check(decision, session, "the policy")
    session.tick(at: session.pool.now)
  }

  private static func check(
    _ decision: Decision, _ session: PlaceSession, _ what: String
  ) throws(UsageError) {
    guard decision.verdict != .done else { return }
    let why = session.reasons(of: decision).map(\.sentence).joined(separator: "\n")
    throw UsageError(message: "\(what) is refused: \(why)")
  }

  static func collisionFree<T>(
    _ body: () throws(NameCollision) -> T
  ) throws(UsageError) -> T {
    do {
      return try body()
    } catch {
      throw UsageError(message: error.description)
    }
  }
}

/// The documents of one call, all read before anything is done.
struct Documents {
  var policy: PolicyDocument
  var claims: [ClaimForm]
  var nodes: [NodeDocument]

  /// Reads every file; the errors of all of them are reported together.
  init(policy: String, claims: String?, nodes: [String]) throws(UsageError) {
    var messages: [String] = []
    let policyDocument = Self.read(policy, &messages) { document throws(JSONErrors) in
      try PolicyDocument(document)
    }
    var forms: [ClaimForm]?
    if let claims {
      // Without a policy its names are unknown, so the claims are only parsed then.
      forms = Self.read(claims, &messages) { document throws(JSONErrors) in
        guard let vocabulary = policyDocument?.vocabulary else { return [] }
        return try ClaimsDocument(document, vocabulary: vocabulary).claims
      }
    }
    let nodeDocuments = nodes.map { file in
      Self.read(file, &messages) { document throws(JSONErrors) in try Self.node(document) }
    }
    guard messages.isEmpty, let policyDocument else {
      throw UsageError(
        lines: messages,
        message: messages.count == 1
          ? "a file cannot be used; nothing was done"
          : "\(messages.count) files cannot be used; nothing was done")
    }
    self.policy = policyDocument
    self.claims = forms ?? []
    self.nodes = nodeDocuments.compactMap { $0 }
  }

  /// A probe's document looks like a node's and is not one: it holds facts, not an offer.
  private static func node(_ document: JSONDocument) throws(JSONErrors) -> NodeDocument {
    let isProbe = try? document.decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        let kind = fields.string("kind")
        return try kind.value == "node_inventory"
      }
    }
    guard isProbe == true else { return try NodeDocument(document) }
    throw JSONErrors([
      JSONError(
        line: 1, column: 1, path: "$.kind", problem: "this is a document of pool-agent probe",
        hint: "use the output of pool-agent advertise --once")
    ])
  }

  private static func read<T>(
    _ file: String, _ messages: inout [String],
    _ body: (JSONDocument) throws(JSONErrors) -> T
  ) -> T? {
    let bytes: [UInt8]
    do {
      bytes = try Console.read(file)
    } catch {
      messages.append(error.message)
      return nil
    }
    do throws(JSONErrors) {
      return try body(try JSONDocument(bytes))
    } catch {
      messages.append(error.formatted(file: file == "-" ? "stdin" : Terminal.plain(file)))
      return nil
    }
  }
}
