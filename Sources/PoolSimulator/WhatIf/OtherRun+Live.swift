import PoolAllocator
import PoolRecord

/// Beside a run that goes on: what is known of it grows with every record, and what is over in both
/// runs is forgotten, so that no more is held than lives.
extension OtherRun {
  /// What came of one record, in either run.
  struct News: Sendable {
    /// Requests that were made, were granted devices, or of which something ended.
    var requests: Set<Int> = []
    /// Leases of the other pool that were told to stop.
    var stops: [(request: Int, cause: StopCause)] = []
  }

  /// Takes in what became of a record in the run that goes on.
  /// - Parameter request: the request that it made.
  mutating func learn(_ record: Record, request: Int?) {
    if case .submit(let spec) = record.command {
      // The books open and forget the same requests in the same order: it has the same number.
      before.open(spec, at: record.log.at)
    }
    before.fold(record.command, record.decision, record.log, request: request)
    if let request { news.requests.insert(request) }
    for event in record.log.events {
      switch event {
      case .leaseGranted(let claim, _), .claimEnded(let claim, _):
        if let request = before.request(of: claim) { news.requests.insert(request) }
      case .leaseEnded(let lease):
        if let place = before.place(of: lease) { news.requests.insert(place.request) }
      case .leaseStopping(let lease, _, _, _):
        if let place = before.place(of: lease) { reconsider(place.request) }
      default: break
      }
    }
  }

  /// Takes in what came of a command to the other pool.
  mutating func learn(_ log: EventLog) {
    for event in log.events {
      switch event {
      case .claimEnded(let claim, _):
        if let request = after.request(of: claim) { news.requests.insert(request) }
      case .leaseEnded(let lease):
        if let place = after.place(of: lease) { news.requests.insert(place.request) }
      case .leaseStopping(let lease, let cause, _, _):
        if let place = after.place(of: lease) { news.stops.append((place.request, cause)) }
      default: break
      }
    }
  }

  /// How long the work of a request takes may be known by now: plans anew when its leases that are
  /// on their own are given back.
  private mutating func reconsider(_ request: Int) {
    for story in after.stories[request].grants.last ?? [] where free.contains(story.lease) {
      guard let lease = other.lease(story.lease), lease.state == .active,
        let place = after.place(of: story.lease)
      else { continue }
      planRelease(story.lease, lease, place)
    }
  }

  /// Forgets those requests of the news that are over in both runs.
  /// - Returns: their numbers.
  mutating func forget() -> [Int] {
    let over = news.requests.filter { before.stories[$0].isOver && after.stories[$0].isOver }
    for request in over.sorted() {
      let key = after.stories[request].spec.key
      requests[key]?.removeAll { $0 == request }
      if requests[key]?.isEmpty == true { requests[key] = nil }
      for lease in after.stories[request].grants.joined() { free.remove(lease.lease) }
      before.forget(request)
      after.forget(request)
    }
    news = News()
    return Array(over)
  }

  /// What is held: requests, and what is planned.
  var held: Int { after.count + agenda.count }
}
