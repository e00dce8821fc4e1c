import PoolAllocator

/// What the journal shows of the work behind a request: how it behaves wherever and whenever else
/// it is granted devices.
struct ObservedWork: Sendable {
  /// What its holder does when the work is done.
  enum Ending: Hashable, Sendable {
    /// Gives the lease back.
    case releases(Outcome)
    /// Nothing: it renews no more, and the lease runs out.
    case lapses
  }

  /// How long it runs in all, without what was lost with leases that were taken from it.
  var needed: Span
  /// What its holder does then.
  var ending: Ending
  /// Whether the journal does not show how long it runs: then it is what its estimate says, or as
  /// long as it was seen to run, if that is longer.
  var isAssumed = false
  /// Whether it saves its work as often as its claim says.
  var savesWork: Bool

  /// Reads the work out of a story.
  /// - Parameter horizon: the end of the journal.
  init(_ story: RequestStory, until horizon: Instant) {
    savesWork = story.grants.contains { $0.contains { $0.saved != nil } }
    var before = Span.zero
    var last: LeaseStory?
    for grant in story.grants {
      guard let lease = grant.first(where: { $0.started != nil }) else { continue }
      if let last { before = Span(ns: before.ns + Self.saved(last).ns) }
      last = grant.first { $0.outcome != nil && $0.started != nil } ?? lease
    }
    let ran = last.flatMap { lease in
      lease.started.map { (lease.stopped ?? horizon) - $0 }
    }
    needed = Span(ns: before.ns + (ran ?? .zero).ns)
    if let outcome = last?.outcome {
      ending = .releases(outcome)
    } else if last?.cause == .expired {
      ending = .lapses
    } else {
      ending = .releases(.completed)
      isAssumed = true
      needed = max(needed, story.expected ?? story.spec.runtimeMax)
    }
  }

  private static func saved(_ lease: LeaseStory) -> Span {
    guard let started = lease.started, let saved = lease.saved else { return .zero }
    return Span(ns: max(0, saved.ns - started.ns))
  }
}

extension RequestStory {
  /// How long after its grant a lease starts: as the grant of the same number did, else the first
  /// that started, else at once. Nil where that grant was not started in time.
  func startLatency(of place: LeasePlace) -> Span? {
    if place.grant < grants.count, let lease = grants[place.grant].first {
      let member =
        place.member < grants[place.grant].count
        ? grants[place.grant][place.member] : lease
      if let started = member.started { return started - member.granted }
      if member.cause == .startTimeout || lease.cause == .startTimeout { return nil }
    }
    for grant in grants {
      for lease in grant { if let started = lease.started { return started - lease.granted } }
    }
    return .zero
  }

  /// How long after it stopped a lease is empty: as the lease of the same place was, else at once.
  func leavingTime(of place: LeasePlace) -> Span {
    guard place.grant < grants.count, place.member < grants[place.grant].count else {
      return .zero
    }
    let lease = grants[place.grant][place.member]
    guard let stopped = lease.stopped, let emptied = lease.emptied else { return .zero }
    return emptied - stopped
  }
}
