public import PoolAllocator
public import PoolInsight
public import PoolWire

/// A pool as it is shown: the state, what the last command left, and the names.
///
/// It is made for one look and dropped: a pool that is changed while a scene of it lives is copied.
public final class Scene: Sendable {
  /// The state.
  public let pool: Pool
  /// What the last command left.
  public let log: EventLog
  /// The names, and what was learned.
  public let book: Book

  /// Makes a scene.
  public init(pool: Pool, log: EventLog, book: Book) {
    self.pool = pool
    self.log = log
    self.book = book
  }

  /// The names behind the keys.
  public var names: NameTable { book.names }
  /// Live claims by id.
  public var claims: [ClaimID: ClaimForm] { book.claims }
  /// Claims of leases whose devices have not returned.
  public var holders: [LeaseID: ClaimForm] { book.holders }

  /// When a waiting claim is likely to start; nil where it does not wait in the order, or too
  /// little was seen.
  public func likely(_ claim: ClaimID) -> Prediction? { book.predictor.likely(claim, in: pool) }

  /// The reasons of the last decision, in words.
  public func reasons(of decision: Decision, claim: ClaimForm? = nil) -> [ReasonText] {
    decision.reasons.indices.map {
      ReasonText(log.reasons[$0], in: pool, names: names, claim: claim)
    }
  }

  /// What the last command did, as it is told.
  public func happenings() -> [Happening] {
    var happenings: [Happening] = []
    for event in log.events {
      if case .leaseGranted(_, let grants) = event {
        for grant in log.grants[grants.indices] { happenings.append(Happening(grant, in: self)) }
      }
      if let happening = Happening(event, in: self) { happenings.append(happening) }
    }
    return happenings
  }
}
