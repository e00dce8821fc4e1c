internal import StrictJSON

/// Reads the lines of `RecordLines`. They come from a process that may have been killed at any byte
/// and that ran a vendor's library, so everything is bounded and nothing is believed unread.
enum RecordParser {
  /// Reads one line.
  ///
  /// - Throws: `JSONErrors` with what is wrong with it.
  static func part(_ line: [UInt8]) throws(JSONErrors) -> NVMLReader.Part {
    let limits = JSONLimits(
      documentBytesMax: ProbeLimits.recordLineBytes, depthMax: 8,
      arrayElementsMax: ProbeLimits.processes, objectMembersMax: 256, stringBytesMax: 16_384,
      numberBytesMax: 32, errorsMax: 4)
    return try JSONDocument(line, limits: limits).decode { root in
      try root.object { fields in
        let kind = fields.choice("part", ["head": 0, "gpu": 1, "pair": 2, "end": 3])
        switch try fields.take(kind) {
        case 0: return try head(&fields)
        case 1: return .gpu(try gpu(&fields))
        case 2: return .pair(try pair(&fields))
        default: return .end
        }
      }
    }
  }

  private static let codes: ClosedRange<Int64> = -1...Int64(Int32.max)
  private static let small: ClosedRange<Int64> = 0...Int64(UInt32.max)

  private static func head(_ fields: inout JSONFields) throws -> NVMLReader.Part {
    let version = fields.int64("version", in: RecordLines.version...RecordLines.version)
    let word = fields.string("status", 1...32)
    let path = fields.optionalString("path", 0...4096)
    let driver = fields.optionalString("driver", 1...512)
    let nvml = fields.optionalString("nvml", 1...512)
    let reason = fields.optionalString("reason", 0...4096)
    let code = fields.optionalInt64("code", in: codes)
    let cuda = fields.optionalInt64("cuda", in: 1...Int64(Int32.max))
    let count = fields.int64("count", in: small)
    _ = try version.value
    let place = (try path.value ?? "").printable
    let why = (try reason.value ?? "").printable
    let status: NVMLStatus
    switch try word.value {
    case "running":
      status = .running(
        path: place, driverVersion: try driver.value?.printable,
        nvmlVersion: try nvml.value?.printable)
    case "no_library": status = .noLibrary(reason: why)
    case "not_trusted": status = .notTrusted(path: place, reason: why)
    case "unfit_library": status = .unfitLibrary(path: place, reason: why)
    case "driver_failed":
      status = .driverFailed(
        path: place, code: Int32(clamping: try code.value ?? 999), reason: why)
    default: throw ProfileErrors(messages: ["a status that no library gives"])
    }
    return .head(
      status: status, cudaVersion: try cuda.value.map { Int($0) }, count: Int(try count.value))
  }

  private static func gpu(_ fields: inout JSONFields) throws -> GPURecord {
    let index = fields.int64("index", in: 0...Int64(ProbeLimits.gpus - 1))
    let code = fields.int64("code", in: codes)
    let facts = try facts(&fields)
    let cpus = fields.read("cpus", set)
    let nodes = fields.read("nodes", set)
    let processes = fields.read("processes") { value in
      try list(value, max: ProbeLimits.processes, process)
    }
    let samples = fields.read("samples") { value in
      try list(value, max: ProbeLimits.processes, sample)
    }
    let ports = fields.read("ports") { value in
      try list(value, max: ProbeLimits.ports) { try port($0) }
    }
    let instances = fields.optionalArray("instances", max: ProbeLimits.instances) { value in
      try value.object { try instance(&$0) }
    }
    let profiles = fields.array("profiles", max: ProbeLimits.instances) { value in
      try value.object { try profile(&$0) }
    }
    let accounting = fields.optionalArray("accounting", max: ProbeLimits.accounted, account)
    var record = GPURecord(index: Int(try index.value), handleCode: Int32(try code.value))
    record.facts = facts
    record.cpus = try cpus.value
    record.nodes = try nodes.value
    record.processes = try processes.value
    record.samples = try samples.value
    record.ports = try ports.value
    record.instances = try instances.value
    record.profiles = try profiles.value
    record.accounting = try accounting.value
    return record
  }

  private static func pair(_ fields: inout JSONFields) throws -> PairRecord {
    let one = fields.int64("one", in: 0...Int64(ProbeLimits.gpus - 1))
    let other = fields.int64("other", in: 0...Int64(ProbeLimits.gpus - 1))
    let ancestor = fields.optionalInt64("ancestor", in: small)
    let peer = fields.array("peer", min: 4, max: 4, number)
    return PairRecord(
      one: Int(try one.value), other: Int(try other.value),
      ancestor: try ancestor.value.map(UInt64.init), peer: try peer.value)
  }

  // MARK: parts of a GPU

