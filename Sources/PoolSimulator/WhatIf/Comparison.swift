public import PoolAllocator

/// What of a request is another in the other run.
public enum ChangedPart: UInt8, CaseIterable, Sendable {
  /// The answer at the door.
  case verdict
  /// When it was first granted devices, or whether.
  case grant
  /// The lane of its first devices, where it was granted some in both.
  case lane
  /// The price that it was told.
  case price
  /// The rung that it took.
  case rung
  /// How it ended.
  case end
}

/// A request whose two stories differ.
public struct ChangedRequest: Hashable, Sendable {
  /// Number of the request in the journal, from 0.
  public let request: Int
  /// What differs, in the order of the cases.
  public let parts: [ChangedPart]

  /// Makes one.
  public init(request: Int, parts: [ChangedPart]) {
    self.request = request
    self.parts = parts
  }
}

/// Requests of one tenant whose service bound them to one class, in one run.
public struct WhatIfTotals: Hashable, Sendable {
  /// Requests that were made.
  public var requests = 0
  /// Of these, granted devices at least once.
  public var granted = 0
  /// Of these, refused at the door.
  public var refused = 0
  /// Of these, still waiting for their first devices at the end.
  public var waiting = 0
  /// Waits for the first devices of those that were granted some, ascending.
  public var waits: [Span] = []
  /// Cost of what was held. Unit: credits, that is µGPU·s of weight 1.000.
  public var credits: Int128 = 0

  /// The wait that so many thousandths of the granted requests do not pass: nearest rank. Nil where
  /// none was granted.
  public func wait(_ milli: Int) -> Span? {
    guard !waits.isEmpty else { return nil }
    let rank = (waits.count * milli + 999) / 1000
    return waits[max(0, min(waits.count, rank) - 1)]
  }

  mutating func add(_ story: RequestStory, until horizon: Instant) {
    guard story.verdict != nil else { return }
    requests += 1
    if let wait = story.wait {
      granted += 1
      waits.append(wait)
    }
    if story.isRefused { refused += 1 }
    if story.isWaiting { waiting += 1 }
    credits += story.cost(until: horizon)
  }
}

/// Both runs of the requests of one tenant and class, as the recorded run bound it.
public struct WhatIfGroup: Sendable {
  /// The tenant.
  public let tenant: Key
  /// The class; nil where no policy had the service.
  public let serviceClass: ServiceClass?
  /// The recorded run.
  public var before = WhatIfTotals()
  /// The other run.
  public var after = WhatIfTotals()
}

extension WhatIf {
  /// Requests whose stories differ, in the order of the journal.
  public var changes: [ChangedRequest] {
    before.indices.compactMap { request in
      let parts = ChangedPart.allCases.filter { Self.differs($0, before[request], after[request]) }
      return parts.isEmpty ? nil : ChangedRequest(request: request, parts: parts)
    }
  }

  private static func differs(_ part: ChangedPart, _ was: RequestStory, _ now: RequestStory) -> Bool
  {
    switch part {
    case .lane:
      guard let old = was.lane, let new = now.lane else { return false }
      return old != new
    case .verdict: return was.verdict != now.verdict || was.isRefused && was.reason != now.reason
    case .grant: return was.granted != now.granted || was.started != now.started
    case .price: return was.price != now.price
    case .rung: return was.rung != now.rung || was.rungName != now.rungName
    case .end: return was.end != now.end || was.ended != now.ended
    }
  }

  /// Sums by tenant and class, in the order of their first requests.
  public var groups: [WhatIfGroup] {
    var groups: [WhatIfGroup] = []
    var places: [Group: Int] = [:]
    for request in before.indices {
      let (was, now) = (before[request], after[request])
      let key = Group(
        tenant: was.spec.tenant, serviceClass: was.serviceClass ?? now.serviceClass)
      let place = places[key] ?? groups.count
      if place == groups.count {
        places[key] = place
        groups.append(WhatIfGroup(tenant: key.tenant, serviceClass: key.serviceClass))
      }
      groups[place].before.add(was, until: horizon)
      groups[place].after.add(now, until: horizon)
    }
    for place in groups.indices {
      groups[place].before.waits.sort()
      groups[place].after.waits.sort()
    }
    return groups
  }

  private struct Group: Hashable {
    var tenant: Key
    var serviceClass: ServiceClass?
  }

  /// Sums over all requests.
  public var totals: (before: WhatIfTotals, after: WhatIfTotals) {
    var sums = (before: WhatIfTotals(), after: WhatIfTotals())
    for request in before.indices {
      sums.before.add(before[request], until: horizon)
      sums.after.add(after[request], until: horizon)
    }
    sums.before.waits.sort()
    sums.after.waits.sort()
    return sums
  }
}
