import DequeModule
import PoolAllocator
import PoolViews
import PoolWire
import StrictJSON

/// Who follows what, and what changed behind which record of the journal.
///
/// A part of the desk: it sees every record, and gives the desk what is to be said once that is
/// durable. Records are counted from 1, as in `GET /v1/decisions`.
struct Followers {
  /// What is followed.
  enum Subject: Hashable {
    case claim(ClaimID)
    /// The claims that wait; of a tenant, or of all.
    case queue(tenant: String?)
  }

  /// A claim's tenant and name.
  struct Place: Hashable {
    var tenant: String
    var claim: String
  }

  private struct Entry {
    var follower: Follower
    var subject: Subject
    var principal: String
    /// When the credential expires; nil: with the process. Unit: seconds since 1970.
    var expires: Int64?
  }

  /// What the followers of a queue were told.
  private struct Seen {
    /// Hash of its rows; nil: nobody was told.
    var rows: Key?
    /// The record behind which they were looked at.
    var record: UInt64
  }

  /// Most streams. Unit: streams.
  static let most = 1_000
  /// Most streams of one principal. Unit: streams.
  static let mostOfOne = 16
  /// Most claims that ended and are remembered, for those who come back. Unit: claims.
  static let endingsMost = 4_096
  /// Most queues that are looked at in a second; each costs a pass over what waits. Unit: queues.
  static let looksMost = 8
  /// A comment is sent after so many beats. Unit: seconds.
  static let commentEvery = 15

  /// Records so far.
  private(set) var record: UInt64
  /// The first record of this leadership: what changed before it is not known.
  private let first: UInt64
  private var entries: [UInt64: Entry] = [:]
  private var ofSubject: [Subject: Set<UInt64>] = [:]
  private var ofPrincipal: [String: Int] = [:]
  /// Live claims by the record that changed them last.
  private var changed: [ClaimID: UInt64] = [:]
  /// The record that changed last what waits.
  private var queueChanged: UInt64
  private var seen: [Subject: Seen] = [:]
  private var endings: [Place: StreamEvent] = [:]
  private var endingOrder: Deque<(place: Place, record: UInt64)> = []
  /// Followed claims that changed and were not told of.
  private var touched: Set<ClaimID> = []
  /// Ends of followed claims, to be told once they are durable.
  private var due: [Desk.Held] = []
  private var numbers = UInt64(0)
  private var beats = 0
  /// Whether the next beat is asked for.
  var isBeating = false

  /// Begins behind the records that a journal has.
  init(after records: UInt64) {
    record = records
    first = records + 1
    queueChanged = first
  }

  /// Whether nobody follows anything.
  var isEmpty: Bool { entries.isEmpty }

  // MARK: who comes and goes

