@testable import PoolAllocator

/// Words of a line turned into a command.
extension TableRunner {
  /// The command of a line; nil where the verb is not one.
  mutating func command(_ verb: String, _ words: [String]) throws -> Command? {
    var options = TableOptions(words.dropFirst())
    let name = words.first ?? ""
    let command: Command
    switch verb {
    case "tick": command = .tick
    case "begin": command = .begin(epoch: try TableValue.int(name))
    case "activate":
      generation += 1
      if !name.isEmpty { generation = try TableValue.int(name) }
      command = .activate(PolicyGeneration(generation), policy.compiled())
    case "signal":
      let value = try options.take("milli") { text -> Int64 in try TableValue.int(text) }
      command = .signal(
        .measured(
          Measurement(
            measure: try TableValue.key(name), subject: try TableValue.key("subject"),
            milli: value ?? 0)))
    case "dependency":
      let state: DependencyState =
        words.last == "up" ? .up : words.last == "down" ? .down : .degraded
      _ = options.flag("up") || options.flag("down") || options.flag("degraded")
      command = .reportDependency(try TableValue.key(name), state)
    case "correct": command = .signal(.corrected(try correction(name, &options)))
    case "restrict", "lift":
      command = try restriction(verb, words)
      return command
    case "submit": command = .submit(try claim(name, &options))
    case "quote":
      let lasts = try options.take("lasts", TableValue.span)
      let claim = options.take("as") ?? name
      command = .quote(try TableValue.key(name), try self.claim(claim, &options), lasts: lasts)
    case "cancel": command = .cancel(try claimID(name))
    case "approve", "deny":
      let by = try options.take("by", TableValue.key) ?? TableValue.key("ann")
      let plan = try options.take("plan", TableValue.key) ?? TableValue.key("plan")
      command =
        verb == "deny"
        ? .deny(try claimID(name), by: by) : .approve(try claimID(name), by: by, plan: plan)
    case "delegate": command = .delegate(try delegation(name, &options))
    case "raise": command = try raise(name, &options)
    case "revoke": command = .revoke(try TableValue.key(name))
    case "hear": command = .hear(try node(name))
    case "silence": command = .silence(try node(name))
    case "cordon": command = .cordon(try node(name))
    case "uncordon": command = .uncordon(try node(name))
    case "fence": command = .fence(try node(name))
    case "forget": command = .forget(try node(name))
    case "drain":
      let by = try options.take("by", TableValue.ns) ?? clock
      command = .drain(try node(name), deadline: Instant(ns: by))
    case "started", "renew", "checkpoint", "release", "empty":
      command = try leaseOrder(verb, name, &options)
    case "enrol": command = try enrolment(name, &options)
    case "report": command = try report(name, &options)
    default: return nil
    }
    try options.finish()
    return command
  }

  /// `nowhere` is a node, `nothing` a claim or lease, that never was.
  private func node(_ name: String) throws -> NodeID {
    if name == "nowhere" { return NodeID(row: 999, generation: 1) }
    guard let id = nodes[name] else { throw TableError("no node \(name)") }
    return id
  }

  private func claimID(_ name: String) throws -> ClaimID {
    if name == "nothing" { return ClaimID(row: 999, generation: 1) }
    guard let id = claimIDs[name] else { throw TableError("no claim \(name)") }
    return id
  }

  // MARK: leases

  /// `fence=2.1` or `fence=c1#1` gives another fencing number than the lease's.
  private func leaseOrder(
    _ verb: String, _ name: String, _ options: inout TableOptions
  ) throws -> Command {
    var grant = TableGrant(lease: LeaseID(row: 999, generation: 1), fencing: Fencing(raw: 0))
    if name != "nothing" { grant = try names.grant(name) }
    if let fence = options.take("fence") {
      let parts = fence.split(separator: ".")
      if parts.count == 2, let epoch = UInt32(parts[0]), let sequence = UInt64(parts[1]) {
        grant.fencing = Fencing(epoch: epoch, sequence: sequence)
      } else {
        grant.fencing = try names.grant(fence).fencing
      }
    }
    switch verb {
    case "started": return .confirmStarted(grant.lease, grant.fencing)
    case "renew": return .renew(grant.lease, grant.fencing)
    case "checkpoint": return .confirmCheckpoint(grant.lease, grant.fencing)
    case "empty": return .confirmEmpty(grant.lease, grant.fencing)
    default:
      let outcome: Outcome =
        options.flag("lost") ? .lost : options.flag("failed") ? .failed : .completed
      return .release(grant.lease, grant.fencing, outcome)
    }
  }

