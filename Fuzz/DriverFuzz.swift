// Properties: whatever a driver writes into a process list, a text or the record of a child
// process, reading it does not crash, gives no more than there is room for, and what is folded of
// it can be written; a record that is accepted is written and read back the same.
@testable import HardwareProbe

/// libFuzzer's entry point; other return values than 0 are reserved. The first byte chooses.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDriver(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let kind = bytes.first else { return 0 }
  let rest = Array(bytes.dropFirst())
  switch kind % 4 {
  case 0: checkProcesses(rest)
  case 1: checkTexts(rest)
  case 2: checkDevices(rest)
  default: checkLines(rest)
  }
  return 0
}

private func checkProcesses(_ bytes: [UInt8]) {
  // A count that may lie, then what the driver wrote over the sentinel.
  let count = Int(UInt32(littleEndian: bytes, at: 0)) % 300
  var buffer = [UInt8](repeating: ProcessEntries.sentinel, count: 64 * ProcessEntries.roomBytes)
  for (index, byte) in bytes.dropFirst(4).prefix(buffer.count).enumerated() { buffer[index] = byte }
  guard let entries = ProcessEntries.read(buffer, count: count, kind: .compute) else { return }
  guard entries.count == count, entries.allSatisfy({ $0.pid != 0 }) else {
    fatalError("a list of another length, or a process without a number")
  }
}

private func checkTexts(_ bytes: [UInt8]) {
  if let text = NVMLText.string(bytes) {
    guard text.unicodeScalars.count <= ProbeLimits.nameCharacters else {
      fatalError("a text beyond its bound")
    }
    guard !text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
      fatalError("a control character in a text")
    }
  }
  let text = String(decoding: bytes, as: UTF8.self)
  if let identity = MIGNames.identity(text), identity.gpu == nil, identity.gpuInstance != nil {
    fatalError("an instance without its GPU")
  }
  if let name = MIGNames.profile(in: text), !MIGNames.isProfile(name) {
    fatalError("a kind that is none")
  }
  if let files = MIGMinors(text).files(gpu: 0, instance: 0, compute: 0), files.count != 2 {
    fatalError("a MIG device without the file of its GPU instance or its own")
  }
  if case .these(let names) = VisibleDevices(text), names.isEmpty || names.contains("") {
    fatalError("devices that have no name")
  }
  _ = DriverEvents.event(bytes)
  _ = MIGNames.reckoned(
    slices: UInt64(littleEndian: bytes, at: 0), memoryMiB: UInt64(littleEndian: bytes, at: 8),
    totalBytes: UInt64(littleEndian: bytes, at: 16))
}

