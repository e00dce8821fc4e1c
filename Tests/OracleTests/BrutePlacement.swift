import PoolAllocator

/// What wants a place.
struct Wish: Sendable {
  let demand: Demand
  let tenant: TenantID
  let lane: UInt32
}

/// Placement by trying everything (SEMANTICS 5): every set of devices for every member, each looked
/// at by the definition of what fits.
extension Site {
  /// Whether there is any way to place it.
  func fits(_ wish: Wish) -> Bool {
    var found = false
    forEachPlacement(of: wish) { _ in
      found = true
      return false
    }
    return found
  }

  /// Whether these places, in any order, are one of the ways to place it.
  func allows(_ places: [Place], for wish: Wish) -> Bool {
    let chosen = places.sorted(by: Self.precedes)
    var found = false
    forEachPlacement(of: wish) { places in
      found = places.sorted(by: Self.precedes) == chosen
      return !found
    }
    return found
  }

  /// Whether the hosts have room for all of these places.
  func holds(_ places: [Place], for wish: Wish) -> Bool {
    let holdings =
      holdings
      + places.map { Holding(tenant: wish.tenant, demand: wish.demand, place: $0, isKept: false) }
    return machines.allSatisfy { machine in
      let here = holdings.filter { $0.place.node == machine.id }
      return here.reduce(0) { $0 + Int64($1.demand.cpu.value) } <= machine.cpu
        && here.reduce(0) { $0 + $1.demand.hostMemory.value } <= machine.hostMemory
    }
      && parts.allSatisfy { part in
        let shares = holdings.flatMap(\.place.uses).filter { $0.device == part.id }
        return part.report.kind != .cpu
          || shares.reduce(0) { $0 + $1.milli } <= Int64(part.report.capacity.value)
      }
  }

  /// Visits every way to place it, members in any one order, until the visitor says stop.
  func forEachPlacement(of wish: Wish, _ visit: ([Place]) -> Bool) {
    var choices: [[Int]] = []
    for node in machines.map(\.id) {
      let own = parts.indices.filter { parts[$0].node == node }
      choices += Self.subsets(of: own, size: Int(wish.demand.devices))
    }
    _ = place(wish, choices, from: 0, [], on: self, visit)
  }

  /// Places the members that are left; equal members are tried in one order only.
  private func place(
    _ wish: Wish, _ choices: [[Int]], from first: Int, _ places: [Place], on site: Site,
    _ visit: ([Place]) -> Bool
  ) -> Bool {
    if places.count == Int(wish.demand.members) {
      return isNear(places, wish.demand.together) ? visit(places) : true
    }
    for index in choices.indices.dropFirst(first) {
      guard let place = site.member(wish, on: choices[index]) else { continue }
      var next = site
      next.put(
        Holding(tenant: wish.tenant, demand: wish.demand, place: place, isKept: false),
        lane: wish.lane)
      guard self.place(wish, choices, from: index, places + [place], on: next, visit) else {
        return false
      }
    }
    return true
  }

  /// One member on these devices of one machine; nil where that is not allowed.
  private func member(_ wish: Wish, on chosen: [Int]) -> Place? {
    let demand = wish.demand
    guard let machine = machine(parts[chosen[0]].node), machine.isReady, machine.isOpen,
      machine.enforcement >= demand.enforcement
    else { return nil }
    let here = holdings.filter { $0.place.node == machine.id }
    let cpu = here.reduce(Int64(demand.cpu.value)) { $0 + Int64($1.demand.cpu.value) }
    let memory = here.reduce(demand.hostMemory.value) { $0 + $1.demand.hostMemory.value }
    guard demand.cpu.value == 0 || cpu <= machine.cpu,
      demand.hostMemory == .zero || memory <= machine.hostMemory
    else { return nil }
    var uses: [Share] = []
    for index in chosen {
      let part = parts[index]
      guard part.isUsable, part.lane == wish.lane, let use = use(of: part, wish, machine) else {
        return nil
      }
      uses.append(use)
    }
    return Place(node: machine.id, uses: uses)
  }

  /// What the member takes of one device; nil where the device does not give it.
  private func use(of part: Part, _ wish: Wish, _ machine: Machine) -> Share? {
    let others = holdings.filter { $0.place.uses.contains { $0.device == part.id } }
    var usedMilli = Int64(0)
    var usedMemory = Int64(0)
    for use in others.flatMap(\.place.uses) where use.device == part.id {
      usedMilli += use.milli
      usedMemory += use.memory
    }
    let milli: Int64
    let memory: Int64
    switch (wish.demand.shape, part.report.kind) {
    case (.whole, .gpu):
      guard !part.report.isPartitioned, others.isEmpty else { return nil }
      (milli, memory) = (1000, part.report.memory.value)
    case (.fraction(let share, let bytes), .gpu):
      guard !part.report.isPartitioned, !others.contains(where: \.isKept),
        others.isEmpty || sits(in: part, wish)
      else { return nil }
      (milli, memory) = (Int64(share.value), bytes.value)
    case (.slice(let key), .slice):
      guard part.report.slice == key, others.isEmpty else { return nil }
      (milli, memory) = (1000, part.report.memory.value)
    case (.cpuOnly, .cpu):
      guard
        machine.enforcement == .cgroup || others.allSatisfy({ $0.tenant == wish.tenant })
      else { return nil }
      (milli, memory) = (Int64(wish.demand.cpu.value), 0)
    default: return nil
    }
    guard usedMilli + milli <= Int64(part.report.capacity.value),
      usedMemory + memory <= part.report.memory.value
    else { return nil }
    return Share(device: part.id, milli: milli, memory: memory)
  }

  /// Whether a share may be beside those that are there: the first one closed the device to its
  /// tenant, or opened it to all, until it is empty.
  private func sits(in part: Part, _ wish: Wish) -> Bool {
    if let tenant = part.closedTo { return tenant == wish.tenant }
    return wish.demand.sharing == .anyTenant
  }

  private func isNear(_ places: [Place], _ proximity: Proximity) -> Bool {
    let nodes = Set(places.map(\.node))
    let devices = places.flatMap(\.uses).compactMap { use in parts.first { $0.id == use.device } }
    switch proximity {
    case .anywhere: return true
    case .rack:
      let racks = Set(nodes.map { machine($0)?.rack })
      return nodes.count == 1 || racks.count == 1 && racks.first ?? nil != nil
    case .node: return nodes.count == 1
    case .numa:
      let sets = Set(devices.map(\.report.numa))
      return nodes.count == 1 && sets.count == 1
    case .island: return nodes.count == 1 && Set(devices.map(\.report.island)).count == 1
    }
  }

  private static func precedes(_ left: Place, _ right: Place) -> Bool {
    left.uses.map(\.device.row).lexicographicallyPrecedes(right.uses.map(\.device.row))
  }

  static func subsets(of items: [Int], size: Int) -> [[Int]] {
    if size == 0 { return [[]] }
    guard let first = items.first else { return [] }
    let rest = Array(items.dropFirst())
    return subsets(of: rest, size: size - 1).map { [first] + $0 } + subsets(of: rest, size: size)
  }
}
