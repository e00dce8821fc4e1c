internal import CNVML

/// Process lists of one GPU. Drivers disagree on the size of an entry, also under one symbol, so it
/// is measured in what they wrote.
struct ProcessList {
  let library: NVMLLibrary
  let device: NVMLLibrary.Device

  /// Processes of every kind; nil with the code when the driver does not tell those that compute.
  func all() -> Answer<[ProcessRecord]> {
    let compute = list(
      .compute, [CNVML_LIST_COMPUTE_V3, CNVML_LIST_COMPUTE_V2, CNVML_LIST_COMPUTE_V1])
    guard let found = compute.value else { return compute }
    let graphics = list(
      .graphics, [CNVML_LIST_GRAPHICS_V3, CNVML_LIST_GRAPHICS_V2, CNVML_LIST_GRAPHICS_V1])
    let mps = list(.mps, [CNVML_LIST_MPS_V3, CNVML_LIST_MPS_V2, CNVML_LIST_MPS_V1])
    let all = found + (graphics.value ?? []) + (mps.value ?? [])
    return Answer(value: Array(all.prefix(ProbeLimits.processes)), code: 0)
  }

  /// The pids that the driver remembers, oldest first; nil when it does not.
  func accountedPIDs() -> [UInt32]? {
    let answer = bytes(CNVML_LIST_ACCOUNTING_PIDS, entryBytes: 4)
    guard answer.code == 0, answer.count <= answer.bytes.count / 4 else { return nil }
    return (0..<answer.count).map { UInt32(littleEndian: answer.bytes, at: $0 * 4) }
  }

  private func list(
    _ kind: ProcessRecord.Kind, _ calls: [cnvml_list_call]
  ) -> Answer<[ProcessRecord]> {
    var code = NVMLReturn.noSymbol
    for call in calls {
      let answer = bytes(call, entryBytes: ProcessEntries.roomBytes)
      code = answer.code
      if code == 0 {
        let entries = ProcessEntries.read(answer.bytes, count: answer.count, kind: kind)
        return Answer(value: entries, code: 0)
      }
      guard NVMLReturn(code: code).isForOlder else { break }
    }
    return Answer(value: nil, code: code)
  }

  /// Asks for a list, with a larger buffer while the driver says that it is too small. Processes
  /// come and go between two calls, so the number that it asks for is only a hint.
  private func bytes(
    _ call: cnvml_list_call, entryBytes: Int
  ) -> (bytes: [UInt8], count: Int, code: Int32) {
    var room = 64
    while true {
      var bytes = [UInt8](repeating: ProcessEntries.sentinel, count: room * entryBytes)
      var count = UInt32(room)
      let code = bytes.withUnsafeMutableBytes { buffer in
        cnvml_list(library.table, call, device.handle, &count, buffer.baseAddress)
      }
      let isTooSmall = NVMLReturn(code: code).meaning == .tooSmall
      guard isTooSmall, room < ProbeLimits.processes else { return (bytes, Int(count), code) }
      room = min(max(room * 2, Int(count)), ProbeLimits.processes)
    }
  }
}

/// Reads entries of a process list out of bytes that a driver wrote over a sentinel. Pure.
enum ProcessEntries {
  /// The byte with which a buffer is filled. No pid, size or instance number ends in it.
  static let sentinel: UInt8 = 0xA5

  /// Room for one entry, more than any driver writes.
  static let roomBytes = 40

  /// Sizes of an entry that drivers are known to write.
  static let strides = [16, 24, 32]

  /// The size of one entry, from how far the sentinel was overwritten.
  ///
  /// - Returns: nil when no known size explains it.
  /// - Complexity: O(bytes).
  static func stride(_ bytes: [UInt8], count: Int) -> Int? {
    guard count > 0, count <= bytes.count / roomBytes,
      let last = bytes.lastIndex(where: { $0 != sentinel })
    else { return nil }
    let end = last + 1
    guard let stride = strides.first(where: { count * $0 >= end }) else { return nil }
    // The last entry has at least its pid and its memory.
    return end >= (count - 1) * stride + 16 ? stride : nil
  }

  /// The processes; nil when the size of an entry is not known: a list read with the wrong one
  /// would show memory as pids.
  static func read(_ bytes: [UInt8], count: Int, kind: ProcessRecord.Kind) -> [ProcessRecord]? {
    if count == 0 { return [] }
    guard let stride = stride(bytes, count: count) else { return nil }
    return (0..<count).map { index in
      let start = index * stride
      let pid = UInt32(littleEndian: bytes, at: start)
      let used = UInt64(littleEndian: bytes, at: start + 8)
      func instance(_ offset: Int) -> UInt32? {
        guard stride > 16 else { return nil }
        let value = UInt32(littleEndian: bytes, at: start + offset)
        return value == .max ? nil : value
      }
      return ProcessRecord(
        kind: kind, pid: pid == 0 ? nil : pid, usedBytes: used > UInt64(Int64.max) ? nil : used,
        gpuInstance: instance(16), computeInstance: instance(20))
    }
  }
}

extension FixedWidthInteger {
  /// The number in `bytes` from `offset` on, lowest byte first, as every machine with this library
  /// stores it. Bytes beyond the end are 0.
  init(littleEndian bytes: [UInt8], at offset: Int) {
    self = 0
    for position in (0..<Self.bitWidth / 8).reversed() {
      let index = offset + position
      self = self << 8 | Self(truncatingIfNeeded: index < bytes.count ? bytes[index] : 0)
    }
  }
}
