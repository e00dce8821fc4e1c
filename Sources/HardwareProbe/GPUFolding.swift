/// Turns what NVML said into entries of an inventory. Pure: the same record gives the same entries.
enum GPUFolding {
  /// The GPUs of a record, ascending by index, and remarks on the record as a whole.
  ///
  /// - Parameter deadlineMilliseconds: For the words of a GPU that did not answer in time.
  static func entries(
    of record: NVMLRecord, catalogue: ProfileCatalogue?, deadlineMilliseconds: Int = 0
  ) -> (gpus: [GPUEntry], notes: [String]) {
    var notes: [String] = []
    let count = min(record.count, ProbeLimits.gpus)
    if record.count > count {
      notes.append("NVML counts \(record.count) GPUs, only the first \(count) are asked")
    }
    var gpus: [GPUEntry] = []
    var seen: [String: Int] = [:]
    for gpu in record.gpus.sorted(by: { $0.index < $1.index }) {
      guard gpu.index != gpus.last?.index else { continue }
      var entry = entry(of: gpu)
      if let uuid = entry.uuid {
        if let twin = seen[uuid] { entry.state = .unusable(reason: "same UUID as GPU \(twin)") }
        seen[uuid] = seen[uuid] ?? entry.index
      }
      entry.profile = profile(of: entry, in: catalogue)
      bill(&entry, catalogue)
      gpus.append(entry)
    }
    fillGaps(&gpus, count: count, record, deadlineMilliseconds)
    link(&gpus, record)
    if !record.isComplete && count > 0 {
      notes.append("the driver stopped answering before everything was asked")
    }
    return (gpus, notes)
  }

  /// GPUs that were counted but gave no answer are entries too.
  private static func fillGaps(
    _ gpus: inout [GPUEntry], count: Int, _ record: NVMLRecord, _ deadline: Int
  ) {
    guard case .running = record.status else { return }
    let known = Set(gpus.map(\.index))
    for index in 0..<count where !known.contains(index) {
      let reason =
        record.silent.contains(index)
        ? "the driver did not come back from this GPU"
        : "no answer from the driver within \(deadline) ms"
      gpus.append(
        GPUEntry(
          index: index, uuid: nil, name: nil, memory: nil, state: .unknown(reason: reason),
          profile: .unknown(reason: "the GPU did not answer", candidates: [])))
      gpus[gpus.count - 1].vendor = "nvidia"
    }
    gpus.sort { $0.index < $1.index }
  }

  private static func entry(of gpu: GPURecord) -> GPUEntry {
    let facts = gpu.facts
    var entry = GPUEntry(
      index: gpu.index, uuid: facts[.uuid], name: facts[.name], memory: memory(facts),
      state: .usable, profile: .notChecked)
    entry.vendor = "nvidia"
    entry.serial = facts[.serial]
    entry.boardPartNumber = facts[.partNumber]
    entry.sharesHostMemory = GPURules.sharesHostMemory(facts)
    if let major = facts[.computeMajor], let minor = facts[.computeMinor] {
      entry.computeCapability = "\(major).\(minor)"
    }
    entry.pciBusID = facts[.busID]
    if let device = facts[.pciDevice], device != 0 {
      entry.pci = PCIIdentity(
        nvmlDevice: UInt32(clamping: device),
        nvmlSubsystem: UInt32(clamping: facts[.pciSubsystem] ?? 0))
    }
    entry.numaNode = gpu.nodes.value?.members.first
    entry.memoryNode = facts[.memoryNode].flatMap(node)
    entry.cpus = gpu.cpus.value
    entry.mig = MIGFolding.state(of: gpu)
    entry.links = gpu.ports.value.map(links)
    entry.processes = gpu.processes.value.map { processes($0, gpu.samples.value ?? []) }
    entry.readings = readings(of: gpu)
    entry.late = late(gpu.facts)
    for (name, code, age) in [
      ("cpus", gpu.cpus.code, gpu.cpus.ageMilliseconds),
      ("numa_node", gpu.nodes.code, gpu.nodes.ageMilliseconds),
      ("processes", gpu.processes.code, gpu.processes.ageMilliseconds),
      ("process_utilization", gpu.samples.code, gpu.samples.ageMilliseconds),
      ("links", gpu.ports.code, gpu.ports.ageMilliseconds),
    ] where NVMLReturn(code: code).meaning == .later {
      entry.late.append(lateReading(name, code, age))
    }
    entry.state = GPURules.state(of: gpu, entry: entry)
    let codes = [gpu.handleCode, facts.fatalCode ?? 0]
    entry.isLost = codes.contains { NVMLReturn(code: $0).isLost }
    entry.warnings = GPURules.warnings(of: gpu, entry: entry)
    return entry
  }

