public import PoolAllocator
public import PoolRecord

/// Why the question cannot be answered.
public enum WhatIfProblem: Error, Sendable {
  /// The journal cannot be read to its end; a torn tail is no problem.
  case journal(JournalEnding)
  /// The journal goes on from a pool that is not in it.
  case startsElsewhere
  /// The journal puts no policy in force, so there is none to replace.
  case noPolicy
  /// The pool refuses the policy.
  case policyRefused(WhatIfRefusal)
  /// The pool refuses one of the added nodes, by its index.
  case nodeRefused(Int, WhatIfRefusal)
}

extension WhatIfProblem: CustomStringConvertible {
  /// What is wrong, as the end of a sentence about the journal.
  public var description: String {
    switch self {
    case .journal(.complete): "is empty"
    case .journal(.torn(let tail)) where tail.offset == 0 && tail.length == 0:
      "is empty; a journal begins with a header"
    case .journal(.torn(let tail)): "\(tail)"
    case .journal(.damaged(let damage)) where damage.sequence == nil && damage.fault == .isNoRecord:
      "is no journal; pool-agent place --journal FILE writes one"
    case .journal(.damaged(let damage)): "\(damage)"
    case .startsElsewhere:
      "goes on from a pool that is not in it; export the journal from its first record on"
    case .noPolicy: "puts no policy in force, so nothing in it was decided under one"
    case .policyRefused: "was recorded by a pool that refuses the policy"
    case .nodeRefused: "was recorded by a pool that refuses the node"
    }
  }
}

/// A refusal with the pool that can say what its reasons speak of.
public struct WhatIfRefusal: Sendable {
  /// What stands in the way, by precedence.
  public let reasons: [Reason]
  /// The pool that refused.
  public let pool: Pool
}

/// A node that the recorded run did not have: it is there from the first policy on, and never
/// fails.
public struct AddedNode: Sendable {
  /// What an operator states of it.
  public var enrolment: Enrolment
  /// What its agent reports.
  public var advertisement: Advertisement
  /// Its row in the other pool.
  var node: NodeID?

  /// Makes a node.
  public init(enrolment: Enrolment, advertisement: Advertisement) {
    self.enrolment = enrolment
    self.advertisement = advertisement
  }
}

/// What a journal's requests would have become under another policy, or with more hardware.
///
/// Every command of the journal is given again to a second pool, at its own time. What callers,
/// operators and nodes did is taken as given. What agents and holders did with a lease is given
/// again where the lease stands as it did; where it does not, the lease lives by what was seen of
/// its work (docs/decisions/0034). With the recorded policy and hardware nothing changes.
public struct WhatIf: Sendable {
  /// The recorded run, request by request.
  public let before: [RequestStory]
  /// The other run, request by request.
  public let after: [RequestStory]
  /// Requests of which the other run rests on an assumption: the journal does not show how long
  /// their work takes.
  public let assumed: [Bool]
  /// How the journal ended: complete, or with a torn tail behind the last whole record.
  public let ending: JournalEnding
  /// Records that were read.
  public let records: Int
  /// Pool time of the first record.
  public let start: Instant
  /// Pool time of the last record, at which both runs end.
  public let horizon: Instant
  /// From when on the other policy was in force: before, both runs are the same.
  public let since: Instant
  /// The policy that the recorded run ended with.
  public let policyBefore: CompiledPolicy
  /// The policy that the other run ended with.
  public let policyAfter: CompiledPolicy

  /// Asks.
  /// - Parameters:
  ///   - journal: the bytes of a journal that begins with an empty pool.
  ///   - policy: takes the place of every policy of the journal, under its generations; nil: they
  ///     stay.
  ///   - added: nodes that are there from the first policy on.
  ///   - span: how long before the end of the journal the policy comes into force, in the pool as
  ///     it was recorded until then; nil, or no shorter than the journal: from its beginning.
  ///   - progress: called now and then with what is done. Unit: thousandths.
  /// - Throws: where the journal cannot be read, or the pool takes the policy or a node not.
  /// - Complexity: two readings of the journal, one fold of it, and its commands decided once.
  public init(
    journal: [UInt8], policy: CompiledPolicy? = nil, adding added: [AddedNode] = [],
    last span: Span? = nil, progress: (Int) -> Void = { _ in }
  ) throws(WhatIfProblem) {
    let reader = JournalReader(journal)
    if let ending = reader.ending { throw .journal(ending) }
    guard let pool = reader.emptyPool else { throw .startsElsewhere }
    // To read is a fifth of the work; the rest is to decide.
    var recording = try Recording(reader) { progress($0 * 200 / max(1, journal.count)) }
    if policy != nil || !added.isEmpty, !recording.hasPolicy { throw .noPolicy }
    policyBefore = recording.book.policy
    var since = recording.start
    if let span { since = max(since, Instant(ns: max(0, recording.horizon.ns - span.ns))) }
    var run = OtherRun(
      from: pool, before: recording.book, horizon: recording.horizon, policy: policy,
      since: since > recording.start ? since : nil, adding: added)
    // The run has the stories for itself from here on, so that none is copied when one changes.
    recording.book = StoryBook()
    var again = reader
    while let record = again.next() {
      try run.follow(record)
      if again.nextSequence % Recording.pace == 0 {
        progress(200 + again.offset * 800 / max(1, journal.count))
      }
    }
    run.advance(to: recording.horizon)
    before = run.before.stories
    after = run.after.stories
    assumed = before.indices.map { run.assumed.contains($0) }
    ending = recording.ending
    records = recording.records
    start = recording.start
    horizon = recording.horizon
    self.since = since
    policyAfter = run.after.policy
  }
}

/// What a first reading of a journal finds.
struct Recording: Sendable {
  var book = StoryBook()
  var records = 0
  var start = Instant.origin
  var horizon = Instant.origin
  var hasPolicy = false
  var ending = JournalEnding.complete

  /// After how many records it is told how far they go. Unit: records.
  static let pace: UInt64 = 4_096

  /// Reads a journal to its end.
  /// - Parameter progress: called now and then with how much is read. Unit: bytes.
  init(
    _ journal: JournalReader, progress: (Int) -> Void = { _ in }
  ) throws(WhatIfProblem) {
    var reader = journal
    while let record = reader.next() {
      if reader.nextSequence % Self.pace == 0 { progress(reader.offset) }
      if records == 0 { start = record.log.at }
      records += 1
      horizon = record.log.at
      var request: Int?
      if case .submit(let spec) = record.command {
        request = book.open(spec, at: record.log.at)
      }
      if case .activate = record.command { hasPolicy = true }
      book.fold(record.command, record.decision, record.log, request: request)
    }
    ending = reader.ending ?? .complete
    if case .damaged = ending { throw .journal(ending) }
  }
}
