import AgentCore
import PoolAllocator
import PoolLoop
import Testing

@testable import PoolSimulator

/// Each check of a world can fail: what breaks its invariant is told under its name.
@Suite struct WorldCheckTests {
  private static func expect(
    _ invariant: String, _ body: () throws(Violation) -> Void,
    _ location: SourceLocation = #_sourceLocation
  ) {
    do throws(Violation) {
      try body()
      Issue.record("nothing was found", sourceLocation: location)
    } catch {
      #expect(error.invariant == invariant, sourceLocation: location)
    }
  }

  private static func process(
    _ number: UInt64, _ device: Key, milli: Int32 = 1_000, isStray: Bool = false
  ) -> WorldNode.Process {
    WorldNode.Process(
      lease: LeaseID(row: 0, generation: UInt32(number)), fencing: Fencing(raw: number),
      shares: [DeviceShare(device: device, milli: MilliGPU(milli), memory: .zero)],
      ends: Instant(ns: .max), ending: .completed, isStray: isStray)
  }

  @Test func twoProcessesOnOneDeviceAreFound() throws {
    let shape = NodeShape(
      boards: 2, partitioned: 1, small: 0, cpuSets: 0, island: 0, isLabelled: false, rack: nil,
      enforcement: .cgroup)
    let devices = shape.devices(0, layout: 0)
    let (board, part) = (devices[0].key, devices[1].key)
    try ProcessCheck.check([Self.process(1, part)], on: devices)
    try ProcessCheck.check(
      [Self.process(1, part, milli: 500), Self.process(2, part, milli: 500)], on: devices)
    Self.expect("D2") { () throws(Violation) in
      try ProcessCheck.check([Self.process(1, part), Self.process(2, part)], on: devices)
    }
    // An instance, and the board that it is part of.
    Self.expect("D2") { () throws(Violation) in
      try ProcessCheck.check([Self.process(1, board), Self.process(2, part)], on: devices)
    }
  }

  @Test func aProcessThatThePoolCallsEndedIsFound() {
    let pool = Pool()
    Self.expect("D4") { () throws(Violation) in
      try pool.checkIsKnown(
        Self.process(1, Names.device(0, 0)), node: 0, holdsEnds: false)
    }
  }

  @Test func fencingNumbersThatFallAreFound() {
    let (low, high) = (Fencing(raw: 1), Fencing(raw: 2))
    let device = Names.device(0, 0)
    func table(_ fencing: Fencing) -> FencingTable {
      FencingTable(rows: [FencingTable.Row(device: device, highest: fencing)])
    }
    Self.expect("D3") { () throws(Violation) in
      try StoredFencesCheck.compare(table(high), with: table(low))
    }
  }

  @Test func timeThatFallsIsFound() {
    var check = TimeCheck()
    Self.expect("T1") { () throws(Violation) in
      try check.note(Instant(ns: 2))
      try check.note(Instant(ns: 2))
      try check.note(Instant(ns: 1))
    }
  }

  @Test func otherStatesAndLostPromisesAreFound() {
    var promises = PromiseCheck()
    promises.note(7)
    Self.expect("A3") { () throws(Violation) in try promises.check(6) }
    Self.expect("A1") { () throws(Violation) in
      try ReplayCheck.compare(Digest(high: 0, low: 0), with: Digest(high: 0, low: 1))
    }
  }
}
