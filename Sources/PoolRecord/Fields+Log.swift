import PoolAllocator

// The rows of a log, and the answer.

extension DeviceUse: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&device)
    coder.field(&milli)
    coder.field(&memory)
  }
}

extension Posting: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&bucket)
    coder.field(&refilled)
    coder.field(&remainder)
    coder.field(&charged)
    coder.field(&refunded)
    coder.field(&forfeited)
  }
}

extension Reason.Subject: Recorded {
  static var blank: Reason.Subject { .request }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    guard Coder.isReading else {
      switch self {
      case .request: coder.put(0 as UInt8)
      case .lane(let row): coder.put(1 as UInt8, row)
      case .bucket(let row): coder.put(2 as UInt8, row)
      case .identity(let kind): coder.put(3 as UInt8, kind)
      }
      return
    }
    switch coder.takeTag(atMost: 3) {
    case 0: self = .request
    case 1: self = .lane(coder.take())
    case 2: self = .bucket(coder.take())
    default: self = .identity(coder.take())
    }
  }
}

extension Reason: Recorded {
  static var blank: Reason { Reason(.tenantUnknown) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&code)
    coder.field(&subject)
    coder.field(&have)
    coder.field(&need)
    coder.field(&clearsAt)
  }
}

extension RedeemedQuote: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&id)
    coder.field(&rate)
  }
}

extension ClaimFact: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.repeated(&spec, of: coder.spec)
    coder.field(&tenant)
    coder.field(&serviceClass)
    coder.field(&weightMilli)
    coder.field(&plan)
    coder.field(&waitEnds)
    coder.field(&latestStart)
    coder.field(&quoted)
  }
}

extension Downgrade: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&claim)
    coder.field(&rung)
    coder.field(&key)
    coder.field(&trigger)
    coder.field(&code)
    coder.field(&recovers)
    coder.field(&asked)
    coder.field(&given)
    coder.field(&automation)
    coder.field(&mode)
    coder.field(&waitEnds)
    coder.field(&latestStart)
    coder.field(&changes)
    coder.field(&queues)
  }
}

extension Grant: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&claim)
    coder.field(&lease)
    coder.field(&lane)
    coder.field(&node)
    coder.field(&fencing)
    coder.field(&uses)
    coder.field(&postings)
    coder.field(&reserved)
    coder.field(&quantum)
    coder.field(&rate)
    coder.field(&billedMilli)
    coder.field(&startBy)
    coder.field(&terms)
    coder.field(&level)
    coder.field(&isLent)
  }
}

extension PinFact: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&lane)
    coder.field(&node)
    coder.field(&uses)
    coder.field(&starts)
    coder.field(&isHeld)
  }
}

extension DeviceFact: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&node)
    coder.field(&report)
    coder.field(&parent)
    coder.field(&isApproved)
  }
}

extension RestrictionFact: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&kind)
    coder.field(&key)
    coder.field(&restriction)
  }
}

extension Quote: Recorded {
  static var blank: Quote {
    Quote(
      key: .blank, tenant: .blank, spec: .blank, lane: .blank, rate: 0, plan: .blank,
      price: .zero, reservation: .zero, policy: .blank, expires: .origin)
  }

  /// As it is given: how it ends is an event of its own.
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var (key, tenant, spec, lane, rate) = (key, tenant, spec, lane, rate)
    key.code(&coder)
    tenant.code(&coder)
    coder.repeated(&spec, of: coder.spec)
    lane.code(&coder)
    rate.code(&coder)
    var (plan, price, reservation, policy, expires) = (plan, price, reservation, policy, expires)
    plan.code(&coder)
    price.code(&coder)
    reservation.code(&coder)
    policy.code(&coder)
    expires.code(&coder)
    if Coder.isReading {
      self = Quote(
        key: key, tenant: tenant, spec: spec, lane: lane, rate: rate, plan: plan, price: price,
        reservation: reservation, policy: policy, expires: expires)
    }
  }
}

extension Decision: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&verdict)
    coder.field(&claim)
    coder.field(&lease)
    coder.field(&quote)
    coder.field(&node)
    coder.field(&plan)
    coder.field(&price)
    coder.field(&reservation)
    coder.field(&retryAt)
    coder.field(&reasons)
    coder.field(&policy)
    coder.field(&changes)
  }
}

extension Progress: Recorded {
  static var blank: Progress { .complete }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var isMore = self == .more
    isMore.code(&coder)
    self = isMore ? .more : .complete
  }
}

extension EventLog: Recorded {
  static var blank: EventLog { EventLog() }

  /// All but its moment, which stands before the command: other moments are counted from it.
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&events)
    coder.field(&uses)
    coder.field(&postings)
    coder.field(&reasons)
    coder.field(&claimFacts)
    coder.field(&downgrades)
    coder.field(&changes)
    coder.field(&grants)
    coder.field(&pins)
    coder.field(&enrolments)
    coder.field(&nodeReports)
    coder.field(&deviceFacts)
    coder.field(&restrictions)
    coder.field(&delegations)
    coder.field(&emergencies)
    coder.field(&quotes)
    coder.field(&corrections)
    var brings = policy != nil
    brings.code(&coder)
    guard brings else {
      policy = nil
      return
    }
    var policy = policy ?? CompiledPolicy()
    coder.repeated(&policy, of: coder.policy)
    self.policy = policy
  }
}
