import PoolAllocator

// A policy, rule by rule.

extension ProfileRule: Recorded {
  static var blank: ProfileRule {
    ProfileRule(key: .blank, kind: .gpu, weightMilli: 0, memory: .zero)
  }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&key)
    coder.field(&kind)
    coder.field(&weightMilli)
    coder.field(&memory)
  }
}

extension SliceRule: Recorded {
  static var blank: SliceRule { SliceRule(key: .blank, profile: .blank, billedMilli: 0) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&key)
    coder.field(&profile)
    coder.field(&billedMilli)
  }
}

extension PoolRule: Recorded {
  static var blank: PoolRule { PoolRule(key: .blank, profile: .blank) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&key)
    coder.field(&profile)
    coder.field(&label)
    coder.field(&modelClass)
  }
}

extension Lending: Recorded {
  static var blank: Lending { .never }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    guard Coder.isReading else {
      switch self {
      case .never: coder.put(0 as UInt8)
      case .reclaimable(let span, let milli): coder.put(1 as UInt8, span, milli)
      }
      return
    }
    switch coder.takeTag(atMost: 1) {
    case 0: self = .never
    default: self = .reclaimable(within: coder.take(), atMost: coder.take())
    }
  }
}

extension LaneRule: Recorded {
  static var blank: LaneRule { LaneRule(key: .blank, pool: 0, leaseMax: .zero) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&key)
    coder.field(&pool)
    coder.field(&owner)
    coder.field(&reserved)
    coder.field(&cell)
    coder.field(&lending)
    coder.field(&admits)
    coder.field(&leaseMax)
    coder.field(&restrictions)
    coder.field(&sharesAcrossTenants)
  }
}

extension OrderRule: Recorded {
  static var blank: OrderRule { OrderRule() }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&ageingStep)
    coder.field(&ceiling)
  }
}

extension ClassRule: Recorded {
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&quantum)
    coder.field(&startWithin)
    coder.field(&killWithin)
    coder.field(&emptyBucket)
    coder.field(&overrun)
    coder.field(&queueWaitMax)
    coder.field(&shield)
    coder.field(&waitLimit)
  }
}

extension TenantRule: Recorded {
  static var blank: TenantRule { TenantRule(key: .blank, queueMax: 0) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&key)
    coder.field(&classes)
    coder.field(&queueMax)
    coder.field(&weightMilli)
    coder.field(&borrowingMax)
  }
}

extension BucketMatch: Recorded {
  static var blank: BucketMatch { .tenant }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    guard Coder.isReading else {
      switch self {
      case .tenant: coder.put(0 as UInt8)
      case .application(let key): coder.put(1 as UInt8, key)
      case .serviceClass(let rank): coder.put(2 as UInt8, rank)
      case .action(let key): coder.put(3 as UInt8, key)
      }
      return
    }
    switch coder.takeTag(atMost: 3) {
    case 0: self = .tenant
    case 1: self = .application(coder.take())
    case 2: self = .serviceClass(coder.take())
    default: self = .action(coder.take())
    }
  }
}

extension BucketRule: Recorded {
  static var blank: BucketRule {
    BucketRule(key: .blank, tenant: 0, cap: .zero, refillPerSecond: .zero)
  }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&key)
    coder.field(&tenant)
    coder.field(&parent)
    coder.field(&match)
    coder.field(&cap)
    coder.field(&refillPerSecond)
    coder.field(&opening)
    coder.field(&debtMax)
    coder.field(&emergency)
  }
}

extension EmergencyRule: Recorded {
  static var blank: EmergencyRule { EmergencyRule(approvers: [], lastsMax: .zero) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&approvers)
    coder.field(&lastsMax)
  }
}

extension ServiceRule: Recorded {
  static var blank: ServiceRule { ServiceRule(key: .blank, tenant: nil, serviceClass: .p0) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&key)
    coder.field(&tenant)
    coder.field(&serviceClass)
    coder.field(&weightMilli)
    coder.field(&approval)
    coder.field(&complexity)
    coder.field(&risk)
  }
}

extension QuoteRule: Recorded {
  static var blank: QuoteRule { QuoteRule(lasts: .zero, lastsMax: .zero, perTenant: 0) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&lasts)
    coder.field(&lastsMax)
    coder.field(&perTenant)
  }
}

