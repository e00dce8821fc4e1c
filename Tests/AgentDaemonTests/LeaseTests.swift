import AgentCore
import Foundation
import PoolAllocator
import PoolWire
import Testing

@testable import AgentDaemon

@Suite("Work under leases")
struct LeaseTests {
  static let boot = Boot.id ?? "?"

  /// A lease with the folder that it is in, and whoever keeps it.
  private static func lease(
    _ body: (inout LeaseKeeper, LeaseFolder) throws -> Void
  ) throws {
    let path = try StateTests.scratch()
    try Files.makeFolder(path)
    defer { Files.remove(path) }
    var keeper = LeaseKeeper(leases: path, boot: boot)
    let fencing = Fencing(raw: 1 << 40 | 1)
    let share = DeviceShare(
      device: NameTable.key(.device, "GPU-1"), milli: .whole, memory: Bytes(1))
    let order = LeaseOrder(
      lease: LeaseID(wire: "L-0.1") ?? LeaseID(row: 0, generation: 1), fencing: fencing,
      verb: .start(within: .seconds(1), runs: .seconds(1)), killWithin: .seconds(1),
      devices: [share])
    let device = LeaseFolder.Device(uuid: "GPU-1", isGPU: true, share: share)
    #expect(try keeper.start(order, devices: [device], claim: ("a", "b")) == .started)
    // Again, which changes nothing.
    #expect(try keeper.start(order, devices: [device], claim: nil) == .started)
    let folder = LeaseFolder(fencing, in: path)
    #expect(try folder.granted()?.devices == [device])
    #expect(try folder.granted()?.lease == order.lease)
    try body(&keeper, folder)
  }