  // MARK: nodes

  private mutating func enrolment(_ name: String, _ options: inout TableOptions) throws -> Command {
    var machine = machines[name] ?? TableMachine(name: name)
    try machine.readEnrolment(&options)
    machines[name] = machine
    return .enrol(try machine.enrolment())
  }

  /// `living=none`, `living=c1,c2#1`; without it, every lease that the pool has on the node.
  private mutating func report(_ name: String, _ options: inout TableOptions) throws -> Command {
    let id = try node(name)
    var machine = machines[name] ?? TableMachine(name: name)
    var living: [Fencing] = []
    if let list = options.take("living") {
      if list != "none" {
        living = try list.split(separator: ",").map { try names.grant(String($0)).fencing }
      }
    } else {
      pool.forEachLease { if $1.node == id { living.append($1.fencing) } }
    }
    let advertisement = try machine.report(&options, living: living)
    machines[name] = machine
    return .advertise(id, advertisement)
  }

  // MARK: restrictions

  /// `restrict KIND NAME suspend|throttle=N|ceiling=pN until=T`, `lift KIND NAME`.
  private func restriction(_ verb: String, _ words: [String]) throws -> Command {
    guard words.count >= 2,
      let kind = IdentityKind.allCases.first(where: { "\($0)" == words[0] })
    else { throw TableError("\(verb) KIND NAME …") }
    let key = try TableValue.key(words[1])
    if verb == "lift" { return .restrict(kind, key, nil) }
    var options = TableOptions(words.dropFirst(2))
    var measure = Restriction.Measure.suspend
    if !options.flag("suspend") {
      if let most = try options.take("throttle", { text -> UInt32 in try TableValue.int(text) }) {
        measure = .throttle(liveClaims: most)
      } else if let ceiling = try options.take("ceiling", TableValue.rank) {
        measure = .ceiling(ceiling)
      } else {
        throw TableError("suspend, throttle=N or ceiling=pN")
      }
    }
    guard let until = try options.take("until", TableValue.ns) else {
      throw TableError("until=TIME")
    }
    try options.finish()
    return .restrict(
      kind, key,
      Restriction(
        measure: measure, until: Instant(ns: until), by: try TableValue.key("operator"),
        because: try TableValue.key("reason")))
  }

  // MARK: corrections

  /// `correct TENANT/SERVICE model=llm factor=1.7`; `factor=none` forgets the one in force.
  private func correction(
    _ name: String, _ options: inout TableOptions
  ) throws -> Correction {
    let parts = name.split(separator: "/")
    guard parts.count == 2, let factor = options.take("factor") else {
      throw TableError("correct TENANT/SERVICE factor=F")
    }
    let scope = Correction.Scope(
      tenant: try TableValue.key(parts[0]), service: try TableValue.key(parts[1]),
      modelClass: try options.take("model", TableValue.key))
    return Correction(scope: scope, milli: factor == "none" ? nil : try TableValue.milli(factor))
  }

  // MARK: delegations

  /// `delegate d1 parent=d0 limit=100 until=60s ceiling=p2`
  private func delegation(_ name: String, _ options: inout TableOptions) throws -> DelegationSpec {
    var spec = DelegationSpec(
      key: try TableValue.key(name), tenant: try TableValue.key("acme"), limit: .zero,
      expires: Instant(ns: clock) + .seconds(3600))
    try options.set(&spec.tenant, "tenant", TableValue.key)
    try options.set(&spec.parent, "parent", TableValue.key)
    try options.set(&spec.limit, "limit", TableValue.credits)
    try options.set(&spec.expires, "until") { Instant(ns: try TableValue.ns($0)) }
    try options.set(&spec.ceiling, "ceiling", TableValue.rank)
    return spec
  }

  /// `raise BUCKET by=ann and=bob until=60s`; a budget's name is one of no bucket.
  private func raise(_ name: String, _ options: inout TableOptions) throws -> Command {
    let key = try TableValue.key(name)
    let id = pool.bucket(named: key) ?? pool.budget(named: key)
    var raise = EmergencyRaise(
      by: try TableValue.key("ann"), and: try TableValue.key("bob"),
      until: Instant(ns: clock) + .seconds(60))
    try options.set(&raise.by, "by", TableValue.key)
    try options.set(&raise.and, "and", TableValue.key)
    try options.set(&raise.until, "until") { Instant(ns: try TableValue.ns($0)) }
    return .raiseEmergency(id ?? BucketID(row: 999, generation: 1), raise)
  }

