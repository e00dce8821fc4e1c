import PoolAllocator
import PoolConsole
import PoolSimulator
import PoolWire
import StrictJSON

/// `pool-sim what-if`.
enum WhatIfCommand {
  static let form = CommandLineForm(
    name: "what-if",
    usage:
      "pool-sim what-if --journal FILE [--policy NEW] [--add NODE …] [--names FILE …] [--json]",
    summary: "repeat a journal under another policy or with more hardware: what changes",
    flags: [
      Flag(
        name: "--journal", values: .one("a file"),
        summary: "what pool-agent place --journal wrote, or an allocator's export"),
      Flag(
        name: "--policy", values: .one("a file"),
        summary: "a policy document that takes the place of every policy of the journal"),
      Flag(
        name: "--add", values: .many("file"),
        summary: "node documents: hardware that is there as well, from the first policy on"),
      Flag(
        name: "--names", values: .many("file"),
        summary: "more documents, policies and claims, whose names stand for keys"),
      Flag(name: "--json", values: .none, summary: "print one JSON document"),
      Forms.help,
    ],
    details: """
      A journal holds commands with their times and the hashes of names. The commands are given
      again to a second pool; what callers, operators and nodes did stays as it was. A lease that
      stands as it did is started, renewed and given back as it was. One that does not runs for as
      long as its work was seen to run, or, where the journal does not show that, as its estimate
      says; requests whose change rests on an estimate are marked with ~.
      With the same policy and no node added, nothing changes. A journal whose last write was cut
      off is read up to there; a damaged one is refused with the place.

      Exit codes: 0 answered, whether or not anything changes · 2 usage, or a file in error.
      """)

  /// Largest journal that is read. Unit: bytes.
  private static let journalBytesMax = 1 << 30

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    guard let journal = arguments.one("--journal") else {
      throw UsageError(message: "what-if needs --journal FILE")
    }
    let nodeFiles = arguments.all("--add")
    guard arguments.one("--policy") != nil || !nodeFiles.isEmpty else {
      throw UsageError(message: "what-if needs --policy NEW, --add NODE, or both")
    }
    let documents = try WhatIfDocuments(
      policy: arguments.one("--policy"), nodes: nodeFiles, names: arguments.all("--names"))
    let bytes: [UInt8]
    do {
      bytes = try Console.read(journal, upTo: journalBytesMax)
    } catch {
      throw UsageError(message: error.message)
    }
    let answer: WhatIf
    do throws(WhatIfProblem) {
      answer = try WhatIf(
        journal: bytes, policy: documents.policy?.policy,
        adding: documents.nodes.map {
          AddedNode(enrolment: $0.enrolment, advertisement: $0.advertisement)
        }, progress: { ProgressLine.show("giving the commands again", milli: $0) })
      ProgressLine.clear()
    } catch {
      ProgressLine.clear()
      throw usageError(error, journal, documents, nodeFiles)
    }
    let report = WhatIfReport(answer: answer, names: documents.names)
    if arguments.has("--json") {
      Console.print(report.json)
    } else {
      Console.print(report.text(width: Terminal.width()))
    }
    return 0
  }

  static func usageError(
    _ problem: WhatIfProblem, _ journal: String, _ documents: WhatIfDocuments,
    _ nodeFiles: [String]
  ) -> UsageError {
    let shown = journal == "-" ? "standard input" : Terminal.plain(journal)
    switch problem {
    case .journal, .startsElsewhere, .noPolicy: return UsageError(message: "\(shown): \(problem)")
    case .policyRefused(let refusal):
      return UsageError(
        lines: documents.sentences(refusal), message: "the policy is refused by the pool")
    case .nodeRefused(let index, let refusal):
      return UsageError(
        lines: documents.sentences(refusal),
        message: "\(Terminal.plain(nodeFiles[index])): the node is refused by the pool")
    }
  }
}

/// The documents of one call.
struct WhatIfDocuments {
  private(set) var policy: PolicyDocument?
  private(set) var nodes: [NodeDocument] = []
  private(set) var names = NameTable()

  /// Reads every file; the errors of all of them are reported together.
  init(policy: String?, nodes: [String], names others: [String]) throws(UsageError) {
    var files = DocumentFiles()
    if let policy {
      self.policy = files.read(policy) { document throws(JSONErrors) in
        try PolicyDocument(document)
      }
    }
    for file in nodes {
      let node = files.read(file) { document throws(JSONErrors) in try NodeDocument(document) }
      if let node { self.nodes.append(node) }
    }
    var vocabulary: PolicyVocabulary?
    for file in others {
      let known = vocabulary ?? self.policy?.vocabulary ?? PolicyVocabulary()
      let found = files.read(file) { document throws(JSONErrors) in
        try NamesDocument(document, vocabulary: known)
      }
      if let found {
        vocabulary = found.vocabulary ?? vocabulary
        files.take(found.names, from: file, into: &names)
      }
    }
    if let policy, let document = self.policy {
      files.take(document.names, from: policy, into: &names)
    }
    for (file, node) in zip(nodes, self.nodes) {
      files.take(node.names, from: file, into: &names)
    }
    try files.check()
  }

  /// What a refusal says, in words.
  func sentences(_ refusal: WhatIfRefusal) -> [String] {
    refusal.reasons.map { ReasonText($0, in: refusal.pool, names: names).sentence }
  }
}

/// A document that is read for its names alone: a policy, or claims of one.
struct NamesDocument {
  var names = NameTable()
  var vocabulary: PolicyVocabulary?

  init(_ document: JSONDocument, vocabulary known: PolicyVocabulary) throws(JSONErrors) {
    let kind = try? document.decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        let kind = fields.string("kind")
        return try kind.value
      }
    }
    guard kind == "claims" else {
      let policy = try PolicyDocument(document)
      names = policy.names
      vocabulary = policy.vocabulary
      return
    }
    for claim in try ClaimsDocument(document, vocabulary: known).claims {
      do throws(NameCollision) {
        try claim.intern(into: &names)
      } catch {
        throw JSONErrors([
          JSONError(line: 1, column: 1, path: "$.claims", problem: error.description, hint: "")
        ])
      }
    }
  }
}
