import PoolAllocator

/// D1: leases never hold more of a device or node than it has; what is exclusive has one lease;
/// instances of one GPU stand on slots of their own.
struct DeviceShares {
  /// What leases hold of one device.
  private struct Held {
    var milli: Int64 = 0
    var memory: Int64 = 0
    var shares = 0
    /// Whether one lease has all of it.
    var isWhole = false
    /// Of a partitioned GPU: slots of instances that leases hold.
    var slots: UInt16 = 0
  }

  /// What leases hold of one node beside its devices.
  private struct Host {
    var cpu: Int64 = 0
    var memory: Int64 = 0
    var leases = 0
  }

  private var devices = ByID<Device, Held>()
  private var nodes = ByID<Node, Host>()

  /// Looks at an event before it is folded.
  mutating func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    switch event {
    case .leaseGranted(let claim, let run):
      guard let demand = facts.claims[claim]?.fact.spec.demand else { return }
      for index in run.indices { try take(log.grants[index], demand, facts, log) }
    case .leaseEnded(let id):
      guard let lease = facts.leases[id] else { return }
      for use in lease.uses { giveBack(use, facts) }
      nodes[lease.grant.node]?.cpu -= Int64(lease.demand.cpu.value)
      nodes[lease.grant.node]?.memory -= lease.demand.hostMemory.value
      nodes[lease.grant.node]?.leases -= 1
    case .nodeForgotten(let id): nodes[id] = nil
    default: break
    }
  }

  private mutating func take(
    _ grant: Grant, _ demand: Demand, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    for index in grant.uses.indices { try take(log.uses[index], grant.lease, facts) }
    var host = nodes[grant.node] ?? Host()
    host.cpu += Int64(demand.cpu.value)
    host.memory += demand.hostMemory.value
    host.leases += 1
    nodes[grant.node] = host
    let report = facts.nodes[grant.node]?.report
    let (cpu, memory) = (Int64(report?.cpu.value ?? 0), report?.hostMemory.value ?? 0)
    try must(
      host.cpu <= cpu && host.memory <= memory, "D1",
      "lease \(grant.lease.name): node \(grant.node.name) gives \(host.cpu) of \(cpu) milli-cores "
        + "and \(host.memory) of \(memory) bytes")
  }

  private mutating func take(
    _ use: DeviceUse, _ lease: LeaseID, _ facts: borrowing Facts
  ) throws(Violation) {
    guard let device = facts.devices[use.device] else {
      throw Violation("D1", "lease \(lease.name) has device \(use.device.name), which is not there")
    }
    var held = devices[use.device] ?? Held()
    try must(
      !held.isWhole && !device.report.isPartitioned, "D1",
      "lease \(lease.name) has a share of device \(use.device.name), which is whole another's")
    held.milli += Int64(use.milli.value)
    held.memory += use.memory.value
    held.shares += 1
    let isInstance = device.report.kind == .slice
    if device.report.kind == .gpu || isInstance {
      try must(
        held.milli <= Int64(device.report.capacity.value)
          && held.memory <= device.report.memory.value, "D1",
        "device \(use.device.name) gives \(held.milli) of \(device.report.capacity.value) "
          + "thousandths and \(held.memory) of \(device.report.memory.value) bytes")
    }
    held.isWhole =
      isInstance
      || device.report.kind == .gpu && use.milli == device.report.capacity
        && use.memory == device.report.memory
    try must(
      !held.isWhole || held.shares == 1, "D1",
      "device \(use.device.name) is exclusive and has \(held.shares) leases")
    devices[use.device] = held
    if isInstance, let board = device.parent { try occupy(device, of: board, facts) }
  }

  private mutating func occupy(
    _ instance: KnownDevice, of board: DeviceID, _ facts: borrowing Facts
  ) throws(Violation) {
    var held = devices[board] ?? Held()
    let slots = instance.report.slots.bits
    try must(
      held.slots & slots == 0 && held.shares == 0, "D1",
      "two leases have slots \(held.slots & slots) of GPU \(board.name)")
    try must(
      facts.devices[board]?.report.isPartitioned ?? false, "D1",
      "an instance of GPU \(board.name) is granted, which is not partitioned")
    held.slots |= slots
    devices[board] = held
  }

  private mutating func giveBack(_ use: DeviceUse, _ facts: borrowing Facts) {
    devices[use.device]?.milli -= Int64(use.milli.value)
    devices[use.device]?.memory -= use.memory.value
    devices[use.device]?.shares -= 1
    guard devices[use.device]?.shares == 0 else { return }
    devices[use.device] = nil
    guard let device = facts.devices[use.device], device.report.kind == .slice,
      let board = device.parent
    else { return }
    devices[board]?.slots &= ~device.report.slots.bits
  }

  /// Compares what the pool counts on a node with what its leases hold.
  /// - Complexity: O(devices of the node).
  func close(
    _ id: NodeID, _ facts: borrowing Facts, _ pool: borrowing Pool
  ) throws(Violation) {
    guard let known = facts.nodes[id], let node = pool.node(id) else { return }
    let host = nodes[id] ?? Host()
    try must(
      Int64(node.cpuUsed.value) == host.cpu && node.hostUsed.value == host.memory
        && Int(node.leases) == host.leases, "D1",
      "node \(id.name) counts \(node.cpuUsed.value) milli-cores, \(node.hostUsed.value) bytes and "
        + "\(node.leases) leases used, its leases hold \(host.cpu), \(host.memory), \(host.leases)")
    for device in known.devices {
      guard let row = pool.device(device) else { continue }
      let held = devices[device] ?? Held()
      try must(
        Int64(row.used.value) == held.milli && row.memoryUsed.value == held.memory
          && Int(row.shares) == held.shares, "D1",
        "device \(device.name) counts \(row.used.value) thousandths, \(row.memoryUsed.value) bytes "
          + "and \(row.shares) shares used, leases hold \(held.milli), \(held.memory), "
          + "\(held.shares)")
      try must(
        held.milli <= Int64(row.capacity.value), "D1",
        "device \(device.name) gives \(held.milli) of \(row.capacity.value) thousandths")
      try must(
        !held.isWhole || held.shares <= 1, "D1",
        "device \(device.name) is exclusive and has \(held.shares) leases")
    }
    try checkInstances(known, facts)
  }

  /// Instances of one GPU that are there stand on slots of their own.
  private func checkInstances(
    _ node: KnownNode, _ facts: borrowing Facts
  ) throws(Violation) {
    for (place, id) in node.devices.enumerated() {
      guard let one = facts.devices[id], one.report.kind == .slice, one.health != .gone else {
        continue
      }
      for other in node.devices[(place + 1)...] {
        guard let two = facts.devices[other], two.report.kind == .slice, two.health != .gone,
          two.parent == one.parent
        else { continue }
        try must(
          one.report.slots.bits & two.report.slots.bits == 0, "D1",
          "instances \(id.name) and \(other.name) stand on the same slots")
      }
    }
  }
}