  // MARK: claims

  private func claim(_ name: String, _ options: inout TableOptions) throws -> ClaimSpec {
    var lanes = LaneSet.none
    for lane in (options.take("lanes") ?? "shared").split(separator: ",") {
      if lane == "nowhere" {
        lanes.insert(row: 63)
      } else if let id = pool.lane(named: try TableValue.key(lane)) {
        lanes.insert(id)
      } else if lane != "none", pool.generation.value > 0 {
        throw TableError("no lane \(lane)")
      }
    }
    var spec = ClaimSpec(
      key: try TableValue.key(name),
      tenant: try options.take("tenant", TableValue.key) ?? TableValue.key("acme"),
      service: try options.take("service", TableValue.key)
        ?? TableValue.key(options.take("class") ?? "p2"),
      action: try options.take("action", TableValue.key) ?? TableValue.key("infer"),
      modelClass: try options.take("model", TableValue.key) ?? TableValue.key("llm"),
      demand: try demand(&options), lanes: lanes,
      runtimeMax: try options.take("runtime", TableValue.span) ?? .seconds(600))
    try options.set(&spec.application, "app", TableValue.key)
    try options.set(&spec.workflow, "workflow", TableValue.key)
    try options.set(&spec.principal, "principal", TableValue.key)
    try options.set(&spec.onBehalfOf, "behalf", TableValue.key)
    try options.set(&spec.plan, "plan", TableValue.key)
    try options.set(&spec.budget, "budget", TableValue.key)
    try options.set(&spec.quote, "quote", TableValue.key)
    try options.set(&spec.estimate, "estimate") { .runtime(try TableValue.span($0)) }
    try options.set(&spec.estimate, "work") { text in
      let parts = try text.split(separator: ":").map { part -> Int64 in try TableValue.int(part) }
      guard parts.count == 4 else { throw TableError("work=PROMPT:OUTPUT:CALLS:DEPTH") }
      return .work(
        promptTokens: parts[0], outputTokens: parts[1], toolCalls: parts[2], depth: parts[3])
    }
    try options.set(&spec.deadline, "deadline") { Instant(ns: try TableValue.ns($0)) }
    try options.set(&spec.maxWait, "wait", TableValue.span)
    try options.set(&spec.interruption, "grace") {
      let grace = try TableValue.span($0)
      return Interruption(grace: grace, checkpointEvery: grace)
    }
    try options.set(&spec.attempt, "attempt", TableValue.int)
    try options.set(&spec.depth, "depth", TableValue.int)
    if let text = options.take("accepts") { spec.accepts = try accepted(text, by: spec) }
    return spec
  }

  /// `gpus=4` whole ones, `milli=500 bytes=20GiB` of each, `slice=1g`, `cores=4`.
  private func demand(_ options: inout TableOptions) throws -> Demand {
    var demand = Demand(shape: .whole)
    try options.set(&demand.devices, "gpus", TableValue.int)
    let milli = try options.take("milli") { text -> Int32 in try TableValue.int(text) }
    let bytes = try options.take("bytes", TableValue.bytes)
    if milli != nil || bytes != nil {
      demand.shape = .fraction(MilliGPU(milli ?? 0), bytes ?? .zero)
    }
    try options.set(&demand.shape, "slice") { .slice(try TableValue.key($0)) }
    try options.set(&demand.cpu, "cpu") { MilliCPU(try TableValue.milli($0)) }
    if let cores = try options.take("cores", TableValue.milli) {
      demand.shape = .cpuOnly
      demand.cpu = MilliCPU(cores)
    }
    try options.set(&demand.hostMemory, "mem", TableValue.bytes)
    try options.set(&demand.enforcement, "enforce", TableMachine.enforcement)
    try options.set(&demand.members, "members", TableValue.int)
    try options.set(&demand.together, "together", TableValue.proximity)
    try options.set(&demand.prefer, "prefer", TableValue.proximity)
    try options.set(&demand.sharing, "sharing") { text in
      switch text {
      case "any": .anyTenant
      case "own": .ownTenant
      case "mig": .mig
      case "whole": .wholeDevice
      default: throw TableError("not a sharing: \(text)")
      }
    }
    return demand
  }
}
