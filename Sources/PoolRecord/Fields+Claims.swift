import PoolAllocator

// What is asked for, and on what terms.

extension Demand.Shape: Recorded {
  static var blank: Demand.Shape { .whole }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    guard Coder.isReading else {
      switch self {
      case .whole: coder.put(0 as UInt8)
      case .fraction(let milli, let bytes): coder.put(1 as UInt8, milli, bytes)
      case .slice(let key): coder.put(2 as UInt8, key)
      case .cpuOnly: coder.put(3 as UInt8)
      }
      return
    }
    switch coder.takeTag(atMost: 3) {
    case 0: self = .whole
    case 1: self = .fraction(coder.take(), coder.take())
    case 2: self = .slice(coder.take())
    default: self = .cpuOnly
    }
  }
}

extension Demand: Recorded {
  static var blank: Demand { Demand(shape: .whole) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&shape)
    coder.field(&devices)
    coder.field(&members)
    coder.field(&together)
    coder.field(&prefer)
    coder.field(&cpu)
    coder.field(&hostMemory)
    coder.field(&enforcement)
    coder.field(&sharing)
  }
}

extension Estimate: Recorded {
  static var blank: Estimate { .runtime(.zero) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    guard Coder.isReading else {
      switch self {
      case .runtime(let span): coder.put(0 as UInt8, span)
      case .work(let prompt, let output, let calls, let depth):
        coder.put(1 as UInt8, prompt, output, calls, depth)
      }
      return
    }
    switch coder.takeTag(atMost: 1) {
    case 0: self = .runtime(coder.take())
    default:
      self = .work(
        promptTokens: coder.take(), outputTokens: coder.take(), toolCalls: coder.take(),
        depth: coder.take())
    }
  }
}

extension Interruption: Recorded {
  static var blank: Interruption { Interruption(grace: .zero, checkpointEvery: .zero) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&grace)
    coder.field(&checkpointEvery)
  }
}

extension AcceptedRungs: Recorded {
  static var blank: AcceptedRungs { .none }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var (bits, ladder) = (bits, ladder)
    bits.code(&coder)
    // Most claims accept none, of no ladder.
    var isNamed = ladder != 0
    isNamed.code(&coder)
    if isNamed {
      coder.word(&ladder)
      if ladder == 0 { coder.fail(.isNotShortest) }
    } else {
      ladder = 0
    }
    self = AcceptedRungs(bits: bits, ladder: ladder)
  }
}

extension ClaimSpec: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&key)
    coder.field(&tenant)
    coder.field(&application)
    coder.field(&workflow)
    coder.field(&principal)
    coder.field(&onBehalfOf)
    coder.field(&service)
    coder.field(&action)
    coder.field(&modelClass)
    coder.field(&budget)
    coder.field(&quote)
    coder.field(&plan)
    coder.field(&parent)
    coder.field(&attempt)
    coder.field(&depth)
    coder.field(&demand)
    coder.field(&lanes)
    coder.field(&runtimeMax)
    coder.field(&estimate)
    coder.field(&deadline)
    coder.field(&maxWait)
    coder.field(&interruption)
    coder.field(&accepts)
  }
}

extension RuntimePlan: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var (planned, milli, longest) = (planned, correctionMilli, runtimeMax)
    planned.code(&coder)
    milli.code(&coder)
    longest.code(&coder)
    self = RuntimePlan(planned: planned, correctionMilli: milli, runtimeMax: longest)
  }
}

extension ClaimShape: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&demand)
    coder.field(&lanes)
    coder.field(&modelClass)
    coder.field(&runtimeMax)
    coder.field(&plan)
  }
}

extension Change.Value: Recorded {
  static var blank: Change.Value { .amount(0) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    guard Coder.isReading else {
      switch self {
      case .shape(let shape): coder.put(0 as UInt8, shape)
      case .amount(let amount): coder.put(1 as UInt8, amount)
      case .lanes(let lanes): coder.put(2 as UInt8, lanes)
      case .name(let key): coder.put(3 as UInt8, key)
      case .automation(let automation): coder.put(4 as UInt8, automation)
      }
      return
    }
    switch coder.takeTag(atMost: 4) {
    case 0: self = .shape(coder.take())
    case 1: self = .amount(coder.take())
    case 2: self = .lanes(coder.take())
    case 3: self = .name(coder.take())
    default: self = .automation(coder.take())
    }
  }
}

extension Change: Recorded {
  static var blank: Change {
    Change(field: .blank, asked: .blank, given: .blank, why: .blank)
  }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var (field, asked, given, why) = (field, asked, given, why)
    field.code(&coder)
    asked.code(&coder)
    given.code(&coder)
    why.code(&coder)
    self = Change(field: field, asked: asked, given: given, why: why)
  }
}

extension DelegationSpec: Recorded {
  static var blank: DelegationSpec {
    DelegationSpec(key: .blank, tenant: .blank, limit: .zero, expires: .origin)
  }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&key)
    coder.field(&tenant)
    coder.field(&parent)
    coder.field(&limit)
    coder.field(&expires)
    coder.field(&ceiling)
  }
}

extension EmergencyRaise: Recorded {
  static var blank: EmergencyRaise { EmergencyRaise(by: .blank, and: .blank, until: .origin) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&by)
    coder.field(&and)
    coder.field(&until)
  }
}

extension Restriction.Measure: Recorded {
  static var blank: Restriction.Measure { .suspend }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    guard Coder.isReading else {
      switch self {
      case .suspend: coder.put(0 as UInt8)
      case .throttle(let live): coder.put(1 as UInt8, live)
      case .ceiling(let highest): coder.put(2 as UInt8, highest)
      }
      return
    }
    switch coder.takeTag(atMost: 2) {
    case 0: self = .suspend
    case 1: self = .throttle(liveClaims: coder.take())
    default: self = .ceiling(coder.take())
    }
  }
}

extension Restriction: Recorded {
  static var blank: Restriction {
    Restriction(measure: .suspend, until: .origin, by: .blank, because: .blank)
  }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&measure)
    coder.field(&until)
    coder.field(&by)
    coder.field(&because)
  }
}

extension Measurement: Recorded {
  static var blank: Measurement { Measurement(measure: .blank, subject: .blank, milli: 0) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&measure)
    coder.field(&subject)
    coder.field(&milli)
  }
}

extension Correction.Scope: Recorded {
  static var blank: Correction.Scope { Correction.Scope(tenant: .blank, service: .blank) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&tenant)
    coder.field(&service)
    coder.field(&modelClass)
  }
}

extension Correction: Recorded {
  static var blank: Correction { Correction(scope: .blank, milli: nil) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&scope)
    coder.field(&milli)
  }
}

extension Signal: Recorded {
  static var blank: Signal { .measured(.blank) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    guard Coder.isReading else {
      switch self {
      case .measured(let measurement): coder.put(0 as UInt8, measurement)
      case .corrected(let correction): coder.put(1 as UInt8, correction)
      }
      return
    }
    switch coder.takeTag(atMost: 1) {
    case 0: self = .measured(coder.take())
    default: self = .corrected(coder.take())
    }
  }
}
