internal import AgentCore
internal import Foundation
internal import PoolAllocator
internal import PoolWire

/// The agent of a node as a process that stays: it stores, carries out and sends what `AgentCore`
/// decides, and hands in what became of it.
///
/// One thread owns it. Looking at the machine and talking to the server happen on others, so
/// neither a driver nor a network that hangs keeps a lease from being ended in time.
public struct Daemon {
  /// What an operator says.
  public struct Options: Sendable {
    /// The server.
    public var server: ServerAddress
    /// A file with a join credential, for the first start.
    public var joinFile: String?
    /// What the node is called; nil: as its credential or else its machine says.
    public var node: String?
    /// Takes one line for the operator.
    public var say: @Sendable (String) -> Void
    /// Is told at each turn, so at least every other second, that the agent gets on.
    public var lives: @Sendable () -> Void

    /// Makes options.
    public init(
      server: ServerAddress, joinFile: String?, node: String?,
      say: @escaping @Sendable (String) -> Void, lives: @escaping @Sendable () -> Void = {}
    ) {
      self.server = server
      self.joinFile = joinFile
      self.node = node
      self.say = say
      self.lives = lives
    }
  }

  /// Time between two looks at what lives under leases. Unit: nanoseconds.
  static let lookEvery: Int64 = 500_000_000
  /// Longest sleep: after a suspension of the machine the clock is read again this soon. Unit:
  /// nanoseconds.
  static let sleepMost: Int64 = 1_000_000_000

  let options: Options
  let state: StateFolder
  let mailbox: Mailbox
  let link: any Uplink.Link
  var credential: Credential
  var agent: Agent
  var keeper: LeaseKeeper
  var found: FoundNode?
  /// Names of the claims of the last orders.
  var claims: [Key: (first: String, last: String)] = [:]
  var post = PostBox()
  var renewal: Renewal
  var random = SystemRandomNumberGenerator()
  private var lookAt: Int64 = 0
  private var wakeAt: Int64 = 0
  private var said: [String: Int64] = [:]

  /// Starts an agent: takes up its record and its leases, or joins.
  /// - Throws: where it cannot start, with what to do.
  public init(
    _ state: StateFolder, _ options: Options, watch: any NodeWatch
  ) throws(DaemonEnd) {
    self.state = state
    self.options = options
    do {
      guard let boot = Boot.id else {
        throw StateError("/proc/sys/kernel/random/boot_id cannot be read; is there a /proc?")
      }
      let record = try state.record()
      mailbox = try Mailbox()
      link = HTTPLink(mailbox)
      let joining = Joining(
        address: options.server, mailbox: mailbox, link: link, say: options.say)
      let kept = try state.credential()
      let proof = try Self.proof(kept, options, joining, state, watch)
      credential = proof
      renewal = Renewal(of: proof, at: Boot.nanoseconds)
      let name = proof.node
      agent = Agent(record: record, boot: NameTable.key(.boot, NamePath.join(name, boot)))
      keeper = LeaseKeeper(leases: state.leases, boot: boot)
      let mailbox = mailbox
      Thread.detachNewThread {
        watch.watch(as: name) { mailbox.put(.node($0)) }
      }
    } catch let error as DaemonEnd {
      throw error
    } catch let error as StateError {
      throw .failed(error)
    } catch {
      throw DaemonEnd(message: "\(error)", code: 1)
    }
  }

  /// The credential that is there, or the one that a join gives.
  private static func proof(
    _ kept: Credential?, _ options: Options, _ joining: Joining, _ state: StateFolder,
    _ watch: any NodeWatch
  ) throws -> Credential {
    if let kept {
      if let name = options.node, name != kept.node {
        throw DaemonEnd(
          message:
            "the credential in \(state.path) is of node \"\(kept.node)\", not of \"\(name)\"; "
            + "leave --node out, or name another --state", code: 2)
      }
      return kept
    }
    guard let file = options.joinFile else {
      throw DaemonEnd(
        message: "\(state.path) has no credential; have a join credential made for this node and "
          + "name its file with --join-file", code: 7)
    }
    let secret = try Credential.joinSecret(file: file)
    let found = try watch.look(as: options.node)
    let proof = try joining.run(found, secret: secret, state: state)
    options.say("joined as node \"\(proof.node)\"; the join credential is used up")
    return proof
  }

  /// Runs until it cannot go on.
  public mutating func run() -> DaemonEnd {
    do {
      while true {
        try turn()
        options.lives()
        if post.isRefused, !agent.leases.contains(where: \.mayLive) { return Self.refused(state) }
        mailbox.wait(milliseconds: sleep())
      }
    } catch {
      return .failed(error)
    }
  }

  private static func refused(_ state: StateFolder) -> DaemonEnd {
    DaemonEnd(
      message: "the server does not take this node's credential; remove \(state.path)/credential, "
        + "have a join credential made and name its file with --join-file", code: 7)
  }