extension ApprovalRule: Recorded {
  static var blank: ApprovalRule { ApprovalRule(approvers: [], lasts: .zero) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&actions)
    coder.field(&approvers)
    coder.field(&lasts)
  }
}

extension CostRule: Recorded {
  static var blank: CostRule {
    CostRule(
      action: .blank, modelClass: .blank, base: .zero, perThousandPrompt: .zero,
      perThousandOutput: .zero, perToolCall: .zero, retryMilli: 0)
  }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&action)
    coder.field(&modelClass)
    coder.field(&base)
    coder.field(&perThousandPrompt)
    coder.field(&perThousandOutput)
    coder.field(&perToolCall)
    coder.field(&retryMilli)
  }
}

extension PreemptionRule: Recorded {
  static var blank: PreemptionRule { PreemptionRule(burst: 0, perHour: 0) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&distance)
    coder.field(&burst)
    coder.field(&perHour)
  }
}

extension RungRule: Recorded {
  static var blank: RungRule { RungRule(key: .blank, service: 0) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&key)
    coder.field(&service)
    let actions = coder.short(actions)
    if Coder.isReading { self = RungRule(key: key, service: service, actions: actions) }
    coder.field(&shape)
    coder.field(&devices)
    coder.field(&members)
    coder.field(&cpu)
    coder.field(&hostMemory)
    coder.field(&lanes)
    coder.field(&modelClass)
    coder.field(&runtimeMax)
    coder.field(&runtimeMilli)
    coder.field(&automation)
    coder.field(&isAsynchronous)
    coder.field(&waitMax)
    coder.field(&classes)
    coder.field(&triggers)
    coder.field(&pressure)
    coder.field(&dependency)
  }
}

extension GaugeRule.Source: Recorded {
  static var blank: GaugeRule.Source { .queueDepth }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    guard Coder.isReading else {
      switch self {
      case .queueDepth: coder.put(0 as UInt8)
      case .predictedWait: coder.put(1 as UInt8)
      case .lostCapacity: coder.put(2 as UInt8)
      case .signal(let measure, let subject): coder.put(3 as UInt8, measure, subject)
      case .dependency(let key): coder.put(4 as UInt8, key)
      }
      return
    }
    switch coder.takeTag(atMost: 4) {
    case 0: self = .queueDepth
    case 1: self = .predictedWait
    case 2: self = .lostCapacity
    case 3: self = .signal(measure: coder.take(), subject: coder.take())
    default: self = .dependency(coder.take())
    }
  }
}

extension GaugeRule.Step: Recorded {
  static var blank: GaugeRule.Step { GaugeRule.Step(level: .normal, raise: 0, lower: 0) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&level)
    coder.field(&raise)
    coder.field(&lower)
  }
}

extension GaugeRule: Recorded {
  static var blank: GaugeRule {
    GaugeRule(key: .blank, pool: 0, source: .queueDepth, steps: [], dwell: .zero)
  }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&key)
    coder.field(&pool)
    coder.field(&source)
    let steps = coder.short(steps, atMost: 3)
    coder.field(&dwell)
    if Coder.isReading {
      self = GaugeRule(key: key, pool: pool, source: source, steps: steps, dwell: dwell)
    }
    coder.field(&classes)
    coder.field(&pauses)
    coder.field(&pauseFrom)
  }
}

extension CompiledPolicy: Recorded {
  static var blank: CompiledPolicy { CompiledPolicy() }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&profiles)
    coder.field(&slices)
    coder.field(&pools)
    coder.field(&lanes)
    coder.field(&classes)
    coder.field(&order)
    coder.field(&tenants)
    coder.field(&buckets)
    coder.field(&services)
    coder.field(&emergency)
    coder.field(&quotes)
    coder.field(&approvals)
    coder.field(&costs)
    coder.field(&preemption)
    coder.field(&rungs)
    coder.field(&gauges)
    coder.field(&placement)
  }
}

extension PlacementRule.Score: Recorded {
  static var blank: PlacementRule.Score { .bestFit }
}

extension PlacementRule: Recorded {
  static var blank: PlacementRule { PlacementRule() }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&score)
    coder.field(&mix)
  }
}

extension MixKind: Recorded {
  static var blank: MixKind {
    MixKind(
      popularity: 0, devices: 0, share: MilliGPU(0), cpu: MilliCPU(0), pools: 0)
  }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&popularity)
    coder.field(&devices)
    coder.field(&share)
    coder.field(&cpu)
    coder.field(&pools)
  }
}
