internal import AgentCore
internal import PoolAllocator
internal import PoolWire
internal import StrictJSON

/// The agent's record as a document. It names the hash of what it holds, so that a flipped bit of
/// the disk is seen like a missing one.
enum AgentRecordForm {
  static func bytes(_ record: AgentRecord) -> [UInt8] {
    let body = body(record)
    var writer = JSONWriter(.compact)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "agent_record")
      writer.string("hash", NameTable.key(.text, body.text).wire)
      if let document = try? JSONDocument(body.bytes) { writer.value("record", document.root) }
    }
    return writer.bytes + [UInt8(ascii: "\n")]
  }

  static func record(_ bytes: [UInt8]) throws(JSONErrors) -> AgentRecord {
    let document = try JSONDocument(bytes)
    return try document.decode { root in
      try root.object { fields in
        let head = try fields.head("agent_record")
        let hash = fields.read("hash") { try $0.key() }
        let record = fields.read("record") { value in
          var copy = JSONWriter(.compact)
          copy.value(value)
          return (try read(value), NameTable.key(.text, copy.text))
        }
        _ = try head.value
        let (result, found) = try record.value
        if found != (try hash.value) {
          try fields.fail("hash", "the record is not what was written", hint: "")
        }
        return result
      }
    }
  }

  private static func body(_ record: AgentRecord) -> JSONWriter {
    var writer = JSONWriter(.compact)
    writer.object { writer in
      writer.int64("number", Int64(clamping: record.number))
      writer.string("boot", record.boot.wire)
      writer.int64("generation", Int64(clamping: record.generation))
      writer.int64("epoch", Int64(record.epoch))
      writer.string("fencing_floor", record.fences.floor.wire)
      writer.array("fencing") { writer in
        for row in record.fences.rows {
          writer.object { writer in
            writer.string("device", row.device.wire)
            writer.string("highest", row.highest.wire)
          }
        }
      }
      writer.array("leases") { writer in
        for lease in record.leases { write(lease, &writer) }
      }
    }
    return writer
  }

  private static func write(_ lease: AgentLease, _ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("lease", lease.lease.wire)
      writer.string("fencing", lease.fencing.wire)
      writer.array("devices") { writer in
        for share in lease.devices {
          writer.object { writer in
            writer.string("device", share.device.wire)
            writer.int64("milli", Int64(share.milli.value))
            writer.int64("memory_bytes", share.memory.value)
          }
        }
      }
      writer.string("state", "\(lease.state)")
      writer.int64("ends_ns", lease.ends.ns)
      writer.int64("kill_within_ns", lease.killWithin.ns)
      writer.int64("kill_at_ns", lease.killAt.ns)
      if let ending = lease.ending { writer.string("ending", ending.word) }
    }
  }

  private static func read(_ value: JSONValue) throws -> AgentRecord {
    try value.object { fields in
      let number = fields.int64("number", in: 0...Int64.max)
      let boot = fields.read("boot") { try $0.key() }
      let generation = fields.int64("generation", in: 0...Int64.max)
      let epoch = fields.int64("epoch", in: 0...Int64(UInt32.max))
      let floor = fields.read("fencing_floor") { try $0.fencing() }
      let rows = fields.array("fencing", max: 2 * AgentLimits.fences) { try row($0) }
      let leases = fields.array("leases", max: AgentLimits.leases) { try lease($0) }
      return AgentRecord(
        number: UInt64(try number.value), boot: try boot.value,
        generation: UInt64(try generation.value), epoch: UInt32(try epoch.value),
        fences: FencingTable(rows: try rows.value, floor: try floor.value),
        leases: try leases.value)
    }
  }

  private static func row(_ value: JSONValue) throws -> FencingTable.Row {
    try value.object { fields in
      let device = fields.read("device") { try $0.key() }
      let highest = fields.read("highest") { try $0.fencing() }
      return FencingTable.Row(device: try device.value, highest: try highest.value)
    }
  }

  private static func lease(_ value: JSONValue) throws -> AgentLease {
    try value.object { fields in
      let lease = fields.read("lease") { try $0.lease() }
      let fencing = fields.read("fencing") { try $0.fencing() }
      let devices = fields.array("devices", max: Limits.devicesPerNode) { try share($0) }
      let state = fields.choice("state", states)
      let ends = fields.int64("ends_ns")
      let within = fields.int64("kill_within_ns", in: 0...Int64.max)
      let killAt = fields.int64("kill_at_ns")
      let ending = fields.optional("ending") { value in
        guard let ending = LeaseEnding(word: try value.string(1...32)) else {
          throw value.refuse("there is no ending of this name")
        }
        return ending
      }
      return AgentLease(
        lease: try lease.value, fencing: try fencing.value, devices: try devices.value,
        state: try state.value, ends: BootTime(ns: try ends.value),
        killWithin: Span(ns: try within.value), killAt: BootTime(ns: try killAt.value),
        ending: try ending.value)
    }
  }

  private static var states: KeyValuePairs<String, AgentLeaseState> {
    [
      "preparing": .preparing, "starting": .starting, "unsure": .unsure, "running": .running,
      "stopping": .stopping, "killing": .killing, "gone": .gone,
    ]
  }

  private static func share(_ value: JSONValue) throws -> DeviceShare {
    try value.object { fields in
      let device = fields.read("device") { try $0.key() }
      let milli = fields.int64("milli", in: 0...Int64(Limits.deviceMilli))
      let memory = fields.int64("memory_bytes", in: 0...Limits.memoryMax.value)
      return DeviceShare(
        device: try device.value, milli: MilliGPU(Int32(try milli.value)),
        memory: Bytes(try memory.value))
    }
  }
}
