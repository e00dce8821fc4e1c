public import PoolAllocator
public import StrictJSON

/// A leader's reply to a message as an agent reads it.
public struct NodeReplyForm: Sendable {
  /// What the leader says.
  public let reply: NodeReply
  /// The names of the claims of its orders, as `tenant > claim`, by key.
  public let names: NameTable

  /// Reads a document of kind `node_reply`.
  /// - Throws: `JSONErrors` with every error of the document.
  public init(_ document: JSONDocument) throws(JSONErrors) {
    self = try document.decode { root in
      try root.object { fields in try NodeReplyForm(&fields) }
    }
  }

  private init(_ fields: inout JSONFields) throws {
    var reader = OrderReader()
    let head = try fields.head("node_reply")
    let epoch = fields.int64("epoch", in: 0...Int64(UInt32.max))
    let generation = fields.int64("generation", in: 0...Int64.max)
    let sequence = fields.int64("sequence", in: 0...Int64.max)
    let acceptedGeneration = fields.int64("accepted_generation", in: 0...Int64.max)
    let acceptedSequence = fields.int64("accepted_sequence", in: 0...Int64.max)
    let boot = fields.optional("boot") { try $0.key() }
    let started = fields.optionalInt64("started_ns", in: 0...Int64.max)
    let heard = fields.int64("heard_sequence", in: 0...Int64.max)
    let ask = fields.optional("ask") { try $0.reportAsk() }
    let orders = fields.optionalArray("orders", max: Limits.leasesPerNode) {
      try reader.order($0)
    }
    _ = try head.value
    var reply = NodeReply(
      epoch: UInt32(try epoch.value), generation: UInt64(try generation.value),
      sequence: UInt64(try sequence.value),
      acceptedGeneration: UInt64(try acceptedGeneration.value),
      acceptedSequence: UInt64(try acceptedSequence.value))
    reply.boot = try boot.value
    reply.started = try started.value
    reply.heardSequence = UInt64(try heard.value)
    reply.ask = try ask.value
    reply.orders = try orders.value
    self.reply = reply
    names = reader.names
  }
}

/// Reads orders, and keeps the names of their claims.
private struct OrderReader {
  private(set) var names = NameTable()
  private var known: Set<Fencing> = []

  mutating func order(_ value: JSONValue) throws -> LeaseOrder {
    try value.object { fields in
      let lease = fields.read("lease") { try $0.lease() }
      let fencing = fields.read("fencing") { try $0.fencing() }
      let verb = try self.verb(&fields)
      let killWithin = fields.read("kill_within_seconds") { try $0.exactSpan() }
      let claim = try self.claim(&fields, value)
      let devices = fields.array("devices", max: Limits.devicesPerNode) { try $0.share() }
      let cpu = fields.int64("cpu_milli", in: 0...Int64(Limits.deviceMilli))
      let memory = fields.int64("host_memory_bytes", in: 0...Limits.memoryMax.value)
      let restrictions = fields.array("restrictions", max: LeaseRestriction.allCases.count) {
        try $0.restriction()
      }
      let number = try fencing.value
      if !known.insert(number).inserted {
        try fields.fail("fencing", "two orders have this number", hint: "give each lease once")
      }
      var order = LeaseOrder(
        lease: try lease.value, fencing: number, verb: verb,
        killWithin: try killWithin.value, devices: try devices.value)
      order.claim = claim
      order.cpu = MilliCPU(Int32(try cpu.value))
      order.hostMemory = Bytes(try memory.value)
      order.restrictions = try restrictions.value.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
      return order
    }
  }

  /// Each verb has spans of its own.
  private func verb(_ fields: inout JSONFields) throws -> LeaseOrder.Verb {
    let word = fields.choice("op", ["start": 0, "run": 1, "stop": 2])
    switch try fields.take(word) {
    case 0:
      let within = fields.read("within_seconds") { try $0.exactSpan() }
      let runs = fields.read("runs_seconds") { try $0.exactSpan() }
      return .start(within: try fields.take(within), runs: try fields.take(runs))
    case 1:
      let until = fields.read("until_seconds") { try $0.exactSpan() }
      return .run(until: try fields.take(until))
    default:
      let within = fields.read("within_seconds") { try $0.exactSpan() }
      return .stop(within: try fields.take(within))
    }
  }

