internal import StrictJSON

/// The lines by which a child process tells what NVML said: one JSON object a line, a head, then
/// GPUs and pairs as they are learnt, then an end. Private to one version of the program.
enum RecordLines {
  /// Refuses lines of another version of the program.
  static let version: Int64 = 1

  /// A part as one line without its newline.
  static func line(_ part: NVMLReader.Part) -> [UInt8] {
    var writer = JSONWriter(.compact)
    writer.object { writer in
      switch part {
      case .head(let status, let cudaVersion, let count):
        writer.string("part", "head")
        writer.int64("version", version)
        head(status, &writer)
        if let cudaVersion { writer.int64("cuda", Int64(cudaVersion)) }
        writer.int64("count", Int64(count))
      case .gpu(let record):
        writer.string("part", "gpu")
        gpu(record, &writer)
      case .pair(let record):
        writer.string("part", "pair")
        writer.int64("one", Int64(record.one))
        writer.int64("other", Int64(record.other))
        optional("ancestor", record.ancestor, &writer)
        writer.array("peer") { writer in
          for status in record.peer { element(status, &writer) }
        }
      case .end: writer.string("part", "end")
      }
    }
    return writer.bytes
  }

  private static func head(_ status: NVMLStatus, _ writer: inout JSONWriter) {
    writer.string("status", status.word)
    switch status {
    case .running(let path, let driver, let nvml):
      writer.string("path", path)
      if let driver { writer.string("driver", driver) }
      if let nvml { writer.string("nvml", nvml) }
    case .noLibrary(let reason), .askerFailed(let reason): writer.string("reason", reason)
    case .notTrusted(let path, let reason), .unfitLibrary(let path, let reason):
      writer.string("path", path)
      writer.string("reason", reason)
    case .driverFailed(let path, let code, let reason):
      writer.string("path", path)
      writer.string("reason", reason)
      writer.int64("code", Int64(code))
    case .notAsked, .late, .described: break
    }
  }

  private static func gpu(_ record: GPURecord, _ writer: inout JSONWriter) {
    writer.int64("index", Int64(record.index))
    writer.int64("code", Int64(record.handleCode))
    facts(record.facts, &writer)
    set("cpus", record.cpus, &writer)
    set("nodes", record.nodes, &writer)
    list("processes", record.processes, &writer) { process, writer in
      writer.string(process.kind.rawValue)
      element(process.pid.map(UInt64.init), &writer)
      element(process.usedBytes, &writer)
      element(process.gpuInstance.map(UInt64.init), &writer)
      element(process.computeInstance.map(UInt64.init), &writer)
    }
    list("samples", record.samples, &writer) { sample, writer in
      writer.int64(Int64(sample.pid))
      writer.int64(Int64(clamping: sample.timestamp))
      for percent in [sample.multiprocessors, sample.memory, sample.encoder, sample.decoder] {
        element(percent, &writer)
      }
    }
    list("ports", record.ports, &writer) { port, writer in
      writer.int64(Int64(port.port))
      writer.bool(port.isActive)
      element(port.versionCode, &writer)
      element(port.remoteType, &writer)
      if let bus = port.remoteBusID { writer.string(bus) } else { writer.null() }
      element(port.errors, &writer)
    }
    if let instances = record.instances {
      writer.array("instances") { writer in
        for instance in instances {
          writer.object { writer in
            writer.int64("position", Int64(instance.position))
            writer.int64("code", Int64(instance.handleCode))
            facts(instance.facts, &writer)
          }
        }
      }
    }
    writer.array("profiles") { writer in
      for profile in record.profiles { writer.object { write(profile, &$0) } }
    }
    guard let accounting = record.accounting else { return }
    writer.array("accounting") { writer in
      for entry in accounting {
        writer.array { writer in
          writer.int64(Int64(entry.pid))
          element(entry.utilizationPercent, &writer)
          element(entry.memoryMaxBytes, &writer)
          element(entry.milliseconds, &writer)
          writer.bool(entry.isRunning)
        }
      }
    }
  }

  private static func write(_ profile: InstanceProfileRecord, _ writer: inout JSONWriter) {
    writer.int64("id", Int64(profile.id))
    if let name = profile.name { writer.string("name", name) }
    writer.int64("slices", Int64(profile.slices))
    writer.int64("instances", Int64(profile.instances))
    writer.int64("multiprocessors", Int64(profile.multiprocessors))
    writer.int64("memory_mib", Int64(clamping: profile.memoryMiB))
    optional("remaining", profile.remaining.map(UInt64.init), &writer)
    writer.array("placements") { writer in
      for place in profile.placements {
        writer.array { writer in
          writer.int64(Int64(place.start))
          writer.int64(Int64(place.size))
        }
      }
    }
  }

  /// A value as itself, a failure as its code.
  private static func facts(_ facts: DriverFacts, _ writer: inout JSONWriter) {
    writer.object("texts") { writer in
      for text in GPUText.allCases {
        guard let answer = facts.texts[text] else { continue }
        writer.key(text.rawValue)
        if let value = answer.value {
          writer.string(value)
        } else {
          failure(answer.code, &writer)
        }
      }
    }
    writer.object("numbers") { writer in
      for number in GPUNumber.allCases {
        guard let answer = facts.numbers[number] else { continue }
        writer.key(number.rawValue)
        if let value = answer.value {
          writer.int64(Int64(clamping: value))
        } else {
          failure(answer.code, &writer)
        }
      }
    }
  }

  private static func failure(_ code: Int32, _ writer: inout JSONWriter) {
    writer.object { $0.int64("code", Int64(code)) }
  }

  /// A mask as its list, a failure as its code; a driver that says none as null.
  private static func set(_ name: String, _ answer: Answer<CPUSet>, _ writer: inout JSONWriter) {
    writer.key(name)
    if let value = answer.value {
      writer.string(value.list)
    } else if answer.code == 0 {
      writer.null()
    } else {
      failure(answer.code, &writer)
    }
  }

  private static func list<Element>(
    _ name: String, _ answer: Answer<[Element]>, _ writer: inout JSONWriter,
    _ body: (Element, inout JSONWriter) -> Void
  ) {
    writer.key(name)
    guard let elements = answer.value else { return failure(answer.code, &writer) }
    writer.array { writer in
      for element in elements { writer.array { body(element, &$0) } }
    }
  }

  private static func optional(_ name: String, _ value: UInt64?, _ writer: inout JSONWriter) {
    if let value { writer.int64(name, Int64(clamping: value)) }
  }

  private static func element(_ value: UInt64?, _ writer: inout JSONWriter) {
    if let value { writer.int64(Int64(clamping: value)) } else { writer.null() }
  }
}
