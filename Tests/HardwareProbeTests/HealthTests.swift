import Testing

@testable import HardwareProbe

@Suite("Health over time")
struct HealthTests {
  private static let second: UInt64 = 1_000_000_000

  /// Feeds observations one second apart; gives the words of the states after each.
  private func run(
    _ observations: [HealthMonitor.Observation], _ monitor: inout HealthMonitor,
    from start: UInt64 = 0
  ) -> [String] {
    observations.enumerated().map { index, seen in
      _ = monitor.observe(seen, at: (start + UInt64(index)) * Self.second)
      return monitor.health.word
    }
  }

  @Test("an unknown GPU needs two good answers, a well one two bad ones")
  func hysteresis() {
    var monitor = HealthMonitor()
    #expect(monitor.health.word == "unknown")
    #expect(run([.good, .good], &monitor) == ["unknown", "healthy"])
    #expect(
      run([.bad(reason: "x"), .good, .bad(reason: "x"), .bad(reason: "y")], &monitor)
        == ["healthy", "healthy", "healthy", "unhealthy"])
    #expect(monitor.health == .unhealthy(reason: "y"))
  }

  @Test("it recovers after five good answers and a calm minute")
  func recovery() {
    var monitor = HealthMonitor()
    _ = run([.good, .good, .bad(reason: "x"), .bad(reason: "x")], &monitor)
    let early = run(Array(repeating: .good, count: 20), &monitor, from: 10)
    #expect(Set(early) == ["unhealthy"], "five good answers, but not a calm minute")
    #expect(run([.good], &monitor, from: 64) == ["healthy"])
    var slow = HealthMonitor()
    _ = run([.bad(reason: "x"), .bad(reason: "x")], &slow)
    #expect(run([.good, .good, .good, .good], &slow, from: 1000).last == "unhealthy")
    #expect(run([.good], &slow, from: 1010) == ["healthy"])
  }

  @Test("silence makes a well GPU unknown after three times, and never a sick one better")
  func silence() {
    var monitor = HealthMonitor()
    let quiet = HealthMonitor.Observation.silent(reason: "late")
    _ = run([.good, .good], &monitor)
    #expect(run([quiet, quiet, quiet], &monitor) == ["healthy", "healthy", "unknown"])
    #expect(run([.good, .good], &monitor) == ["unknown", "healthy"])
    _ = run([.bad(reason: "x"), .bad(reason: "x")], &monitor)
    #expect(run([quiet, quiet, quiet, quiet], &monitor).last == "unhealthy")
  }

  @Test("an error that the driver reports counts at once, and takes as long to forget")
  func reported() {
    var monitor = HealthMonitor()
    _ = run([.good, .good], &monitor)
    let event = DriverEvent(kind: .xid, uuid: "GPU-a", data: 48)
    guard let seen = HealthMonitor.Observation(event) else {
      Issue.record("XID 48 says nothing")
      return
    }
    #expect(seen == .fault(reason: "XID 48: double-bit memory error"))
    #expect(run([seen, .good, .good], &monitor, from: 2).last == "unhealthy")
    let calm = run(Array(repeating: .good, count: 70), &monitor, from: 5)
    #expect(calm[0] == "unhealthy" && calm.last == "healthy")
  }

  @Test("what only a reset mends stays until one")
  func fatal() {
    var monitor = HealthMonitor()
    #expect(run([.fatal(reason: "XID 79")], &monitor) == ["needs_reset"])
    #expect(Set(run(Array(repeating: .good, count: 200), &monitor)) == ["needs_reset"])
    #expect(
      run([.bad(reason: "x"), .bad(reason: "x"), .silent(reason: "y")], &monitor).last
        == "needs_reset")
    #expect(run([.restarted, .good, .good], &monitor) == ["unknown", "unknown", "healthy"])
  }

  @Test("a change is told once")
  func changes() {
    var monitor = HealthMonitor()
    #expect(monitor.observe(.good, at: 0) == nil)
    #expect(monitor.observe(.good, at: 1)?.word == "unknown")
    #expect(monitor.observe(.good, at: 2) == nil)
    // A clock that goes backwards is no reason to trap.
    #expect(monitor.observe(.bad(reason: "x"), at: .max) == nil)
    #expect(monitor.observe(.good, at: 0) == nil)
  }

  @Test("XIDs of programs do not make a GPU sick, unknown ones do")
  func xids() {
    for number: UInt64 in [13, 31, 43, 45, 68, 109] {
      #expect(XIDClass.of(number).effect == .application)
      #expect(HealthMonitor.Observation(DriverEvent(kind: .xid, uuid: nil, data: number)) == nil)
    }
    #expect(XIDClass.of(79).effect == .fatal)
    #expect(XIDClass.of(4711).effect == .device)
    #expect(Set(XIDClass.known.map(\.number)).count == XIDClass.known.count)
    let event = DriverEvent(kind: .xid, uuid: "GPU-a", data: 79)
    #expect(
      HealthMonitor.Observation(event) == .fatal(reason: "XID 79: GPU has fallen off the bus"))
    #expect(HealthMonitor.Observation(DriverEvent(kind: .lost, uuid: nil, data: 15)) == nil)
  }

  @Test("a backoff doubles up to its bound and forgets")
  func backoff() {
    var backoff = Backoff(firstMilliseconds: 100, longestMilliseconds: 500)
    #expect((0..<5).map { _ in backoff.failed() } == [100, 200, 400, 500, 500])
    backoff.succeeded()
    #expect(backoff.failed() == 100)
    var odd = Backoff(firstMilliseconds: 0, longestMilliseconds: -1)
    #expect(odd.failed() == 1 && odd.failed() == 1)
    var wide = Backoff(firstMilliseconds: .max, longestMilliseconds: .max)
    #expect(wide.failed() == .max && wide.failed() == .max)
  }

  @Test("an event of a MIG GPU reaches every device that it concerns, and no other")
  func routing() {
    var gpu = GPUEntry(
      index: 0, uuid: "GPU-a", name: nil, memory: nil, state: .usable, profile: .notChecked)
    func concerned(_ instance: UInt32?, _ compute: UInt32?, uuid: String? = "GPU-a") -> [String] {
      DriverEvent(
        kind: .xid, uuid: uuid, data: 94, gpuInstance: instance, computeInstance: compute
      ).concerned(on: gpu)
    }
    #expect(concerned(nil, nil) == ["GPU-a"])
    gpu.mig.isEnabled = true
    gpu.mig.instances = [(1, 0), (2, 0), (2, 1)].enumerated().map { position, numbers in
      var instance = MIGInstance(position: position)
      instance.uuid = "MIG-\(position)"
      instance.gpuInstance = UInt32(numbers.0)
      instance.computeInstance = UInt32(numbers.1)
      return instance
    }
    #expect(concerned(nil, nil) == ["MIG-0", "MIG-1", "MIG-2"])
    #expect(concerned(2, nil) == ["MIG-1", "MIG-2"])
    #expect(concerned(2, 1) == ["MIG-2"])
    #expect(concerned(9, nil) == [])
    #expect(concerned(nil, nil, uuid: "GPU-b") == [])
  }

  @Test("events as lines")
  func lines() {
    let event = DriverEvent(
      kind: .xid, uuid: "GPU-a", data: 94, gpuInstance: 3, computeInstance: nil)
    #expect(DriverEvents.event(DriverEvents.line(event)) == event)
    for bad in ["", "{}", "{\"event\":\"boom\",\"data\":1}", "{\"event\":\"xid\",\"data\":-1}"] {
      #expect(DriverEvents.event(Array(bad.utf8)) == nil, "\(bad)")
    }
    #expect(DriverEvents.kind(8) == .xid && DriverEvents.kind(1 << 40) == .other)
  }
}
