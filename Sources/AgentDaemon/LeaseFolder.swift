internal import AgentCore
internal import PoolAllocator
internal import PoolWire
internal import StrictJSON

/// How a lease came to its end on this node; once written, nothing more is started under it.
enum LeaseEnd: String, Sendable {
  /// It was told to end.
  case told
  /// Its work ended by itself, all of it with 0.
  case completed
  /// Its work ended by itself, not all of it with 0.
  case failed
}

/// The folder of one lease: what was granted, what was started under it, and how it ended.
///
/// Whoever starts work writes that it is there, then looks whether the lease has ended; whoever
/// ends the lease writes that, then looks what work is there. So one of the two sees the other.
struct LeaseFolder: Sendable {
  let path: String
  let fencing: Fencing

  /// The folder of a fencing number below that of the leases.
  init(_ fencing: Fencing, in leases: String) {
    path = "\(leases)/\(fencing.wire)"
    self.fencing = fencing
  }

  /// Whether it is there: whole, for it gets its name last.
  var isThere: Bool { Files.exists(path + "/lease.json") }

  // MARK: what was granted

  /// A device of a lease by the name that programs know.
  struct Device: Equatable, Sendable {
    var uuid: String
    var isGPU: Bool
    var share: DeviceShare
  }

  /// Makes the folder, durably and in one step; one that is there stays.
  static func make(
    _ order: LeaseOrder, devices: [Device], claim: (first: String, last: String)?, boot: String,
    in leases: String
  ) throws(StateError) {
    let folder = LeaseFolder(order.fencing, in: leases)
    if folder.isThere { return }
    let temporary = "\(leases)/.\(order.fencing.wire).new"
    Files.remove(temporary)
    Files.remove(folder.path)
    try Files.makeFolder(temporary)
    try Files.makeFolder(temporary + "/work")
    let text = document(order, devices, claim, boot)
    try Files.put(text.bytes + [UInt8(ascii: "\n")], temporary + "/lease.json")
    let lines = variables(devices).map { "export \($0.name)=\(quoted($0.value))\n" }.joined()
    try Files.put(Array(lines.utf8), temporary + "/env")
    try Files.sync(temporary)
    try Files.rename(temporary, to: folder.path)
    try Files.sync(leases)
  }

  private static func document(
    _ order: LeaseOrder, _ devices: [Device], _ claim: (first: String, last: String)?,
    _ boot: String
  ) -> JSONWriter {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "lease")
      writer.string("lease", order.lease.wire)
      writer.string("fencing", order.fencing.wire)
      writer.string("boot_id", boot)
      if let claim {
        writer.string("tenant", claim.first)
        writer.string("claim", claim.last)
      }
      writer.array("devices") { writer in
        for device in devices {
          writer.object { writer in
            writer.string("uuid", device.uuid)
            writer.string("kind", device.isGPU ? "gpu" : "cpu")
            writer.int64("milli", Int64(device.share.milli.value))
            writer.int64("memory_bytes", device.share.memory.value)
          }
        }
      }
      writer.int64("cpu_milli", Int64(order.cpu.value))
      writer.int64("host_memory_bytes", order.hostMemory.value)
      writer.array("restrictions") { writer in
        for word in LeaseRestriction.words(order.restrictions) { writer.string(word) }
      }
    }
    return writer
  }

  /// The variables by which work is told its GPUs. Without any it is told so: unset would mean all.
  static func variables(_ devices: [Device]) -> [(name: String, value: String)] {
    let uuids = devices.filter(\.isGPU).map(\.uuid).joined(separator: ",")
    return [
      ("CUDA_VISIBLE_DEVICES", uuids), ("NVIDIA_VISIBLE_DEVICES", uuids.isEmpty ? "void" : uuids),
    ]
  }

  /// A word as a shell takes it for one.
  static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      + "'"
  }

  /// What is read back of a lease.
  struct Granted: Equatable, Sendable {
    var lease: LeaseID
    var boot: String
    var devices: [Device]
  }

  /// What was granted; nil where the folder is gone.
  func granted() throws(StateError) -> Granted? {
    guard let bytes = try Files.read(path + "/lease.json") else { return nil }
    do {
      return try JSONDocument(bytes).decode { root in try root.object { try Self.granted(&$0) } }
    } catch {
      throw StateError("\(path)/lease.json is damaged")
    }
  }

  private static func granted(_ fields: inout JSONFields) throws -> Granted {
    let head = try fields.head("lease")
    let lease = fields.read("lease") { try $0.lease() }
    let boot = fields.name("boot_id")
    let devices = fields.array("devices", max: Limits.devicesPerNode) { value in
      try value.object { fields in
        let uuid = fields.name("uuid")
        let kind = fields.choice("kind", ["gpu": true, "cpu": false])
        let milli = fields.int64("milli", in: 0...Int64(Limits.deviceMilli))
        let memory = fields.int64("memory_bytes", in: 0...Limits.memoryMax.value)
        let name = try uuid.value
        return Device(
          uuid: name, isGPU: try kind.value,
          share: DeviceShare(
            device: NameTable.key(.device, name), milli: MilliGPU(Int32(try milli.value)),
            memory: Bytes(try memory.value)))
      }
    }
    // The rest is for people and programs, not for us.
    fields.ignoreUnknownKeys()
    _ = try head.value
    return Granted(lease: try lease.value, boot: try boot.value, devices: try devices.value)
  }

  // MARK: how it ended

  /// How it ended; nil where it did not.
  var end: LeaseEnd? {
    guard let bytes = try? Files.read(path + "/end", upTo: 64) else { return nil }
    let word = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first
    // A file that says nothing is there all the same: nothing may be started.
    return LeaseEnd(rawValue: word.map(String.init) ?? "") ?? .told
  }

  /// Writes how it ended.
  func mark(_ end: LeaseEnd) throws(StateError) {
    try Files.write(Array("\(end.rawValue)\n".utf8), to: "end", in: path)
  }

  /// Takes back that it ended.
  func unmark() { Files.remove(path + "/end") }

  // MARK: what was started under it

  private var work: String { path + "/work" }

  /// Everything that was started under it. A file that cannot be read is of nobody: it was never
  /// whole, so its command was never let go.
  func works() -> [Work] {
    Files.names(in: work).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.compactMap {
      guard let bytes = try? Files.read("\(work)/\($0)") else { return nil }
      return try? Work(bytes)
    }
  }

  /// Notes that something is about to be started.
  func register(_ started: Work) throws(StateError) {
    try Files.write(started.bytes, to: started.name + ".json", in: work)
  }

  /// Forgets something that was not started after all.
  func forget(_ started: Work) {
    Files.remove("\(work)/\(started.name).json")
  }

  /// Writes with which code something ended.
  func exited(_ started: Work, _ code: Int32) throws(StateError) {
    try Files.write(Array("\(code)\n".utf8), to: started.name + ".exit", in: work)
  }

  /// With which code something ended; nil where nobody wrote it.
  func exit(of started: Work) -> Int32? {
    guard let bytes = try? Files.read("\(work)/\(started.name).exit", upTo: 64) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first
    return text.flatMap { Int32($0) }
  }
}
