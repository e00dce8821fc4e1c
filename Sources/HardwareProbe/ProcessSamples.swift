internal import CNVML

/// The load that each process makes on one GPU.
///
/// NVML keeps samples of the last seconds in a buffer and tells those that are newer than a given
/// time. A probe asks from 0 on, so for all that there are, and takes the newest of each process:
/// it needs no memory of when it asked last, and one probe says as much as a watch. A process that
/// did nothing lately has no sample, and its load is not known.
struct ProcessSamples {
  let library: NVMLLibrary
  let device: NVMLLibrary.Device

  /// The newest sample of each process, ascending by pid; nil with the code when there are none.
  func newest() -> Answer<[SampleRecord]> {
    var room = 0
    while true {
      var samples = [cnvml_process_sample](repeating: cnvml_process_sample(), count: room)
      var count = UInt32(room)
      let code = samples.withUnsafeMutableBufferPointer { buffer in
        cnvml_process_utilization(
          library.table, device.handle, room == 0 ? nil : buffer.baseAddress, &count, 0)
      }
      // Some drivers call it a success when they are only asked for the number.
      let isTooSmall = NVMLReturn(code: code).meaning == .tooSmall || (code == 0 && room == 0)
      if isTooSmall, count > 0 || room > 0, room < ProbeLimits.processes {
        room = min(max(room * 2, Int(count), 16), ProbeLimits.processes)
        continue
      }
      guard code == 0, Int(count) <= room else { return Answer(value: nil, code: code) }
      return Answer(value: Self.newest(of: samples.prefix(Int(count)).map(Self.record)), code: 0)
    }
  }

  /// What the driver wrote, without percentages that cannot be.
  private static func record(_ sample: cnvml_process_sample) -> SampleRecord {
    func percent(_ value: UInt32) -> UInt64? { value <= 100 ? UInt64(value) : nil }
    return SampleRecord(
      pid: sample.pid, timestamp: min(sample.timestamp, UInt64(Int64.max)),
      multiprocessors: percent(sample.multiprocessors), memory: percent(sample.memory),
      encoder: percent(sample.encoder), decoder: percent(sample.decoder))
  }

  /// The newest of each pid, ascending; of equally new ones the last. Entries without a pid are
  /// left over from an earlier call or hidden.
  ///
  /// - Complexity: O(n log n).
  static func newest(of samples: [SampleRecord]) -> [SampleRecord] {
    var found: [UInt32: SampleRecord] = [:]
    for sample in samples where sample.pid != 0 {
      if let other = found[sample.pid], other.timestamp > sample.timestamp { continue }
      found[sample.pid] = sample
    }
    return found.values.sorted { $0.pid < $1.pid }
  }
}
