internal import AgentCore
internal import Glibc
internal import PoolAllocator
internal import PoolWire

/// Carries out what the agent decided about leases, in their folders, and says what became of them.
///
/// A lease begins when its folder is there: its holder may then start work. It ends when nothing
/// that was started under it lives, and nothing more can be started.
struct LeaseKeeper {
  private let leases: String
  private let boot: String
  /// The folders that are there.
  private(set) var held: Set<Fencing>

  init(leases: String, boot: String) {
    self.leases = leases
    self.boot = boot
    held = Set(Files.names(in: leases).compactMap { Fencing(wire: $0) })
    // What never got its name was never handed out.
    for name in Files.names(in: leases) where name.hasPrefix(".") {
      Files.remove("\(leases)/\(name)")
    }
  }

  private func folder(_ fencing: Fencing) -> LeaseFolder { LeaseFolder(fencing, in: leases) }

  /// Hands out the right to work under a lease.
  mutating func start(
    _ order: LeaseOrder, devices: [LeaseFolder.Device], claim: (first: String, last: String)?
  ) throws(StateError) -> LeaseSight {
    try LeaseFolder.make(order, devices: devices, claim: claim, boot: boot, in: leases)
    held.insert(order.fencing)
    return try look(order.fencing)
  }

  /// What can be said of a lease now.
  func look(_ fencing: Fencing) throws(StateError) -> LeaseSight {
    let folder = folder(fencing)
    guard folder.isThere else { return .exited(.neverStarted) }
    let works = folder.works()
    if works.contains(where: { $0.lives(during: boot) }) { return .started }
    switch folder.end {
    case .completed: return .exited(.completed)
    case .told, .failed: return .exited(.failed)
    case nil: break
    }
    if works.isEmpty { return .started }
    let codes = works.map { folder.exit(of: $0) }
    // Whoever waits for the command is about to say how it ended.
    let isUntold = zip(works, codes).contains { work, code in
      code == nil && work.boot == boot && work.keeper.lives
    }
    if isUntold { return .started }
    let end: LeaseEnd = codes.allSatisfy { $0 == 0 } ? .completed : .failed
    try folder.mark(end)
    guard folder.works().contains(where: { $0.lives(during: boot) }) else {
      return .exited(end == .completed ? .completed : .failed)
    }
    // Something was started before that was written.
    folder.unmark()
    return .started
  }

  /// Asks what was started under a lease to end, and lets nothing more be started. Work that was
  /// done before counts as done.
  func stop(_ fencing: Fencing) throws(StateError) -> LeaseSight {
    let before = try look(fencing)
    guard before == .started else { return before }
    return try signal(fencing, SIGTERM)
  }

  /// Kills what was started under a lease.
  func kill(_ fencing: Fencing) throws(StateError) -> LeaseSight {
    guard folder(fencing).isThere else { return .exited(.neverStarted) }
    return try signal(fencing, SIGKILL)
  }

  private func signal(_ fencing: Fencing, _ number: Int32) throws(StateError) -> LeaseSight {
    let folder = folder(fencing)
    let marking = Result { () throws(StateError) in
      if folder.end == nil { try folder.mark(.told) }
    }
    // A disk that is full keeps nobody alive.
    for work in folder.works() where work.lives(during: boot) {
      work.signal(number, during: boot)
    }
    try marking.get()
    return try look(fencing)
  }

  /// Removes the folders of leases that are not known any more. What still lives under one is
  /// killed first: no lease explains it, and it was started for one.
  mutating func sweep(known: Set<Fencing>) throws(StateError) {
    for fencing in held.subtracting(known) {
      let folder = folder(fencing)
      if folder.isThere, folder.end == nil { try folder.mark(.told) }
      let living = folder.works().filter { $0.lives(during: boot) }
      guard living.isEmpty else {
        for work in living { work.signal(SIGKILL, during: boot) }
        continue
      }
      Files.remove(folder.path)
      held.remove(fencing)
    }
  }
}
