import PoolAllocator

// Units, ids and keys.

extension Instant: Recorded {
  static var blank: Instant { .origin }

  /// Counted from the command's moment. The last moment, which stands for "never", is moved to the
  /// front, where it takes one byte.
  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    let never = (Int64.max &- coder.base.ns).folded
    var number = (ns &- coder.base.ns).folded
    number = number == never ? 0 : number < never ? number + 1 : number
    coder.unsigned(&number, atMost: .max)
    number = number == 0 ? never : number <= never ? number - 1 : number
    self = Instant(ns: Int64(folded: number) &+ coder.base.ns)
  }
}

extension Span: Recorded {
  static var blank: Span { .zero }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var ns = ns
    ns.code(&coder)
    self = Span(ns: ns)
  }
}

extension Credits: Recorded {
  static var blank: Credits { .zero }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var value = value
    coder.signed(&value, in: -Credits.limit...Credits.limit)
    self = Credits(value)
  }
}

extension Bytes: Recorded {
  static var blank: Bytes { .zero }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var value = value
    value.code(&coder)
    self = Bytes(value)
  }
}

extension MilliGPU: Recorded {
  static var blank: MilliGPU { MilliGPU(0) }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var value = value
    value.code(&coder)
    self = MilliGPU(value)
  }
}

extension MilliCPU: Recorded {
  static var blank: MilliCPU { MilliCPU(0) }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var value = value
    value.code(&coder)
    self = MilliCPU(value)
  }
}

extension SlotMask: Recorded {
  static var blank: SlotMask { SlotMask(bits: 0) }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var bits = bits
    bits.code(&coder)
    self = SlotMask(bits: bits)
  }
}

extension Key: Recorded {
  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var (high, low) = (high, low)
    coder.word(&high)
    coder.word(&low)
    self = Key(high: high, low: low)
  }
}

extension ID: Recorded {
  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var (row, generation) = (row, generation)
    row.code(&coder)
    generation.code(&coder)
    self = ID(row: row, generation: generation)
  }
}

extension Fencing: Recorded {
  static var blank: Fencing { Fencing(raw: 0) }

  /// Epoch and sequence each in what they need.
  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var (epoch, sequence) = (UInt64(epoch), sequence)
    coder.unsigned(&epoch, atMost: 1 << 24 - 1)
    coder.unsigned(&sequence, atMost: 1 << 40 - 1)
    self = Fencing(raw: epoch << 40 | sequence)
  }
}

extension PolicyGeneration: Recorded {
  static var blank: PolicyGeneration { PolicyGeneration(0) }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var value = value
    value.code(&coder)
    self = PolicyGeneration(value)
  }
}

extension ServiceClass: Recorded {
  static var blank: ServiceClass { .p0 }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var number = UInt64(rank)
    coder.unsigned(&number, atMost: 3)
    self = ServiceClass(rank: UInt8(number)) ?? self
  }
}

extension ClassSet: Recorded {
  static var blank: ClassSet { ClassSet(bits: 0) }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var number = UInt64(bits)
    coder.unsigned(&number, atMost: 0xF)
    self = ClassSet(bits: UInt8(number))
  }
}

extension TriggerSet: Recorded {
  static var blank: TriggerSet { TriggerSet([]) }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) { bits.code(&coder) }
}

extension LaneSet: Recorded {
  static var blank: LaneSet { .none }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) { bits.code(&coder) }
}

extension Span32: Recorded {
  static var blank: Span32 { .none }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    first.code(&coder)
    count.code(&coder)
  }
}

extension Digest: Recorded {
  static var blank: Digest { Digest(high: 0, low: 0) }

  @inline(__always)
  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    var (high, low) = (high, low)
    coder.word(&high)
    coder.word(&low)
    self = Digest(high: high, low: low)
  }
}

// Up to four elements; the rest is whatever the type fills it with.
extension FieldCoder {
  /// Reads or writes a short list.
  mutating func short<Element: Recorded>(
    _ list: Fixed4<Element>, atMost bound: Int = 4
  )
    -> [Element]
  {
    var elements = (0..<list.count).map { list[$0] }
    elements.code(&self, atMost: bound)
    return elements
  }
}

// Types whose frozen numbers are those of the core; `TagTests` lists them.

extension Automation: Recorded { static var blank: Automation { .full } }
extension Change.Field: Recorded { static var blank: Change.Field { .shape } }
extension ClaimEnd: Recorded { static var blank: ClaimEnd { .completed } }
extension ClassRule.EmptyBucket: Recorded { static var blank: Self { .park } }
extension ClassRule.Overrun: Recorded { static var blank: ClassRule.Overrun { .stop } }
extension Complexity: Recorded { static var blank: Complexity { .simple } }
extension Decision.Verdict: Recorded { static var blank: Decision.Verdict { .admitted } }
extension DegradationMode: Recorded { static var blank: DegradationMode { .reduced } }
extension DependencyState: Recorded { static var blank: DependencyState { .up } }
extension DeviceKind: Recorded { static var blank: DeviceKind { .gpu } }
extension DeviceReport.Condition: Recorded { static var blank: Self { .healthy } }
extension Duty: Recorded { static var blank: Duty { .open } }
extension Enforcement: Recorded { static var blank: Enforcement { .none } }
extension Health: Recorded { static var blank: Health { .unknown } }
extension IdentityKind: Recorded { static var blank: IdentityKind { .tenant } }
extension Outcome: Recorded { static var blank: Outcome { .completed } }
extension Pressure: Recorded { static var blank: Pressure { .normal } }
extension Proximity: Recorded { static var blank: Proximity { .anywhere } }
extension QuoteEnd: Recorded { static var blank: QuoteEnd { .redeemed } }
extension Reach: Recorded { static var blank: Reach { .enrolled } }
extension Reason.Code: Recorded { static var blank: Reason.Code { .tenantUnknown } }
extension Risk: Recorded { static var blank: Risk { .low } }
extension Sharing: Recorded { static var blank: Sharing { .anyTenant } }
extension StopCause: Recorded { static var blank: StopCause { .released } }
extension Trigger: Recorded { static var blank: Trigger { .dependency } }
