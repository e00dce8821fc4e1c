internal import CNVML

/// Asks a library everything that the probe wants to know, one GPU after the other, and judges
/// nothing. What it learnt so far is handed out at once, so that a later call that never returns
/// does not take it away.
struct NVMLReader {
  /// A part of a record, in the order in which it is learnt.
  enum Part: Sendable, Equatable {
    case head(status: NVMLStatus, cudaVersion: Int?, count: Int)
    case gpu(GPURecord)
    case pair(PairRecord)
    case end
  }

  /// Indexes of GPUs that must not be asked: the driver did not come back from them.
  var skipping: Set<Int> = []
  let sink: (Part) -> Void

  /// The whole record of a node, asked in this process.
  static func record(_ candidates: [String], isPrivileged: Bool) -> NVMLRecord {
    var record = NVMLRecord(status: .notAsked)
    let reader = NVMLReader { part in record.add(part) }
    reader.run(candidates, isPrivileged: isPrivileged)
    return record
  }

  /// Opens the first library that there is, asks it and closes it again.
  func run(_ candidates: [String], isPrivileged: Bool) {
    switch NVMLLibrary.open(candidates, isPrivileged: isPrivileged) {
    case .failed(let status):
      sink(.head(status: status, cudaVersion: nil, count: 0))
    case .open(let library):
      ask(library)
      library.close()
    }
    sink(.end)
  }

  private func ask(_ library: NVMLLibrary) {
    let (count, result) = library.deviceCount()
    guard result.isSuccess else {
      let reason = "GPUs cannot be counted: \(result.description)"
      let status = NVMLStatus.driverFailed(path: library.path, code: result.code, reason: reason)
      return sink(.head(status: status, cudaVersion: nil, count: 0))
    }
    let status = NVMLStatus.running(
      path: library.path, driverVersion: library.driverVersion(),
      nvmlVersion: library.nvmlVersion())
    sink(.head(status: status, cudaVersion: library.cudaVersion(), count: count))
    var opened: [(index: Int, device: NVMLLibrary.Device)] = []
    for index in 0..<min(count, ProbeLimits.gpus) where !skipping.contains(index) {
      let (device, result) = library.device(at: index)
      var record = GPURecord(index: index, handleCode: result.code)
      if let device {
        GPUQuestions(library: library, device: device).ask(&record)
        if record.facts.fatalCode == nil { opened.append((index, device)) }
      } else if result.isSuccess {
        // Success without a handle is a broken library; say so rather than use a null handle.
        record.handleCode = NVMLReturn.noSymbol
      }
      sink(.gpu(record))
    }
    askPairs(library, opened)
  }

  private func askPairs(
    _ library: NVMLLibrary, _ opened: [(index: Int, device: NVMLLibrary.Device)]
  ) {
    for (position, one) in opened.enumerated().prefix(ProbeLimits.linkedGPUs) {
      for other in opened.dropFirst(position + 1).prefix(ProbeLimits.linkedGPUs) {
        let kinds = [CNVML_P2P_READ, CNVML_P2P_WRITE, CNVML_P2P_NVLINK, CNVML_P2P_ATOMICS]
        let pair = PairRecord(
          one: one.index, other: other.index,
          ancestor: library.commonAncestor(one.device, other.device).value,
          peer: kinds.map { library.peerStatus(one.device, other.device, kind: $0).value })
        sink(.pair(pair))
      }
    }
  }
}

extension NVMLRecord {
  /// Takes in the next part.
  mutating func add(_ part: NVMLReader.Part) {
    switch part {
    case .head(let status, let cudaVersion, let count):
      self.status = status
      self.cudaVersion = cudaVersion
      self.count = count
    case .gpu(let gpu): gpus.append(gpu)
    case .pair(let pair): pairs.append(pair)
    case .end: isComplete = true
    }
  }
}

extension NVMLLibrary {
  /// NVML's number for the nearest common ancestor of two GPUs.
  func commonAncestor(_ one: Device, _ other: Device) -> Answer<UInt64> {
    var level: UInt32 = 0
    let code = cnvml_common_ancestor(table, one.handle, other.handle, &level)
    return Self.answer(level, code)
  }

  /// NVML's status of one way between two GPUs; 0 is "can".
  func peerStatus(_ one: Device, _ other: Device, kind: UInt32) -> Answer<UInt64> {
    var status: UInt32 = 0
    let code = cnvml_p2p_status(table, one.handle, other.handle, kind, &status)
    return Self.answer(status, code)
  }
}
