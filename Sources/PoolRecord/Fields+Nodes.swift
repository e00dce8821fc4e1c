import PoolAllocator

// What operators and agents say of hardware.

extension ApprovedDevices: Recorded {
  static var blank: ApprovedDevices { ApprovedDevices(profile: .blank, count: 0) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&profile)
    coder.field(&count)
  }
}

extension Enrolment: Recorded {
  static var blank: Enrolment { Enrolment(key: .blank, approved: []) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&key)
    coder.field(&rack)
    let (labels, approved) = (coder.short(labels), coder.short(approved))
    if Coder.isReading {
      self = Enrolment(key: key, labels: labels, rack: rack, approved: approved)
    }
  }
}

extension NodeReport: Recorded {
  static var blank: NodeReport {
    NodeReport(
      boot: .blank, generation: 0, sequence: 0, cpu: .blank, hostMemory: .zero,
      enforcement: .none)
  }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&enforcement)
    coder.field(&cpu)
    coder.field(&hostMemory)
    coder.field(&generation)
    coder.field(&sequence)
    coder.field(&boot)
  }
}

extension DeviceReport: Recorded {
  static var blank: DeviceReport {
    DeviceReport(key: .blank, kind: .gpu, profile: .blank, memory: .zero)
  }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&kind)
    coder.field(&condition)
    coder.field(&isPartitioned)
    coder.field(&slots)
    coder.field(&capacity)
    coder.field(&memory)
    coder.field(&numa)
    coder.field(&island)
    coder.field(&key)
    coder.field(&profile)
    coder.field(&slice)
    coder.field(&parent)
  }
}

extension Advertisement: Recorded {
  static var blank: Advertisement { Advertisement(report: .blank, devices: []) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.field(&report)
    coder.field(&isComplete)
    coder.field(&devices)
    coder.field(&living)
  }
}
