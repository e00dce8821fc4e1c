import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite("Load of processes")
struct ProcessSampleTests {
  private static let two =
    "[gpu 0 process 0]\npid = 7\nmemory = 1 GiB\nsm = 93\nmem = 41\nenc = 5\ndec = 6\n"
    + "[gpu 0 process 1]\npid = 8\nmemory = 1 GiB\n"

  private func gpu(_ more: String = "", _ processes: String = two) throws -> GPUEntry {
    let record = try FakeDriver.record(FakeDriver.h100(0, more) + processes)
    return GPUFolding.entries(of: record, catalogue: nil).gpus[0]
  }

  @Test("a process has the load of its sample, and without one none")
  func joined() throws {
    let processes = try #require(try gpu().processes)
    #expect(processes.map(\.pid) == [7, 8])
    #expect(processes.map(\.utilizationPercent) == [93, nil])
    #expect(processes.map(\.memoryUtilizationPercent) == [41, nil])
    #expect(processes.map(\.encoderPercent) == [5, nil])
    #expect(processes.map(\.decoderPercent) == [6, nil])
  }

  @Test(
    "where it cannot be asked the processes stay, without load",
    arguments: ["NOT_SUPPORTED", "NOT_FOUND", "FUNCTION_NOT_FOUND", "NO_PERMISSION", "UNKNOWN"])
  func refused(_ code: String) throws {
    let gpu = try gpu("GetProcessUtilization = \(code)")
    #expect(gpu.processes?.map(\.pid) == [7, 8] && gpu.state == .usable)
    #expect(gpu.processes?.map(\.utilizationPercent) == [nil, nil] && gpu.late.isEmpty)
    let isSaid = gpu.warnings.contains { $0.contains("process_utilization") }
    #expect(isSaid == (code == "NO_PERMISSION"))
  }

  @Test("a driver that wants ever more room is given up")
  func greedy() throws {
    let gpu = try gpu("GetProcessUtilization = INSUFFICIENT_SIZE")
    #expect(gpu.processes?.map(\.utilizationPercent) == [nil, nil] && gpu.state == .usable)
  }

  @Test("many samples are asked for with room for them")
  func many() throws {
    let lines = (0..<300).map {
      "[gpu 0 process \($0)]\npid = \($0 + 1)\nmemory = 1 MiB\nsm = \($0 % 101)\n"
    }
    let processes = try #require(try gpu("", lines.joined()).processes)
    #expect(processes.map(\.utilizationPercent) == (0..<300).map { UInt64($0 % 101) })
  }

  @Test("percentages that cannot be are not told")
  func nonsense() throws {
    let processes = try gpu("", Self.two + "[gpu 0 process 0]\nsm = 101\nmem = 4294967295\n")
      .processes
    #expect(processes?.first?.utilizationPercent == nil)
    #expect(processes?.first?.memoryUtilizationPercent == nil)
    #expect(processes?.first?.encoderPercent == 5)
  }

  @Test("of several samples the newest counts, and none without a pid")
  func newest() {
    func sample(_ pid: UInt32, _ time: UInt64, _ percent: UInt64) -> SampleRecord {
      SampleRecord(pid: pid, timestamp: time, multiprocessors: percent)
    }
    let found = ProcessSamples.newest(of: [
      sample(9, 5, 50), sample(7, 3, 30), sample(9, 6, 60), sample(9, 4, 40), sample(0, 9, 90),
      sample(7, 3, 31),
    ])
    #expect(found == [sample(7, 3, 31), sample(9, 6, 60)])
  }

  @Test("load that is late is the last one with its age", arguments: [10, 20, 27])
  func late(_ code: Int) throws {
    let before = try FakeDriver.record(FakeDriver.h100(0) + Self.two)
    let now = try FakeDriver.record(
      FakeDriver.h100(0, "GetProcessUtilization = \(code)") + Self.two)
    let alone = GPUFolding.entries(of: now, catalogue: nil).gpus[0]
    #expect(alone.processes?.first?.utilizationPercent == nil)
    #expect(alone.late.map(\.name) == ["process_utilization"])
    let kept = GPUFolding.entries(
      of: now.keeping(before, elapsedMilliseconds: 40), catalogue: nil
    ).gpus[0]
    #expect(kept.processes?.first?.utilizationPercent == 93)
    #expect(kept.late.map(\.ageMilliseconds) == [40])
  }
}