  static func late(_ facts: DriverFacts) -> [LateReading] {
    facts.late.map { lateReading($0.name, $0.code, $0.ageMilliseconds) }
  }

  private static func lateReading(_ name: String, _ code: Int32, _ age: UInt64?) -> LateReading {
    LateReading(name: name, reason: NVMLReturn(code: code).description, ageMilliseconds: age)
  }

  static func memory(_ facts: DriverFacts) -> GPUMemory? {
    guard let total = facts[.memoryTotal] else { return nil }
    return GPUMemory(
      totalBytes: total, usedBytes: facts[.memoryUsed], reservedBytes: facts[.memoryReserved])
  }

  private static func node(_ number: UInt64) -> Int? {
    number <= UInt64(ProbeLimits.identifier) ? Int(number) : nil
  }

  /// One entry for each process and instance: one that computes and draws is in both of the
  /// driver's lists, with its memory in both. Without a number nobody can be recognised.
  private static func processes(
    _ records: [ProcessRecord], _ samples: [SampleRecord]
  ) -> [GPUProcess] {
    let loads = Dictionary(samples.map { ($0.pid, $0) }, uniquingKeysWith: { first, _ in first })
    struct Key: Hashable { var pid, instance, compute: UInt32? }
    var positions: [Key: Int] = [:]
    var found: [(process: GPUProcess, kinds: Set<ProcessRecord.Kind>)] = []
    for record in records {
      let key = Key(
        pid: record.pid, instance: record.gpuInstance, compute: record.computeInstance)
      if record.pid != nil, let index = positions[key] {
        found[index].kinds.insert(record.kind)
        let bytes = [found[index].process.usedBytes, record.usedBytes].compactMap { $0 }.max()
        found[index].process.usedBytes = bytes
        continue
      }
      positions[key] = found.count
      let process = GPUProcess(
        kind: "", pid: record.pid, usedBytes: record.usedBytes, gpuInstance: record.gpuInstance,
        computeInstance: record.computeInstance)
      found.append((process, [record.kind]))
    }
    return found.map { process, kinds in
      var process = process
      process.kind = ProcessRecord.Kind.allCases.filter(kinds.contains).map(\.rawValue)
        .joined(separator: "+")
      let load = process.pid.flatMap { loads[$0] }
      process.utilizationPercent = load?.multiprocessors
      process.memoryUtilizationPercent = load?.memory
      process.encoderPercent = load?.encoder
      process.decoderPercent = load?.decoder
      return process
    }
  }

  private static func profile(
    of entry: GPUEntry, in catalogue: ProfileCatalogue?
  ) -> ProfileMatch {
    guard let catalogue else { return .notChecked }
    let facts = DeviceFacts(
      name: entry.name, pci: entry.pci, computeCapability: entry.computeCapability,
      memoryMiB: entry.memory.map { $0.totalBytes >> 20 })
    return ProfileMatcher.gpu(facts, among: catalogue.profiles)
  }

  /// What the profile says of the partitions that there are.
  private static func bill(_ entry: inout GPUEntry, _ catalogue: ProfileCatalogue?) {
    guard let name = entry.profile.name, let instances = entry.mig.instances,
      let slices = catalogue?.profile(named: name)?.migSlices
    else { return }
    entry.mig.instances = instances.map { instance in
      var instance = instance
      instance.billedMilli = slices.first { $0.name == instance.profile }?.billedMilli
      return instance
    }
  }

  /// Numbers that have no field of their own in an entry.
  private static let shown: [GPUNumber] = GPUNumber.allCases.filter { number in
    switch number {
    case .memoryTotal, .memoryUsed, .memoryReserved, .computeMajor, .computeMinor, .pciDevice,
      .pciSubsystem, .memoryNode, .migMode, .migPending, .gpuInstance, .computeInstance,
      .gpuSlices, .computeSlices, .multiprocessors, .instanceMemory, .profileID, .placementStart,
      .placementSize, .architecture, .clockReasons, .recoveryAction, .fabricState, .computeMode:
      false
    default: true
    }
  }

  /// The names of all numbers that readings may hold, ascending.
  static let readingNames = shown.map(\.rawValue).sorted()