  /// Takes somebody in.
  /// - Parameters:
  ///   - after: the record behind which the caller knows how it stands; 0: it does not.
  ///   - leaving: is told the number that is to be let go once nobody reads the stream.
  /// - Throws: where there are too many.
  mutating func join(
    _ subject: Subject, _ caller: Caller, after: UInt64,
    leaving: @escaping @Sendable (UInt64) -> Void
  ) throws(Unasked) -> Following {
    let principal = caller.identity.quotaHolder
    guard entries.count < Self.most else { throw .streamsFull }
    guard ofPrincipal[principal, default: 0] < Self.mostOfOne else { throw .streamsOfOneFull }
    numbers += 1
    let number = numbers
    let (pulses, pulse) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(1))
    pulse.onTermination = { _ in leaving(number) }
    let follower = Follower(told: after, pulse)
    entries[number] = Entry(
      follower: follower, subject: subject, principal: principal, expires: caller.expires)
    ofSubject[subject, default: []].insert(number)
    ofPrincipal[principal, default: 0] += 1
    return Following(follower: follower, pulses: pulses)
  }

  /// Lets somebody go.
  mutating func leave(_ number: UInt64) {
    guard let entry = entries.removeValue(forKey: number) else { return }
    ofSubject[entry.subject]?.remove(number)
    if ofSubject[entry.subject]?.isEmpty == true {
      ofSubject[entry.subject] = nil
      seen[entry.subject] = nil
    }
    let left = ofPrincipal[entry.principal, default: 1] - 1
    ofPrincipal[entry.principal] = left == 0 ? nil : left
  }

  /// Ends every stream; those who follow may come back to another server.
  func endAll() {
    for entry in entries.values { entry.follower.end() }
  }

  // MARK: what changed

  /// Whether a caller who knows how a claim stood behind a record knows how it stands now.
  func isKnown(_ claim: ClaimID, after: UInt64) -> Bool {
    (changed[claim] ?? first)...max(record, first) ~= after
  }

  /// The same of what waits.
  func isQueueKnown(after: UInt64) -> Bool { queueChanged...max(record, first) ~= after }

  /// The end of a claim that a caller does not know of, if it is remembered.
  func ending(of place: Place, after: UInt64) -> StreamEvent? {
    endings[place].flatMap { ending in (ending.record ?? 0) > after ? ending : nil }
  }

  /// Notes what a record changed, before the book forgets what ended with it.
  mutating func note(_ log: borrowing EventLog, in pool: borrowing Pool, _ book: Book) {
    record += 1
    for event in log.events {
      if let claim = Self.queuedClaim(of: event) {
        queueChanged = record
        if case .claimEnded(_, let end) = event {
          ended(claim, end, at: log.at, book.claims[claim])
        } else {
          touch(claim, in: pool)
        }
      } else if let lease = Self.lease(of: event), let claim = pool.lease(lease)?.claim {
        touch(claim, in: pool)
      } else if case .policyActivated = event {
        queueChanged = record
      }
    }
  }

  /// A lease may outlive its claim.
  private mutating func touch(_ claim: ClaimID, in pool: borrowing Pool) {
    guard pool.claim(claim) != nil else { return }
    changed[claim] = record
    if ofSubject[.claim(claim)] != nil { touched.insert(claim) }
  }

  private mutating func ended(_ id: ClaimID, _ end: ClaimEnd, at now: Instant, _ form: ClaimForm?) {
    changed[id] = nil
    touched.remove(id)
    guard let form else { return }
    let place = Place(tenant: form.tenant, claim: form.name)
    let word = Self.ending(of: place, end, at: now, behind: record)
    endings[place] = word
    endingOrder.append((place, record))
    if endingOrder.count > Self.endingsMost {
      let (oldest, number) = endingOrder.removeFirst()
      if endings[oldest]?.record == number { endings[oldest] = nil }
    }
    for follower in followers(of: .claim(id)) {
      due.append { isDurable in
        if isDurable { follower.tell(word) }
        follower.end()
      }
    }
  }

  private static func ending(
    of place: Place, _ end: ClaimEnd, at now: Instant, behind record: UInt64
  ) -> StreamEvent {
    var writer = JSONWriter()
    writer.object { writer in
      writer.milliseconds("at_ms", now)
      writer.string("claim", place.claim)
      writer.string("tenant", place.tenant)
      writer.string("state", "ended")
      writer.string("outcome", end.wire)
    }
    return StreamEvent(name: .ended, record: record, data: writer.bytes)
  }

  /// The claim whose wait an event changed.
  private static func queuedClaim(of event: Event) -> ClaimID? {
    switch event {
    case .claimSubmitted(let id, _), .claimDowngraded(let id, _, _, _),
      .claimQueued(let id, _, _, _), .claimParked(let id, _), .claimHeld(let id, _),
      .approvalRequested(let id, _, _), .approvalGranted(let id, _), .approvalDenied(let id, _),
      .approvalLapsed(let id), .claimAged(let id, _), .waitExceeded(let id, _),
      .claimEnded(let id, _), .claimPinned(let id, _), .claimUnpinned(let id, _),
      .leaseGranted(let id, _):
      id
    default: nil
    }
  }

  /// The lease that an event changed.
  private static func lease(of event: Event) -> LeaseID? {
    switch event {
    case .leaseStarted(let id, _), .leaseCheckpointed(let id, _), .leaseRenewed(let id, _, _, _),
      .leaseUnpaid(let id, _), .leaseStopping(let id, _, _, _), .leaseOverstayed(let id),
      .leaseResumed(let id), .leaseEnded(let id):
      id
    default: nil
    }
  }

  // MARK: what is told

  private func followers(of subject: Subject) -> [Follower] {
    (ofSubject[subject] ?? []).compactMap { entries[$0]?.follower }
  }

  /// Takes the followed claims that changed and live.
  mutating func takeTouched() -> Set<ClaimID> {
    defer { touched = [] }
    return touched
  }

  /// Takes what is to be said of claims that ended.
  mutating func takeEndings() -> [Desk.Held] {
    defer { due = [] }
    return due
  }

  /// Tells those who follow something how it stands behind the last record.
  func telling(_ subject: Subject, _ name: StreamEvent.Name, _ data: [UInt8]) -> Desk.Held {
    let word = StreamEvent(name: name, record: record, data: data)
    let followers = followers(of: subject)
    return { isDurable in
      for follower in followers {
        if isDurable { follower.tell(word) } else { follower.end() }
      }
    }
  }

  /// Notes the rows of a queue that somebody begins to follow; what others of it were told stays.
  mutating func begin(_ subject: Subject, rows: Key?) {
    if seen[subject] == nil { seen[subject] = Seen(rows: rows, record: record) }
  }

  /// Notes the rows of a queue.
  /// - Returns: whether its followers are to be told of them.
  mutating func see(_ subject: Subject, rows: Key) -> Bool {
    let isNew = seen[subject]?.rows != rows
    seen[subject] = Seen(rows: rows, record: record)
    return isNew
  }

  /// Does what is due once a second: ends the streams of credentials that have expired, and has
  /// the others comment.
  /// - Returns: queues to look at, those first that were looked at longest ago.
  mutating func beat(utc: Int64) -> [Subject] {
    beats += 1
    for entry in entries.values {
      if let expires = entry.expires, expires <= utc {
        entry.follower.end(.expired)
      } else if beats % Self.commentEvery == 0 {
        entry.follower.comment()
      }
    }
    let stale = seen.filter { $0.value.record < queueChanged }
    return stale.sorted { $0.value.record < $1.value.record }.prefix(Self.looksMost).map(\.key)
  }
}
