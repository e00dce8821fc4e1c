import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite("Process lists")
struct ProcessListTests {
  /// A buffer in which a driver wrote `count` entries of `stride` bytes.
  private func written(_ count: Int, stride: Int, room: Int = 64) -> [UInt8] {
    var bytes = [UInt8](
      repeating: ProcessEntries.sentinel, count: room * ProcessEntries.roomBytes)
    func put(_ value: UInt64, _ width: Int, at offset: Int) {
      for byte in 0..<width {
        bytes[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte))
      }
    }
    for index in 0..<count {
      let start = index * stride
      put(UInt64(100 + index), 4, at: start)
      put(UInt64(1 + index) << 30, 8, at: start + 8)
      if stride > 16 { put(UInt64(UInt32.max) << 32 | UInt64(index), 8, at: start + 16) }
      if stride > 24 { put(0, 8, at: start + 24) }
    }
    return bytes
  }

  @Test("the size of an entry is measured", arguments: [16, 24, 32], [1, 2, 3, 17, 64])
  func stride(_ stride: Int, _ count: Int) {
    let bytes = written(count, stride: stride)
    #expect(ProcessEntries.stride(bytes, count: count) == stride)
    let entries = ProcessEntries.read(bytes, count: count, kind: .compute)
    #expect(entries?.map(\.pid) == (0..<count).map { UInt32(100 + $0) })
    #expect(entries?.last?.usedBytes == UInt64(count) << 30)
    #expect(entries?.last?.gpuInstance == (stride > 16 ? UInt32(count - 1) : nil))
    #expect(entries?.last?.computeInstance == nil)
  }

  @Test("what no size explains is not read")
  func nonsense() {
    let bytes = written(3, stride: 24)
    #expect(ProcessEntries.read(bytes, count: 2, kind: .compute) == nil)
    #expect(ProcessEntries.read(bytes, count: 9, kind: .compute) == nil)
    #expect(ProcessEntries.read(bytes, count: 65, kind: .compute) == nil)
    #expect(ProcessEntries.read(bytes, count: .max, kind: .compute) == nil)
    #expect(ProcessEntries.read(bytes, count: 0, kind: .compute)?.isEmpty == true)
    let untouched = [UInt8](repeating: ProcessEntries.sentinel, count: 400)
    #expect(ProcessEntries.read(untouched, count: 1, kind: .compute) == nil)
    #expect(ProcessEntries.read([], count: 1, kind: .compute) == nil)
  }

  @Test("a list reads the same whatever the driver writes", arguments: [16, 24, 32])
  func fake(_ stride: Int) throws {
    let gpu = try FakeDriver.gpus(
      "[driver]\nprocess_entry_bytes = \(stride)\n" + FakeDriver.h100(0)
        + "[gpu 0 process 0]\npid = 4711\nmemory = 9 GiB\n"
        + "[gpu 0 process 1]\npid = 4712\n[gpu 0 process 2]\npid = 9\nmemory = 1 MiB\ntype = G\n"
    )[0]
    let processes = try #require(gpu.processes)
    #expect(processes.map(\.pid) == [4711, 4712, 9])
    #expect(processes.map(\.usedBytes) == [9 << 30, nil, 1 << 20])
    #expect(processes.map(\.kind) == ["compute", "compute", "graphics"])
  }

  @Test("a process that computes and draws is one process, with the memory that it holds")
  func folded() throws {
    let gpu = try FakeDriver.gpus(
      FakeDriver.h100(0) + "[gpu 0 process 0]\npid = 7\nmemory = 2 GiB\ntype = C+G\n"
        + "[gpu 0 process 1]\npid = 8\ntype = G\n[gpu 0 process 2]\npid = 0\ntype = C+G\n")[0]
    let processes = try #require(gpu.processes)
    // Who is not named may be two.
    #expect(processes.map(\.pid) == [7, nil, 8, nil])
    #expect(
      processes.map(\.kind) == ["compute+graphics", "compute", "graphics", "graphics"])
    #expect(processes.map(\.usedBytes).first == 2 << 30)
  }

  @Test("one number in two MIG devices is two entries, and the larger memory is told")
  func notFolded() {
    func record(
      _ kind: ProcessRecord.Kind, _ instance: UInt32?, _ bytes: UInt64?
    ) -> ProcessRecord {
      ProcessRecord(
        kind: kind, pid: 7, usedBytes: bytes, gpuInstance: instance, computeInstance: nil)
    }
    var gpu = GPURecord(index: 0, handleCode: 0)
    let all = [
      record(.graphics, 1, nil), record(.compute, 1, 5), record(.compute, 2, 6),
      record(.mps, 1, 3),
    ]
    gpu.processes = Answer(value: all, code: 0)
    var node = NVMLRecord(status: .running(path: "l", driverVersion: nil, nvmlVersion: nil))
    (node.count, node.gpus, node.isComplete) = (1, [gpu], true)
    let found = GPUFolding.entries(of: node, catalogue: nil).gpus[0].processes ?? []
    #expect(found.map(\.kind) == ["compute+graphics+mps", "compute"])
    #expect(found.map(\.usedBytes) == [5, 6] && found.map(\.gpuInstance) == [1, 2])
  }

  @Test("a long list is asked for again with more room")
  func long() throws {
    let lines = (0..<200).map { "[gpu 0 process \($0)]\npid = \($0 + 1)\nmemory = 1 MiB\n" }
    let gpu = try FakeDriver.gpus(FakeDriver.h100(0) + lines.joined())[0]
    #expect(gpu.processes?.count == 200)
    #expect(gpu.processes?.last?.pid == 200)
  }

  @Test("a count that lies is no list")
  func lyingCount() throws {
    for count in ["4000000000", "63"] {
      let gpu = try FakeDriver.gpus(
        FakeDriver.h100(0, "process_count = \(count)") + "[gpu 0 process 0]\npid = 1\n")[0]
      #expect(gpu.processes == nil, "\(count)")
      #expect(gpu.state == .usable)
    }
  }

  @Test("without permission there is no list, and the GPU stays")
  func refused() throws {
    let gpu = try FakeDriver.gpus(
      FakeDriver.h100(0, "GetComputeRunningProcesses_v3 = NO_PERMISSION"))[0]
    #expect(gpu.processes == nil)
    #expect(gpu.isOfferable)
  }

  @Test("accounting shows what ran")
  func accounting() throws {
    let gpu = try FakeDriver.gpus(
      FakeDriver.h100(0, "accounting_mode = on\naccounting_buffer_size = 4000")
        + "[gpu 0 accounted 77]\ngpu_utilization = 40\nmax_memory = 2 GiB\ntime_ms = 1500\n")[0]
    let entry = try #require(gpu.readings.accounting?.first)
    #expect(entry.pid == 77 && entry.utilizationPercent == 40 && entry.milliseconds == 1500)
    #expect(entry.memoryMaxBytes == 2 << 30)
    #expect(try FakeDriver.gpus(FakeDriver.h100(0))[0].readings.accounting == nil)
  }
}
