public import PoolAllocator
public import StrictJSON

/// A message of an agent as its node's server reads it.
public struct NodeMessageForm: Sendable {
  /// What the agent says.
  public let message: NodeMessage
  /// Every name of its report, by key; empty without a report.
  public let names: NameTable

  /// Reads a document of kind `node_message`.
  /// - Parameter node: the node that the sender proved to be; a report of another is refused.
  /// - Throws: `JSONErrors` with every error of the document.
  public init(_ document: JSONDocument, node: String) throws(JSONErrors) {
    self = try document.decode { root in
      try root.object { fields in try NodeMessageForm(&fields, node: node) }
    }
  }

  private init(_ fields: inout JSONFields, node: String) throws {
    let head = try fields.head("node_message")
    let boot = fields.read("boot") { try $0.key() }
    let generation = fields.int64("generation", in: 1...Int64.max)
    let sequence = fields.int64("sequence", in: 1...Int64.max)
    let started = fields.int64("started_ns", in: 0...Int64.max)
    let seen = fields.int64("seen", in: 0...Int64.max)
    let news = fields.array("news", max: Limits.leasesPerNode) { try $0.leaseNews() }
    let report = fields.optional("report") { try NodeDocument($0) }
    let answers = fields.optional("answers") { try $0.reportAsk() }
    _ = try head.value
    var message = NodeMessage(
      boot: try boot.value, generation: UInt64(try generation.value),
      sequence: UInt64(try sequence.value), seen: UInt64(try seen.value), news: try news.value)
    message.started = try started.value
    message.answers = try answers.value
    guard let report = try report.value else {
      if message.answers != nil {
        try fields.fail("answers", "it answers with no report", hint: "add report or remove it")
      }
      self.message = message
      names = NameTable()
      return
    }
    if let problem = Self.mismatch(report, message, node) {
      try fields.fail("report", problem, hint: "expected the report of this message")
    }
    message.report = report.advertisement
    self.message = message
    names = report.names
  }

  /// What of a report is not as its message says.
  private static func mismatch(
    _ report: NodeDocument, _ message: NodeMessage, _ node: String
  ) -> String? {
    let head = report.advertisement.report
    if report.name != node { return "the report is of \"\(report.name)\", not of \"\(node)\"" }
    if head.boot != message.boot { return "the report is of another boot" }
    if head.generation != message.generation { return "the report has another generation" }
    if head.sequence != message.sequence { return "the report has another sequence" }
    return nil
  }
}

extension JSONValue {
  /// Reads what an agent knows of one lease.
  fileprivate func leaseNews() throws(JSONAbandoned) -> LeaseNews {
    try object { fields in
      let lease = fields.read("lease") { try $0.lease() }
      let fencing = fields.read("fencing") { try $0.fencing() }
      let ending = fields.optionalChoice("ending", LeaseEnding.words)
      return LeaseNews(
        lease: try lease.value, fencing: try fencing.value, ending: try ending.value)
    }
  }

  /// Reads a leader's ask.
  func reportAsk() throws(JSONAbandoned) -> ReportAsk {
    try object { fields in
      let epoch = fields.int64("epoch", in: 0...Int64(UInt32.max))
      let number = fields.int64("number", in: 1...Int64.max)
      return ReportAsk(epoch: UInt32(try epoch.value), number: UInt64(try number.value))
    }
  }
}

extension LeaseEnding {
  /// How a lease ended, in documents.
  static var words: KeyValuePairs<String, LeaseEnding> {
    [
      "completed": .completed, "failed": .failed, "expired": .expired,
      "never_started": .neverStarted,
    ]
  }

  /// The word in documents.
  public var word: String {
    Self.words.first { $0.value == self }?.key ?? "failed"
  }

  /// Reads the word of documents; nil for anything else.
  public init?(word: String) {
    guard let known = Self.words.first(where: { $0.key == word }) else { return nil }
    self = known.value
  }
}

extension JSONWriter {
  /// Writes a message of an agent.
  /// - Parameter report: the node's document; where the message has a report it is copied, with the
  ///   numbers of the message and what it says to live.
  public mutating func nodeMessage(_ message: NodeMessage, report: JSONDocument?) {
    object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "node_message")
      writer.string("boot", message.boot.wire)
      writer.int64("generation", Int64(clamping: message.generation))
      writer.int64("sequence", Int64(clamping: message.sequence))
      writer.int64("started_ns", message.started)
      writer.int64("seen", Int64(clamping: message.seen))
      writer.array("news") { writer in
        for news in message.news { writer.leaseNews(news) }
      }
      if let said = message.report, let report {
        writer.key("report")
        writer.report(report, said)
      }
      if let ask = message.answers { writer.reportAsk("answers", ask) }
    }
  }

  private mutating func leaseNews(_ news: LeaseNews) {
    object { writer in
      writer.string("lease", news.lease.wire)
      writer.string("fencing", news.fencing.wire)
      if let ending = news.ending { writer.string("ending", ending.word) }
    }
  }

  mutating func reportAsk(_ name: String, _ ask: ReportAsk) {
    object(name) { writer in
      writer.int64("epoch", Int64(ask.epoch))
      writer.int64("number", Int64(clamping: ask.number))
    }
  }

  private mutating func report(_ document: JSONDocument, _ said: Advertisement) {
    object { writer in
      // A document that is no object gives none, which the reader refuses.
      _ = try? document.root.map(max: Int.max) { key, value in
        if ["generation", "sequence", "living"].contains(key) { return }
        writer.value(key, value)
      }
      writer.int64("generation", Int64(clamping: said.report.generation))
      writer.int64("sequence", Int64(clamping: said.report.sequence))
      writer.array("living") { writer in
        for fencing in said.living { writer.string(fencing.wire) }
      }
    }
  }
}
