import PoolAllocator

@testable import AgentCore

/// An agent of a node with two GPUs, a disk that takes every record at once, and a leader that is
/// this test.
struct AgentRig {
  static let boot = Key(high: 8, low: 1)
  static func gpu(_ number: UInt64) -> Key { Key(high: 9, low: number) }
  static func fencing(_ number: UInt64, epoch: UInt64 = 1) -> Fencing {
    Fencing(raw: epoch << 40 | number)
  }

  var agent: Agent
  var disk: AgentRecord?
  var now = BootTime(ns: 1_000_000_000)
  /// Whether records are stored at once.
  var stores = true
  var actions: [String] = []
  var refusals: [OrderRefusal] = []
  var message: NodeMessage?
  var epoch: UInt32 = 1
  /// Edges that its leases took.
  var edges: Set<String> = []

  init(record: AgentRecord? = nil, boot: Key = AgentRig.boot) {
    agent = Agent(record: record, boot: boot)
    disk = record
    agent.take(Self.inventory())
    run()
  }

  static func inventory(
    _ first: DeviceReport.Condition = .healthy, isComplete: Bool = true
  ) -> Inventory {
    var devices = (0..<2).map {
      DeviceReport(key: gpu($0), kind: .gpu, profile: Key(high: 1, low: 0), memory: Bytes(1_000))
    }
    devices[0].condition = first
    return Inventory(
      enforcement: .cgroup, cpu: MilliCPU(1_000), hostMemory: .zero, isComplete: isComplete,
      devices: devices)
  }

  static func order(
    _ number: UInt64, _ verb: LeaseOrder.Verb, gpu: UInt64 = 0, milli: Int32 = 1_000,
    memory: Int64 = 0, epoch: UInt64 = 1
  ) -> LeaseOrder {
    LeaseOrder(
      lease: LeaseID(row: UInt32(number), generation: 1), fencing: fencing(number, epoch: epoch),
      verb: verb, killWithin: .seconds(10),
      devices: [
        DeviceShare(device: Self.gpu(gpu), milli: MilliGPU(milli), memory: Bytes(memory))
      ])
  }

  /// Calls the agent, and notes which edges its leases took.
  mutating func call<Result>(_ body: (inout Agent) -> Result) -> Result {
    let before = agent.leases
    let result = body(&agent)
    for old in before {
      guard let lease = agent.lease(old.fencing), lease.state != old.state else { continue }
      edges.insert("\(old.state) \(lease.state)")
    }
    return result
  }

  /// Runs until nothing more is to be stored.
  mutating func run() {
    while true {
      let now = now
      let output = call { $0.run(at: now) }
      for action in output.actions {
        switch action {
        case .start(let order): actions.append("start \(order.fencing.sequence)")
        case .stop(let fencing): actions.append("stop \(fencing.sequence)")
        case .kill(let fencing): actions.append("kill \(fencing.sequence)")
        case .inspect(let fencing): actions.append("inspect \(fencing.sequence)")
        }
      }
      refusals += output.refusals.map(\.because)
      message = output.message ?? message
      guard let record = output.record, stores else { return }
      disk = record
      agent.stored(record.number)
    }
  }

  /// Time passes.
  mutating func pass(_ seconds: Int64) {
    now = now + .seconds(seconds)
    run()
  }

  /// Has a message be due, and answers it after a while.
  mutating func poll(
    _ orders: [LeaseOrder]?, ask: ReportAsk? = nil, after span: Span = .zero
  ) {
    pass(6)
    answer(orders, ask: ask, after: span)
  }

  /// Answers the last message.
  mutating func answer(
    _ orders: [LeaseOrder]?, ask: ReportAsk? = nil, after span: Span = .zero
  ) {
    guard let message else { return }
    now = now + span
    let (reply, now) = (reply(to: message, orders, ask: ask), now)
    call { $0.take(reply, at: now) }
    run()
  }

  func reply(
    to message: NodeMessage, _ orders: [LeaseOrder]?, ask: ReportAsk? = nil
  ) -> NodeReply {
    var reply = NodeReply(
      epoch: epoch, generation: message.generation, sequence: message.sequence,
      acceptedGeneration: message.generation, acceptedSequence: message.sequence)
    reply.ask = ask
    reply.orders = orders
    return reply
  }

  mutating func saw(_ sight: LeaseSight, _ number: UInt64) {
    let now = now
    call { $0.saw(sight, of: Self.fencing(number), at: now) }
    run()
  }

  /// Takes out what was to be carried out since the last time.
  mutating func taken() -> [String] {
    defer { actions = [] }
    return actions
  }

  func state(_ number: UInt64) -> AgentLeaseState? { agent.lease(Self.fencing(number))?.state }
}