  private static func readings(of gpu: GPURecord) -> GPUReadings {
    var readings = GPUReadings()
    readings.numbers = shown.compactMap { number in
      gpu.facts[number].map { (number.rawValue, $0) }
    }.sorted { $0.0 < $1.0 }
    readings.architecture = gpu.facts[.architecture].map(GPUWords.architecture)
    readings.clockReasons = gpu.facts[.clockReasons].map(GPUWords.clockReasons)
    readings.recoveryAction = gpu.facts[.recoveryAction].map(GPUWords.recoveryAction)
    readings.fabricCluster = gpu.facts[.cluster]
    readings.fabricState = gpu.facts[.fabricState].map(GPUWords.fabricState)
    readings.computeMode = gpu.facts[.computeMode].map(GPUWords.computeMode)
    readings.accounting = gpu.accounting?.map { record in
      GPUAccounting(
        pid: record.pid, utilizationPercent: record.utilizationPercent,
        memoryMaxBytes: record.memoryMaxBytes, milliseconds: record.milliseconds,
        isRunning: record.isRunning)
    }
    return readings
  }
}

// MARK: links

extension GPUFolding {
  /// Active ports, those with the same other end together; other GPUs are still without an index.
  private static func links(_ ports: [PortRecord]) -> [GPULink] {
    var links: [GPULink] = []
    for port in ports where port.isActive {
      let remote = GPUWords.remote(port.remoteType)
      // Switches of one node are many PCI devices; what counts is that the ports lead to them.
      let end = remote == .gpu ? busKey(port.remoteBusID) : nil
      let version = port.versionCode.flatMap(GPUWords.linkVersion)
      let position =
        links.firstIndex { $0.remote == remote && $0.uuid == end && $0.version == version }
        ?? links.count
      if position == links.count {
        var link = GPULink(remote: remote, uuid: end)
        link.ports = 0
        link.version = version
        links.append(link)
      }
      links[position].ports = (links[position].ports ?? 0) + 1
      if let errors = port.errors {
        links[position].errors = min(
          CapacityRules.sum([links[position].errors ?? 0, errors]), UInt64(Int64.max))
      }
    }
    return links
  }

  /// A bus id in a form that compares: NVML writes domains with four or eight digits.
  private static func busKey(_ text: String?) -> String? {
    text.map { PCIAddress($0)?.nvmlForm ?? $0 }
  }

  /// Gives links between GPUs their index and what is known of the pair.
  private static func link(_ gpus: inout [GPUEntry], _ record: NVMLRecord) {
    let positions = Dictionary(
      gpus.enumerated().compactMap { position, gpu in
        busKey(gpu.pciBusID).map { ($0, position) }
      }, uniquingKeysWith: { first, _ in first })
    let uuids = Dictionary(
      gpus.map { ($0.index, $0.uuid) }, uniquingKeysWith: { first, _ in first })
    var pairs: [Int: [(other: Int, pair: PairRecord)]] = [:]
    for pair in record.pairs {
      pairs[pair.one, default: []].append((pair.other, pair))
      pairs[pair.other, default: []].append((pair.one, pair))
    }
    for position in gpus.indices {
      let own = gpus[position]
      let hasPorts = own.links != nil
      var links = (own.links ?? []).map { link in
        var link = link
        guard link.remote == .gpu else { return link }
        let other = link.uuid.flatMap { positions[$0] }
        link.index = other.map { gpus[$0].index }
        link.uuid = other.flatMap { gpus[$0].uuid }
        return link
      }
      for (other, pair) in pairs[own.index] ?? [] {
        let index = links.firstIndex { $0.remote == .gpu && $0.index == other } ?? links.count
        if index == links.count {
          var link = GPULink(remote: .gpu, index: other, uuid: uuids[other] ?? nil)
          link.ports = hasPorts ? 0 : nil
          links.append(link)
        }
        join(&links[index], pair)
      }
      gpus[position].links = hasPorts || !links.isEmpty ? links.sorted(by: precedes) : nil
    }
  }

  private static func join(_ link: inout GPULink, _ pair: PairRecord) {
    link.path = pair.ancestor.flatMap(GPUWords.path)
    func can(_ kind: Int) -> Bool? {
      kind < pair.peer.count ? pair.peer[kind].map { $0 == 0 } : nil
    }
    link.canRead = can(0)
    link.canWrite = can(1)
    link.overNVLink = can(2)
    link.atomics = can(3)
  }

  private static func precedes(_ left: GPULink, _ right: GPULink) -> Bool {
    let order: [GPULink.Remote] = [.nvswitch, .gpu, .npu, .unknown]
    let places = [left, right].map { link in
      (order.firstIndex(of: link.remote) ?? order.count, link.index ?? Int.max)
    }
    return places[0] < places[1]
  }
}