@Suite("Serial numbers, affinity and repairs")
struct RarerCallTests {
  private func gpu(_ more: String, edition: FakeNVML.Edition = .current) throws -> GPUEntry {
    let record = try FakeDriver.record(FakeDriver.h100(0, more), edition: edition)
    return GPUFolding.entries(of: record, catalogue: nil).gpus[0]
  }

  @Test("serial and part number are told where the board has them")
  func serial() throws {
    let told = try gpu("serial = 1324621000001\nboard_part_number = 900-21001-0000-000")
    #expect(told.serial == "1324621000001" && told.boardPartNumber == "900-21001-0000-000")
    let untold = try gpu("")
    #expect(untold.serial == nil && untold.boardPartNumber == nil && untold.state == .usable)
    let refused = try gpu("GetSerial = NO_PERMISSION\nGetBoardPartNumber = 3")
    #expect(refused.serial == nil && refused.boardPartNumber == nil)
    #expect(refused.warnings == ["limited: no permission to ask for serial"])
  }

  @Test("a repair that waits for a reset is a warning; old drivers know of none")
  func repair() throws {
    let words = "a repair inside the GPU waits for the next reset"
    for (channel, tpc) in [(1, 0), (0, 1), (0, 0)] {
      let lines = "channel_repair_pending = \(channel)\ntpc_repair_pending = \(tpc)"
      let gpu = try gpu(lines)
      #expect(gpu.readings["channel_repair_pending"] == UInt64(channel))
      #expect(gpu.readings["tpc_repair_pending"] == UInt64(tpc))
      #expect(gpu.warnings == (channel + tpc > 0 ? [words] : []) && gpu.state == .usable)
      let old = try self.gpu(lines, edition: .of2018)
      #expect(old.readings["tpc_repair_pending"] == nil && !old.warnings.contains(words))
    }
    let later = try gpu("GetRepairStatus = 25\nchannel_repair_pending = 1")
    #expect(later.readings["channel_repair_pending"] == nil && later.warnings.isEmpty)
  }

  @Test("retired pages are counted by the newer call, and by the older one of an old driver")
  func retired() throws {
    let lines = "retired_pages_corrected = 3\nretired_pages_uncorrected = 2\n"
    for edition in [FakeNVML.Edition.current, .of2018] {
      let gpu = try gpu(lines, edition: edition)
      #expect(gpu.readings["retired_single_bit"] == 3 && gpu.readings["retired_double_bit"] == 2)
    }
    let newer = "GetRetiredPages_v2 = NOT_SUPPORTED"
    #expect(try gpu(lines + newer).readings["retired_single_bit"] == 3)
    let neither = newer + "\nGetRetiredPages = NOT_SUPPORTED"
    #expect(try gpu(lines + neither).readings["retired_single_bit"] == nil)
    #expect(try gpu(lines + newer, edition: .of2018).readings["retired_single_bit"] == 3)
  }

  private static let near = "cpu_affinity = 0-31,64-95\nmemory_affinity = 1\n"

  @Test("masks that are late are stated, and kept with their age", arguments: [10, 27])
  func masks(_ code: Int) throws {
    let before = try FakeDriver.record(FakeDriver.h100(0, Self.near))
    let lines = Self.near + "GetCpuAffinityWithinScope = \(code)\nGetMemoryAffinity = \(code)"
    let now = try FakeDriver.record(FakeDriver.h100(0, lines))
    let alone = GPUFolding.entries(of: now, catalogue: nil).gpus[0]
    #expect(alone.cpus == nil && alone.numaNode == nil)
    #expect(alone.late.map(\.name) == ["cpus", "numa_node"])
    let kept = GPUFolding.entries(
      of: now.keeping(before, elapsedMilliseconds: 40), catalogue: nil
    ).gpus[0]
    #expect(kept.cpus?.list == "0-31,64-95" && kept.numaNode == 1)
    #expect(kept.late.map(\.ageMilliseconds) == [40, 40])
  }

  @Test("masks that may not be asked are a limit, others are only not known")
  func refused() throws {
    let denied = try gpu(
      Self.near + "GetCpuAffinityWithinScope = 4\nGetCpuAffinity = 4\nGetMemoryAffinity = 4")
    #expect(denied.warnings == ["limited: no permission to ask for cpus, numa_node"])
    let older = try gpu(Self.near + "GetCpuAffinityWithinScope = 3\nGetMemoryAffinity = 3")
    #expect(older.cpus?.list == "0-31,64-95" && older.numaNode == nil && older.late.isEmpty)
  }
}
