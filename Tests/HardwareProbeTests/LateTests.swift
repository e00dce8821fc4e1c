import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite("Answers that come later")
struct LateTests {
  private static let later: [Int32] = [10, 11, 19, 20, 21, 23, 27]
  private static let sound = "power_usage_mw = 412000\ntemperature_c = 54\nmig_mode = off\n"

  private func fold(_ record: NVMLRecord) -> [GPUEntry] {
    GPUFolding.entries(of: record, catalogue: nil).gpus
  }

  private func record(_ more: String) throws -> NVMLRecord {
    try FakeDriver.record(FakeDriver.h100(0, Self.sound + more))
  }

  @Test("a single probe knows nothing of what is late, and says why", arguments: later)
  func single(code: Int32) throws {
    let gpu = fold(try record("GetPowerUsage = \(code)"))[0]
    #expect(gpu.state == .usable && gpu.readings["power_milliwatts"] == nil)
    #expect(
      gpu.late == [
        LateReading(
          name: "power_milliwatts", reason: NVMLReturn(code: code).description,
          ageMilliseconds: nil)
      ])
  }

  @Test("codes of other classes are not late", arguments: [3, 4, 13, 26, 999])
  func other(code: Int32) throws {
    let before = try record("")
    let now = try record("GetPowerUsage = \(code)")
    let gpu = fold(now.keeping(before, elapsedMilliseconds: 1))[0]
    #expect(gpu.readings["power_milliwatts"] == nil && gpu.late.isEmpty)
  }

  @Test("a late answer is the last one with its age, up to the bound", arguments: later)
  func kept(code: Int32) throws {
    let before = try record("")
    let now = try record("GetPowerUsage = \(code)")
    let once = now.keeping(before, elapsedMilliseconds: 5000)
    let gpu = fold(once)[0]
    #expect(gpu.readings["power_milliwatts"] == 412_000)
    #expect(gpu.late.map(\.ageMilliseconds) == [5000])
    #expect(gpu.readings["temperature_celsius"] == 54)
    let twice = now.keeping(once, elapsedMilliseconds: 55_000)
    #expect(fold(twice)[0].late.map(\.ageMilliseconds) == [60_000])
    #expect(fold(twice)[0].readings["power_milliwatts"] == 412_000)
    for elapsed in [1, .max] as [UInt64] {
      let forgotten = fold(now.keeping(twice, elapsedMilliseconds: elapsed))[0]
      #expect(forgotten.readings["power_milliwatts"] == nil)
      #expect(forgotten.late.map(\.ageMilliseconds) == [nil])
    }
    let fresh = fold(before.keeping(twice, elapsedMilliseconds: 1))[0]
    #expect(fresh.late.isEmpty && fresh.readings["power_milliwatts"] == 412_000)
  }

  @Test("memory is kept whole, and a GPU whose memory is late is not taken for usable")
  func memory() throws {
    let before = try record("")
    let now = try record("GetMemoryInfo_v2 = 27\nGetMemoryInfo = 27")
    #expect(fold(now)[0].memory == nil)
    let gpu = fold(now.keeping(before, elapsedMilliseconds: 700))[0]
    #expect(gpu.memory == fold(before)[0].memory && gpu.memory?.usedBytes == 1 << 30)
    #expect(gpu.state == .unknown(reason: "memory: not ready (NVML code 27)"))
    #expect(gpu.late.allSatisfy { $0.ageMilliseconds == 700 } && !gpu.late.isEmpty)
  }

  @Test("what speaks against a GPU is not forgotten because it is late")
  func recovery() throws {
    let before = try record("recovery_action = 1")
    let now = try record("recovery_action = !TIMEOUT")
    #expect(fold(now)[0].state == .usable)
    let kept = fold(now.keeping(before, elapsedMilliseconds: 10))[0]
    #expect(kept.state == .unusable(reason: "the driver asks for: reset"))
  }

  @Test("whether MIG is on is never taken from before")
  func mode() throws {
    let now = try record("GetMigMode = 10")
    let gpu = fold(now.keeping(try record(""), elapsedMilliseconds: 10))[0]
    #expect(gpu.state.word == "unknown" && gpu.mig.isEnabled == nil)
    #expect(gpu.late.map(\.name) == ["mig_mode", "mig_pending"])
    #expect(gpu.late.allSatisfy { $0.ageMilliseconds == nil })
  }

  @Test("a GPU is known again by its UUID, else by its place, never by a bare number")
  func identity() throws {
    let two = FakeDriver.h100(0, Self.sound) + FakeDriver.h100(1, "power_usage_mw = 7000")
    let before = try FakeDriver.record(two)
    let silent = try FakeDriver.record(two + "[gpu 1]\nGetUUID = 10\nGetPowerUsage = 10\n")
    let kept = fold(silent.keeping(before, elapsedMilliseconds: 3))
    #expect(kept.map(\.uuid) == fold(before).map(\.uuid))
    #expect(kept[1].readings["power_milliwatts"] == 7000 && kept[1].state.word == "unknown")
    let other = try FakeDriver.record(
      FakeDriver.h100(0, "uuid = GPU-other\nGetPowerUsage = 10") + FakeDriver.h100(1))
    #expect(fold(other.keeping(before, elapsedMilliseconds: 3))[0].late[0].ageMilliseconds == nil)
    let closed = try FakeDriver.record(two + "[gpu 1]\nhandle = 19\n")
    let shut = fold(closed.keeping(before, elapsedMilliseconds: 3))
    #expect(shut[1].state == .unknown(reason: "in use (NVML code 19)"))
    #expect(shut[1].uuid == fold(before)[1].uuid && shut[1].readings["power_milliwatts"] == 7000)
    let alone = try FakeDriver.record(FakeDriver.h100(0, "handle = 19"))
    #expect(fold(alone.keeping(before, elapsedMilliseconds: 3))[0].uuid == nil)
  }

  @Test("processes and links are kept, and what a MIG device says of itself")
  func lists() throws {
    let base =
      FakeDriver.h100(0, "mig_mode = on\nmig_max_devices = 2")
      + FakeDriver.mig(0, instance: 1, id: 19, "1g.10gb", memory: 9984, at: "0:1")
      + "[gpu 0 process 0]\npid = 7\nmemory = 1 GiB\ngi = 1\nci = 0\n"
    let before = try FakeDriver.record(base)
    let now = try FakeDriver.record(
      base + "[gpu 0]\nGetComputeRunningProcesses_v3 = 10\n"
        + "[gpu 0 mig 0]\nGetMemoryInfo_v2 = 21\nGetComputeRunningProcesses_v3 = 10\n")
    let gpu = fold(now.keeping(before, elapsedMilliseconds: 9))[0]
    #expect(gpu.processes?.map(\.pid) == [7])
    #expect(gpu.late.map(\.name) == ["processes"])
    let part = try #require(gpu.mig.instances?.first)
    #expect(part.memory?.totalBytes == 9984 << 20 && !part.isOfferable)
    #expect(part.late.map(\.name).contains("memory_used_bytes"))
    #expect(part.late.allSatisfy { $0.ageMilliseconds == 9 })
  }

  @Test("a memory outlives a driver that does not answer, and a clock that goes back")
  func outage() throws {
    var memory = ProbeMemory()
    let now = try record("GetPowerUsage = 10")
    _ = memory.keeping(try record(""), at: 5_000_000_000)
    let gone = NVMLRecord(status: .late(deadlineMilliseconds: 5))
    #expect(memory.keeping(gone, at: 6_000_000_000) == gone)
    let kept = fold(memory.keeping(now, at: 7_000_000_000))[0]
    #expect(kept.late.map(\.ageMilliseconds) == [2000])
    #expect(fold(memory.keeping(now, at: 0))[0].late.map(\.ageMilliseconds) == [2000])
  }

  @Test("the screen marks what is old and says how old")
  func screen() throws {
    let before = try record("")
    let now = try record("GetPowerUsage = 10\nGetTemperature = 10\nGetEccMode = 21")
    let table = MIGTests.inventory(fold(now.keeping(before, elapsedMilliseconds: 7040))).table()
    #expect(table.contains("~54C  ~412W"), "\(table)")
    #expect(
      table.contains(
        "late: device 0: power_milliwatts, temperature_celsius: timeout in the driver"
          + " (NVML code 10); shown as 7.0 s ago (~)\n"), "\(table)")
    #expect(
      table.contains("late: device 0: ecc_mode, ecc_pending: no data (NVML code 21); not known\n"))
  }
}