/// GPUs whose every number and code comes from the input.
private func checkDevices(_ bytes: [UInt8]) {
  var record = NVMLRecord(status: .running(path: "l", driverVersion: nil, nvmlVersion: nil))
  var offset = 0
  func next(_ width: Int) -> UInt64 {
    defer { offset += width }
    return UInt64(littleEndian: bytes, at: offset) & (width >= 8 ? .max : (1 << (width * 8)) - 1)
  }
  func facts() -> DriverFacts {
    var facts = DriverFacts()
    for number in GPUNumber.allCases where next(1) & 1 == 1 {
      let width = [1, 2, 4, 8][Int(next(1) & 3)]
      let code = next(1)
      let value = code < 200 ? next(width) & UInt64(Int64.max) : nil
      facts.set(number, Answer(value: value, code: code < 200 ? 0 : Int32(code) - 200))
    }
    for text in GPUText.allCases where next(1) & 1 == 1 {
      let length = Int(next(1))
      let slice = bytes.dropFirst(offset).prefix(length)
      offset += length
      facts.set(text, Answer(value: NVMLText.string(slice), code: 0))
    }
    return facts
  }
  record.count = Int(next(4))
  for index in 0..<Int(next(1) % 5) {
    var gpu = GPURecord(index: index, handleCode: Int32(next(1) % 3) * 15)
    gpu.facts = facts()
    if next(1) & 1 == 1 {
      gpu.instances = (0..<Int(next(1) % 9)).map { position in
        InstanceRecord(position: position, handleCode: Int32(next(1) % 2), facts: facts())
      }
    }
    let ports = (0..<Int(next(1) % 9)).map { port in
      PortRecord(
        port: port, isActive: next(1) & 1 == 1, versionCode: next(1), remoteType: next(1),
        remoteBusID: NVMLText.string(bytes.dropFirst(offset).prefix(16)), errors: next(8) >> 1)
    }
    gpu.ports = Answer(value: ports, code: 0)
    let processes = (0..<Int(next(1) % 9)).map { _ in
      ProcessRecord(
        kind: next(1) & 1 == 1 ? .compute : .graphics, pid: UInt32(next(1)), usedBytes: next(8) >> 1
      )
    }
    gpu.processes = Answer(value: processes, code: 0)
    let samples = (0..<Int(next(1) % 9)).map { _ in
      SampleRecord(pid: UInt32(next(1)), timestamp: next(8) >> 1, multiprocessors: next(1))
    }
    let newest = ProcessSamples.newest(of: samples)
    guard Set(newest.map(\.pid)).count == newest.count, newest.allSatisfy({ $0.pid != 0 }) else {
      fatalError("two samples of one process, or one of none")
    }
    gpu.samples = Answer(value: newest, code: 0)
    gpu.cpus = Answer(value: nil, code: Int32(next(1) % 32))
    record.gpus.append(gpu)
    record.pairs.append(
      PairRecord(one: index, other: Int(next(1)), ancestor: next(1), peer: [next(1), nil]))
  }
  checkFolded(record)
  let age = next(4)
  let kept = record.keeping(record, elapsedMilliseconds: age)
  let ages = kept.gpus.flatMap { $0.facts.late.compactMap(\.ageMilliseconds) }
  guard ages.allSatisfy({ $0 <= ProbeLimits.keptMilliseconds }) else {
    fatalError("a value that is kept for too long")
  }
  checkFolded(kept)
}

private func checkLines(_ bytes: [UInt8]) {
  var record = NVMLRecord(status: .notAsked)
  var buffer = LineBuffer(lineBytesMax: 4096)
  guard buffer.append(bytes + [10]) else { return }
  while let line = buffer.next() {
    guard let part = try? RecordParser.part(line) else { continue }
    guard let again = try? RecordParser.part(RecordLines.line(part)), again == part else {
      fatalError("a part that is not read back the same: \(part)")
    }
    record.add(part)
  }
  checkFolded(record)
}

private let nowhere = LimitSource(limit: .machine, source: "/")
private let host = HostIdentity(
  hostname: "", kernelRelease: "", bootID: "", architecture: "", cpuModel: "")
private let capacity = HostCapacity(
  cpuMilli: 0, cpuLimitedBy: nowhere, cpus: CPUSet(), onlineCPUCount: 0, memoryBytes: 0,
  memoryLimitedBy: nowhere, memoryTotalBytes: 0, hugepageBytes: 0, numaNodes: [])

private func checkFolded(_ record: NVMLRecord) {
  let (gpus, notes) = GPUFolding.entries(of: record, catalogue: nil)
  guard gpus.count <= ProbeLimits.gpus, Set(gpus.map(\.index)).count == gpus.count else {
    fatalError("more GPUs than allowed, or two with one index")
  }
  let inventory = NodeInventory(
    host: host, capacity: capacity, nvml: record.status, gpus: gpus, cpuProfile: .notChecked,
    notes: notes, sources: [], elapsedNanoseconds: 0)
  for offer in inventory.gpuOffers where offer.partitions != nil {
    let slots = (offer.partitions ?? []).flatMap { part in
      part.placement.map { Array($0.start..<$0.start + $0.size) } ?? []
    }
    guard Set(slots).count == slots.count else { fatalError("slots are offered twice") }
  }
  guard !inventory.json().isEmpty, !inventory.table().isEmpty else { fatalError("nothing written") }
}
