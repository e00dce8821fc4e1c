public import PoolAllocator
import PoolWire
public import StrictJSON

extension JSONWriter {
  /// Writes by when a waiting claim starts at the latest, as `starts_by_ms`, or as `unbounded` why
  /// nothing is said; nothing for a claim that is not in the order.
  public mutating func startBound(_ claim: ClaimID, in scene: Scene) {
    startBound(scene.pool.startBound(of: claim))
  }

  /// The same of a bound that is known: asking for one may look at much.
  mutating func startBound(_ bound: Result<StartBound, Unbounded>) {
    switch bound {
    case .success(let bound): milliseconds("starts_by_ms", bound.by)
    case .failure(.notQueued): break
    case .failure(let because): string("unbounded", because.wire)
    }
  }
}

extension Unbounded {
  /// The word of the wire.
  public var wire: String {
    switch self {
    case .notQueued: "not_queued"
    case .neverFirst: "never_first"
    case .borrows: "borrows"
    case .noNode: "no_node"
    case .sharesHost: "shares_host"
    case .ownWork: "own_work"
    }
  }

  /// Why, for people.
  public var sentence: String {
    switch self {
    case .notQueued: "it does not wait in the order"
    case .neverFirst: "no wait lifts its class to the best level under this policy"
    case .borrows: "it would borrow, and the owner of the lane goes first whenever it asks"
    case .noNode: "no node that may receive a lease now could hold it"
    case .sharesHost: "it asks for processor time or memory of hosts that other lanes use too"
    case .ownWork: "too much work of its own tenant waits before it"
    }
  }
}