  /// One turn: takes in what came, then does what is due.
  private mutating func turn() throws(StateError) {
    for item in mailbox.take() {
      switch item {
      case .node(let node): take(node)
      case .answer(let purpose, let answer): try take(answer, to: purpose)
      }
    }
    renew()
    resend()
    if Boot.nanoseconds >= lookAt { lookAtLeases() }
    while try !advance() {}
    do {
      try keeper.sweep(known: Set(agent.leases.map(\.fencing)))
    } catch {
      complain(error.message)
    }
  }

  /// Stores, carries out, sends, in this order.
  /// - Returns: whether nothing more comes of it.
  private mutating func advance() throws(StateError) -> Bool {
    let output = agent.run(at: BootTime(ns: Boot.nanoseconds))
    if let record = output.record {
      // What is not on the disk must not be said, and whether it is nobody knows after a failure.
      try state.store(record)
      agent.stored(record.number)
    }
    for action in output.actions { carryOut(action) }
    for refusal in output.refusals {
      let what = refusal.fencing.map { "order \($0.wire)" } ?? "a reply"
      complain("\(what) is not obeyed: \(Self.words(refusal.because))")
    }
    if let message = output.message { send(message) }
    wakeAt = output.wake?.ns ?? Int64.max
    return output.record == nil && output.actions.isEmpty
  }

  private static func words(_ refusal: OrderRefusal) -> String {
    switch refusal {
    case .epochOver: "it is of a leadership that is over"
    case .replyLate: "it answers an older message"
    case .fencingStale: "a device has seen a higher fencing number, or this one"
    case .startLate: "the time to start is over"
    case .deviceUnknown: "there is no such device"
    case .deviceUnfit: "the device does not work, or holds a process that no lease explains"
    case .deviceOccupied: "another lease lives there"
    case .tableFull: "there are as many leases as can be"
    }
  }

  private func sleep() -> Int32 {
    let now = Boot.nanoseconds
    var next = min(wakeAt, now + Self.sleepMost, renewal.dueAt)
    if let moment = post.retryAt { next = min(next, moment) }
    if agent.leases.contains(where: \.mayLive) { next = min(next, lookAt) }
    return Int32(clamping: max(0, next - now + 999_999) / 1_000_000)
  }

  // MARK: the machine

  private mutating func take(_ node: FoundNode) {
    found = node
    agent.take(node.inventory)
  }

  // MARK: leases

  private mutating func lookAtLeases() {
    lookAt = Boot.nanoseconds + Self.lookEvery
    for lease in agent.leases where lease.mayLive && lease.state != .preparing {
      see(lease.fencing) { keeper throws(StateError) in try keeper.look(lease.fencing) }
    }
  }

  private mutating func carryOut(_ action: AgentAction) {
    switch action {
    case .start(let order): start(order)
    case .inspect(let fencing):
      see(fencing) { keeper throws(StateError) in try keeper.look(fencing) }
    case .stop(let fencing):
      options.say("lease \(name(of: fencing)) is asked to end")
      see(fencing) { keeper throws(StateError) in try keeper.stop(fencing) }
    case .kill(let fencing):
      options.say("lease \(name(of: fencing)) is killed")
      see(fencing) { keeper throws(StateError) in try keeper.kill(fencing) }
    }
  }

  private mutating func start(_ order: LeaseOrder) {
    let devices = order.devices.compactMap { share -> LeaseFolder.Device? in
      guard let uuid = found?.node.names.name(share.device),
        let kind = found?.node.advertisement.devices.first(where: { $0.key == share.device })?.kind
      else { return nil }
      return LeaseFolder.Device(uuid: uuid, isGPU: kind != .cpu, share: share)
    }
    let claim = order.claim.flatMap { claims[$0] }
    guard devices.count == order.devices.count else {
      return agent.saw(.exited(.neverStarted), of: order.fencing, at: now)
    }
    options.say("lease \(order.lease.wire) (\(order.fencing.wire)) is handed out")
    do {
      let sight = try keeper.start(order, devices: devices, claim: claim)
      agent.saw(sight, of: order.fencing, at: now)
    } catch {
      complain("lease \(order.lease.wire) is not handed out: \(error.message)")
      agent.saw(.exited(.neverStarted), of: order.fencing, at: now)
    }
  }

  private mutating func see(
    _ fencing: Fencing, _ look: (borrowing LeaseKeeper) throws(StateError) -> LeaseSight
  ) {
    do {
      let sight = try look(keeper)
      if case .exited = sight { options.say("lease \(name(of: fencing)) is over") }
      agent.saw(sight, of: fencing, at: now)
    } catch {
      complain(error.message)
    }
  }

  private func name(of fencing: Fencing) -> String {
    agent.lease(fencing).map { "\($0.lease.wire) (\(fencing.wire))" } ?? fencing.wire
  }

  var now: BootTime { BootTime(ns: Boot.nanoseconds) }

  /// Says something that may be true for long, once a minute.
  mutating func complain(_ text: String) {
    let now = Boot.nanoseconds
    if let last = said[text], now - last < 60_000_000_000 { return }
    if said.count > 100 { said = [:] }
    said[text] = now
    options.say(text)
  }
}