  /// The key of a claim, and its name where the leader knew it.
  private mutating func claim(_ fields: inout JSONFields, _ value: JSONValue) throws -> Key? {
    let key = fields.optional("claim_key") { try $0.key() }
    let tenant = fields.optionalName("tenant")
    let name = fields.optionalName("claim")
    let (hash, owner, word) = (
      try fields.take(key), try fields.take(tenant), try fields.take(name)
    )
    guard owner != nil || word != nil else { return hash }
    guard let owner, let word else {
      throw value.refuse("tenant and claim go together", hint: "give both or neither")
    }
    let path = NamePath.join(owner, word)
    guard hash == NameTable.key(.claim, path) else {
      throw value.refuse("claim_key is not the key of the claim", hint: "add the key of \(path)")
    }
    return try names.intern(.claim, path)
  }
}

extension JSONValue {
  fileprivate func share() throws(JSONAbandoned) -> DeviceShare {
    try object { fields in
      let device = fields.read("device") { try $0.key() }
      let milli = fields.int64("milli", in: 0...Int64(Limits.deviceMilli))
      let memory = fields.int64("memory_bytes", in: 0...Limits.memoryMax.value)
      return DeviceShare(
        device: try device.value, milli: MilliGPU(Int32(try milli.value)),
        memory: Bytes(try memory.value))
    }
  }

  fileprivate func restriction() throws(JSONAbandoned) -> LeaseRestriction {
    let word = try string(1...64)
    guard let known = LeaseRestriction.allCases.first(where: { $0.word == word }) else {
      throw refuse(
        "there is no restriction of this name", hint: "the agent may be older than its server")
    }
    return known
  }
}

extension JSONWriter {
  /// Writes a leader's reply.
  /// - Parameter names: knows the claims of the orders, as `tenant > claim`; one that it does not
  ///   know is written by its key alone.
  public mutating func nodeReply(_ reply: NodeReply, names: NameTable) {
    object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "node_reply")
      writer.int64("epoch", Int64(reply.epoch))
      writer.int64("generation", Int64(clamping: reply.generation))
      writer.int64("sequence", Int64(clamping: reply.sequence))
      writer.int64("accepted_generation", Int64(clamping: reply.acceptedGeneration))
      writer.int64("accepted_sequence", Int64(clamping: reply.acceptedSequence))
      if let boot = reply.boot { writer.string("boot", boot.wire) }
      if let started = reply.started { writer.int64("started_ns", started) }
      writer.int64("heard_sequence", Int64(clamping: reply.heardSequence))
      if let ask = reply.ask { writer.reportAsk("ask", ask) }
      guard let orders = reply.orders else { return }
      writer.array("orders") { writer in
        for order in orders { writer.order(order, names) }
      }
    }
  }

  private mutating func order(_ order: LeaseOrder, _ names: NameTable) {
    object { writer in
      writer.string("lease", order.lease.wire)
      writer.string("fencing", order.fencing.wire)
      switch order.verb {
      case .start(let within, let runs):
        writer.string("op", "start")
        writer.span("within_seconds", within)
        writer.span("runs_seconds", runs)
      case .run(let until):
        writer.string("op", "run")
        writer.span("until_seconds", until)
      case .stop(let within):
        writer.string("op", "stop")
        writer.span("within_seconds", within)
      }
      writer.span("kill_within_seconds", order.killWithin)
      if let claim = order.claim {
        writer.string("claim_key", claim.wire)
        if let parts = names.name(claim).flatMap(NamePath.parts) {
          writer.string("tenant", parts.first)
          writer.string("claim", parts.last)
        }
      }
      writer.array("devices") { writer in
        for share in order.devices {
          writer.object { writer in
            writer.string("device", share.device.wire)
            writer.int64("milli", Int64(share.milli.value))
            writer.int64("memory_bytes", share.memory.value)
          }
        }
      }
      writer.int64("cpu_milli", Int64(order.cpu.value))
      writer.int64("host_memory_bytes", order.hostMemory.value)
      writer.array("restrictions") { writer in
        for word in LeaseRestriction.words(order.restrictions) { writer.string(word) }
      }
    }
  }

  /// A span of seconds, exactly; one that is longer than any agent takes is written as the longest.
  private mutating func span(_ name: String, _ span: Span) {
    decimal(name, min(max(span.ns, 0), Amounts.exactSpanMax), digits: 9)
  }
}
