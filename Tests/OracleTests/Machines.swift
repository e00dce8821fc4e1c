import PoolAllocator

/// A machine as its agent described it and its operator wants it.
struct Machine: Sendable {
  let id: NodeID
  let rack: Key?
  var isReady = true
  var isOpen = true
  var cpu: Int64
  var hostMemory: Int64
  var enforcement: Enforcement
}

/// A GPU, a MIG instance or a CPU set of a machine.
struct Part: Sendable {
  let id: DeviceID
  let node: NodeID
  var report: DeviceReport
  /// Row of the lane that may give it away.
  var lane: UInt32?
  var isUsable = true
  /// The tenant that its first share closed it to; nil while it is empty or open to all.
  var closedTo: TenantID?
}

/// What one member of a claim has, or is kept, on one machine.
struct Holding: Sendable {
  let tenant: TenantID
  let demand: Demand
  let place: Place
  /// Kept for a claim that waits: then a GPU or an instance is kept as a whole.
  let isKept: Bool

  func holds(_ device: DeviceID) -> Bool { place.uses.contains { $0.device == device } }
}

/// What a member takes of one device.
struct Share: Hashable, Sendable {
  let device: DeviceID
  /// Thousandths of its time; milli-cores of a CPU set.
  let milli: Int64
  let memory: Int64

  init(device: DeviceID, milli: Int64, memory: Int64) {
    (self.device, self.milli, self.memory) = (device, milli, memory)
  }

  init(_ use: DeviceUse) {
    self.init(
      device: use.device, milli: Int64(use.milli.value), memory: use.memory.value)
  }
}

/// Where one member of a claim stands.
struct Place: Hashable, Sendable {
  let node: NodeID
  /// In the order of the devices' rows.
  let uses: [Share]

  init(node: NodeID, uses: [Share]) {
    self.node = node
    self.uses = uses.sorted { $0.device.row < $1.device.row }
  }
}

/// Machines with what is on them: a question of placement is answered from this alone.
struct Site: Sendable {
  var machines: [Machine]
  var parts: [Part]
  var holdings: [Holding] = []
  /// Rows of lanes whose devices different tenants may share.
  var openLanes: Set<UInt32> = []

  /// Puts something on a machine.
  mutating func put(_ holding: Holding, lane: UInt32) {
    let isOpen = openLanes.contains(lane) && holding.demand.sharing == .anyTenant
    for use in holding.place.uses where !holdings.contains(where: { $0.holds(use.device) }) {
      for index in parts.indices where parts[index].id == use.device {
        parts[index].closedTo = isOpen ? nil : holding.tenant
      }
    }
    holdings.append(holding)
  }

  func machine(_ id: NodeID) -> Machine? { machines.first { $0.id == id } }

  /// As if nothing were on the machines; where asked for, as if all of them worked too.
  func emptied(repaired: Bool) -> Site {
    var site = self
    site.holdings = []
    guard repaired else { return site }
    for index in site.machines.indices {
      (site.machines[index].isReady, site.machines[index].isOpen) = (true, true)
    }
    for index in site.parts.indices { site.parts[index].isUsable = true }
    return site
  }
}
