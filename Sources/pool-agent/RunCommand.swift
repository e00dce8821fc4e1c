import AgentDaemon
import Glibc
import HardwareProbe
import PoolConsole
import PoolWire
import StrictJSON

/// `pool-agent run`.
enum RunCommand {
  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    guard let server = arguments.one("--server") else {
      throw UsageError(message: "run needs --server URL")
    }
    guard let folder = arguments.one("--state") else {
      throw UsageError(message: "run needs --state DIR, a folder that stays over restarts")
    }
    let name = arguments.one("--node")
    if let name, !InventoryNode.isName(name) {
      throw UsageError(
        message: "--node \(quoted(name)): 1 to 100 letters, digits and ._:/@+=- are a name")
    }
    let watch = MachineWatch(machine: try MachineFlags(arguments))
    let address: ServerAddress
    do {
      address = try ServerAddress(server)
    } catch {
      throw UsageError(message: "--server \(quoted(server)): \(error.message)")
    }
    signal(SIGPIPE, SIG_IGN)
    // Everything that matters is on the disk, so nothing has to be done at the end.
    Console.endOnInterrupt()
    if address.base.hasPrefix("http://") { keepOffProxies() }
    do {
      let supervisor = Supervisor()
      let state = try StateFolder(folder)
      let options = Daemon.Options(
        server: address, joinFile: arguments.one("--join-file"), node: name,
        say: { Console.note("\(Terminal.plain($0))\n") }, lives: { supervisor.lives() })
      var daemon = try Daemon(state, options, watch: watch)
      supervisor.ready()
      return ended(daemon.run())
    } catch let error as DaemonEnd {
      return ended(error)
    } catch let error as StateError {
      Console.note("error: \(Terminal.plain(error.message))\n")
      return 1
    } catch {
      Console.note("error: \(error)\n")
      return 1
    }
  }

  private static func ended(_ end: DaemonEnd) -> Int32 {
    Console.note("error: \(Terminal.plain(end.message))\n")
    return end.code
  }

  /// A server on this machine is asked directly: a proxy would be told the credential in plain.
  private static func keepOffProxies() {
    for name in ["http_proxy", "all_proxy", "ALL_PROXY"] { unsetenv(name) }
  }
}

/// Looks at this machine for the daemon: regularly, and as soon as the driver reports something.
struct MachineWatch: NodeWatch {
  /// Time between two probes. Unit: seconds.
  private static let everySeconds: Int64 = 30
  /// Time between two looks at what the driver reported. Unit: seconds.
  private static let lookSeconds = 1

  let machine: MachineFlags

  func look(as name: String?) throws(StateError) -> FoundNode {
    try found(machine.inventory(), as: name, sick: [])
  }

  func watch(as name: String, _ tell: (FoundNode) -> Void) {
    var stream = WatchCommand.events(of: machine)
    var health = NodeHealth()
    var memory = ProbeMemory()
    var sick: Set<String> = []
    var told: (bytes: [UInt8], isComplete: Bool)?
    var probeAt: Int64 = 0
    while true {
      let events = stream?.take().events ?? []
      let now = Console.monotonicNanoseconds()
      if now >= probeAt || !events.isEmpty {
        probeAt = now + Self.everySeconds * 1_000_000_000
        let inventory = machine.inventory(memory: &memory)
        for change in health.look(inventory, after: events, at: UInt64(now)) {
          note(change, &sick)
        }
        tellNew(inventory, name, sick, &told, tell)
      }
      Console.sleep(seconds: Self.lookSeconds)
    }
  }

  /// Keeps which devices are not well. One of which nothing is known yet is as the probe says.
  private func note(_ change: NodeHealth.Change, _ sick: inout Set<String>) {
    guard case .judged(let key, let before, let now) = change else { return }
    switch now {
    case .unhealthy, .needsReset: sick.insert(key)
    case .healthy, .unknown: sick.remove(key)
    }
    let why = now.reason.map { ": \($0)" } ?? ""
    Console.note("health: \(Terminal.plain("\(key): \(before.word) -> \(now.word)\(why)"))\n")
  }

  private func tellNew(
    _ inventory: NodeInventory, _ name: String, _ sick: Set<String>,
    _ told: inout (bytes: [UInt8], isComplete: Bool)?, _ tell: (FoundNode) -> Void
  ) {
    let found: FoundNode
    do {
      found = try self.found(inventory, as: name, sick: sick)
    } catch {
      return Console.note("this machine cannot be reported: \(Terminal.plain(error.message))\n")
    }
    var writer = JSONWriter(.compact)
    writer.value(found.document.root)
    if let told, told.bytes == writer.bytes, told.isComplete == found.isComplete { return }
    for note in inventory.notes + InventoryNode.leftOut(of: inventory) {
      Console.note("note: \(Terminal.plain(note))\n")
    }
    if !found.isComplete {
      let why = inventory.nvml.reason ?? "not everything could be listed"
      Console.note("not reported: \(Terminal.plain(why))\n")
    }
    told = (writer.bytes, found.isComplete)
    tell(found)
  }

  private func found(
    _ inventory: NodeInventory, as name: String?, sick: Set<String>
  ) throws(StateError) -> FoundNode {
    var inventory = inventory
    if let name { inventory.host.hostname = name }
    // The lives of leases hang on the true boot, also where the machine is described.
    inventory.host.bootID = MachineFlags.bootID ?? inventory.host.bootID
    guard !inventory.host.hostname.isEmpty, !inventory.host.bootID.isEmpty else {
      throw StateError("this machine does not say who it is; give --node NAME")
    }
    do {
      return try FoundNode(
        InventoryNode.document(of: inventory, sick: sick).bytes,
        isComplete: isComplete(inventory))
    } catch {
      throw StateError(error.description)
    }
  }

  /// Whether everything could be listed. A driver that says no has answered; one that says nothing
  /// may have GPUs.
  private func isComplete(_ inventory: NodeInventory) -> Bool {
    switch inventory.nvml {
    case .late, .askerFailed: false
    case .running, .notAsked, .noLibrary, .notTrusted, .unfitLibrary, .driverFailed, .described:
      true
    }
  }
}