  /// A shell that is the leader of its session, and the work that it is.
  private static func work(_ script: String) throws -> (ChildProcess, Work) {
    let process = try ChildProcess("/bin/sh", ["-c", script], isLeader: true)
    let stat = try #require(ProcessStat.read(process.pid))
    #expect(stat.session == process.pid)
    let leader = ProcessName(pid: process.pid, start: stat.start)
    return (process, Work(boot: boot, leader: leader, keeper: try #require(ProcessName.own)))
  }

  private static func wait(
    _ location: SourceLocation = #_sourceLocation, until holds: () throws -> Bool
  ) throws {
    for _ in 0..<1200 {
      if try holds() { return }
      usleep(50_000)
    }
    Issue.record("never", sourceLocation: location)
  }

  @Test("a lease without work lives until it is told to end")
  func idle() throws {
    try Self.lease { keeper, folder in
      #expect(try keeper.look(folder.fencing) == .started)
      #expect(try keeper.stop(folder.fencing) == .exited(.failed))
      #expect(try keeper.look(folder.fencing) == .exited(.failed))
      try keeper.sweep(known: [folder.fencing])
      #expect(folder.isThere)
      try keeper.sweep(known: [])
      #expect(!folder.isThere && !Files.exists(folder.path))
      #expect(try keeper.look(folder.fencing) == .exited(.neverStarted))
    }
  }

  @Test("work that ended says how, once its code is written")
  func codes() throws {
    for (codes, ending) in [([0], LeaseEnding.completed), ([0, 1], .failed), ([nil], .failed)]
      as [([Int32?], LeaseEnding)]
    {
      try Self.lease { keeper, folder in
        var works: [Work] = []
        for number in codes.indices {
          let gone = ProcessName(pid: 2_000_000_000 + Int32(number), start: 1)
          works.append(Work(boot: Self.boot, leader: gone, keeper: try #require(.own)))
          try folder.register(works[number])
        }
        // Whoever waits for it lives, and is about to say it.
        #expect(try keeper.look(folder.fencing) == .started)
        for (work, code) in zip(works, codes) {
          if let code { try folder.exited(work, code) }
        }
        if codes == [nil] {
          let dead = ProcessName(pid: 2_000_000_000, start: 1)
          try folder.register(Work(boot: Self.boot, leader: dead, keeper: dead))
        }
        #expect(try keeper.look(folder.fencing) == .exited(ending))
        #expect(folder.end == (ending == .completed ? .completed : .failed))
        #expect(try keeper.stop(folder.fencing) == .exited(ending))
      }
    }
  }

  @Test("what was started is told to end, then killed, all of its session")
  func signals() throws {
    try Self.lease { keeper, folder in
      let (process, work) = try Self.work("trap '' TERM; sleep 300 & sleep 300; sleep 300")
      try folder.register(work)
      try Self.wait { work.members().count > 2 }
      #expect(try keeper.stop(folder.fencing) == .started)
      #expect(folder.end == .told)
      #expect(try keeper.look(folder.fencing) == .started)
      _ = try keeper.kill(folder.fencing)
      try Self.wait { try keeper.look(folder.fencing) == .exited(.failed) }
      #expect(process.code == -SIGKILL)
    }
  }

  @Test("what the first process left behind still lives, and is found")
  func orphans() throws {
    try Self.lease { keeper, folder in
      let (process, work) = try Self.work("sleep 300 & exit 0")
      try folder.register(work)
      try Self.wait { !process.isRunning }
      try folder.exited(work, 0)
      #expect(!work.leader.lives)
      #expect(try keeper.look(folder.fencing) == .started)
      _ = try keeper.stop(folder.fencing)
      try Self.wait { try keeper.look(folder.fencing) == .exited(.failed) }
    }
  }

  @Test("a number that was given out again is nobody's of ours")
  func reused() throws {
    let (process, work) = try Self.work("sleep 300; sleep 300")
    defer { work.signal(SIGKILL, during: Self.boot) }
    var other = work
    other.leader.start += 1
    #expect(!other.lives(during: Self.boot) && other.members().isEmpty)
    other.signal(SIGKILL, during: Self.boot)
    work.signal(SIGKILL, during: "another boot")
    #expect(work.lives(during: Self.boot) && !work.lives(during: "another boot"))
    #expect(process.isRunning)
  }

  @Test("leases that nobody knows are ended and removed when the agent starts")
  func sweep() throws {
    try Self.lease { keeper, folder in
      let (process, work) = try Self.work("sleep 300")
      try folder.register(work)
      let leases = String(folder.path.dropLast("/1.1".count))
      try Files.makeFolder(leases + "/.1.2.new")
      var next = LeaseKeeper(leases: leases, boot: Self.boot)
      #expect(next.held == [folder.fencing] && !Files.exists(leases + "/.1.2.new"))
      try next.sweep(known: [])
      try Self.wait { !process.isRunning }
      try Self.wait {
        try next.sweep(known: [])
        return next.held.isEmpty
      }
      #expect(!Files.exists(folder.path))
    }
  }

  @Test("nothing is let in once its lease was told to end")
  func lateWork() throws {
    try Self.lease { keeper, folder in
      let work = Work(
        boot: Self.boot, leader: ProcessName(pid: 2_000_000_000, start: 1),
        keeper: try #require(.own))
      #expect(try LeaseCommand.isLetIn(work, folder))
      #expect(folder.works() == [work])
      folder.forget(work)
      #expect(try keeper.stop(folder.fencing) == .exited(.failed))
      #expect(try !LeaseCommand.isLetIn(work, folder))
      #expect(folder.works().isEmpty)
      try keeper.sweep(known: [])
      #expect(try !LeaseCommand.isLetIn(work, folder))
    }
  }

  @Test("work is read as it was written")
  func form() throws {
    let name = ProcessName(pid: 7, start: 8)
    let work = Work(boot: Self.boot, leader: name, keeper: ProcessName(pid: 9, start: 10))
    #expect(try Work(work.bytes) == work)
    #expect(throws: (any Error).self) { try Work(Array(work.bytes.dropLast(9))) }
  }

  @Test("what /proc says is read, whatever a process calls itself")
  func stat() throws {
    let tail = "S 1 20 30 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 12345 0"
    let found = try #require(ProcessStat.parse("42 (a) b ( c)) \(tail)"))
    #expect(found.pid == 42 && found.group == 20 && found.session == 30 && found.start == 12345)
    #expect(!found.isDead)
    #expect(ProcessStat.parse("42 (x) Z\(tail.dropFirst())")?.isDead == true)
    #expect(
      ProcessStat.parse("42 (x) Z 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 1 0")?.isDead == false)
    #expect(ProcessStat.parse("") == nil && ProcessStat.parse("42 (x) S 1") == nil)
    #expect(ProcessName.own?.lives == true)
  }

  @Test("a shell takes the variables for what they are; without GPUs all are hidden")
  func variables() throws {
    #expect(LeaseFolder.quoted("a'b") == "'a'\\''b'")
    #expect(LeaseFolder.variables([]).map(\.value) == ["", "void"])
  }
}