  private static func facts(_ fields: inout JSONFields) throws -> DriverFacts {
    var facts = DriverFacts()
    let texts = fields.map("texts", max: GPUText.allCases.count) { key, value in
      guard let text = GPUText(rawValue: key) else {
        throw value.refuse("not a text that is asked for")
      }
      if value.kind == .object {
        return (text, Answer<String>(value: nil, code: try failure(value)))
      }
      return (text, Answer(value: try value.string(0...16_384).printable, code: 0))
    }
    let numbers = fields.map("numbers", max: GPUNumber.allCases.count) { key, value in
      guard let number = GPUNumber(rawValue: key) else {
        throw value.refuse("not a number that is asked for")
      }
      if value.kind == .object {
        return (number, Answer<UInt64>(value: nil, code: try failure(value)))
      }
      return (number, Answer(value: UInt64(try value.int64(in: 0...Int64.max)), code: 0))
    }
    for (text, answer) in try texts.value { facts.set(text, answer) }
    for (number, answer) in try numbers.value { facts.set(number, answer) }
    return facts
  }

  private static func failure(_ value: JSONValue) throws -> Int32 {
    try value.object { fields in
      let code = fields.int64("code", in: codes)
      return Int32(try code.value)
    }
  }

  private static func list<Element>(
    _ value: JSONValue, max: Int, _ body: (JSONValue) throws -> Element
  ) throws -> Answer<[Element]> {
    if value.kind == .object { return Answer(value: nil, code: try failure(value)) }
    return Answer(value: try value.array(max: max, body), code: 0)
  }

  private static func set(_ value: JSONValue) throws -> Answer<CPUSet> {
    if value.kind == .object { return Answer(value: nil, code: try failure(value)) }
    if value.kind == .null { return Answer(value: nil, code: 0) }
    guard let set = CPUSet(list: try value.string(0...16_384)) else {
      throw value.refuse("not a list of numbers")
    }
    return Answer(value: set, code: 0)
  }

  /// A whole number or null.
  private static func number(_ value: JSONValue) throws -> UInt64? {
    value.kind == .null ? nil : UInt64(try value.int64(in: 0...Int64.max))
  }

  private static func number32(_ value: JSONValue) throws -> UInt32? {
    value.kind == .null ? nil : UInt32(try value.int64(in: small))
  }

  /// The elements of an array of exactly `count`.
  private static func elements(_ value: JSONValue, _ count: Int) throws -> [JSONValue] {
    try value.array(min: count, max: count) { $0 }
  }

  private static func process(_ value: JSONValue) throws -> ProcessRecord {
    let parts = try elements(value, 5)
    let kinds: KeyValuePairs<String, ProcessRecord.Kind> = [
      "compute": .compute, "graphics": .graphics, "mps": .mps,
    ]
    return ProcessRecord(
      kind: try parts[0].choice(kinds), pid: try number32(parts[1]),
      usedBytes: try number(parts[2]), gpuInstance: try number32(parts[3]),
      computeInstance: try number32(parts[4]))
  }

  private static func sample(_ value: JSONValue) throws -> SampleRecord {
    let parts = try elements(value, 6)
    return SampleRecord(
      pid: UInt32(try parts[0].int64(in: small)),
      timestamp: UInt64(try parts[1].int64(in: 0...Int64.max)),
      multiprocessors: try number(parts[2]), memory: try number(parts[3]),
      encoder: try number(parts[4]), decoder: try number(parts[5]))
  }

  private static func port(_ value: JSONValue) throws -> PortRecord {
    let parts = try elements(value, 6)
    return PortRecord(
      port: Int(try parts[0].int64(in: 0...Int64(ProbeLimits.ports))),
      isActive: try parts[1].bool(), versionCode: try number(parts[2]),
      remoteType: try number(parts[3]),
      remoteBusID: parts[4].kind == .null ? nil : try parts[4].string(1...512).printable,
      errors: try number(parts[5]))
  }

  private static func instance(_ fields: inout JSONFields) throws -> InstanceRecord {
    let position = fields.int64("position", in: 0...Int64(ProbeLimits.instances))
    let code = fields.int64("code", in: codes)
    let facts = try facts(&fields)
    return InstanceRecord(
      position: Int(try position.value), handleCode: Int32(try code.value), facts: facts)
  }

  private static func profile(_ fields: inout JSONFields) throws -> InstanceProfileRecord {
    let id = fields.int64("id", in: small)
    let name = fields.optionalString("name", 1...512)
    let slices = fields.int64("slices", in: small)
    let instances = fields.int64("instances", in: small)
    let multiprocessors = fields.int64("multiprocessors", in: small)
    let memory = fields.int64("memory_mib", in: 0...Int64.max)
    let remaining = fields.optionalInt64("remaining", in: small)
    let places = fields.array("placements", max: ProbeLimits.placements) { value in
      let ends = try value.array(min: 2, max: 2) { UInt32(try $0.int64(in: small)) }
      return MIGPlacement(start: ends[0], size: ends[1])
    }
    return InstanceProfileRecord(
      id: UInt32(try id.value), name: try name.value?.printable,
      slices: UInt32(try slices.value), instances: UInt32(try instances.value),
      multiprocessors: UInt32(try multiprocessors.value), memoryMiB: UInt64(try memory.value),
      remaining: try remaining.value.map { UInt32($0) }, placements: try places.value)
  }

  private static func account(_ value: JSONValue) throws -> AccountingRecord {
    let parts = try elements(value, 5)
    return AccountingRecord(
      pid: UInt32(try parts[0].int64(in: small)), utilizationPercent: try number(parts[1]),
      memoryMaxBytes: try number(parts[2]), milliseconds: try number(parts[3]),
      isRunning: try parts[4].bool())
  }
}
