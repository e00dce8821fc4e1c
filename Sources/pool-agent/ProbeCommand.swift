import HardwareProbe
import PoolConsole
import PoolWire

/// `pool-agent probe`.
enum ProbeCommand {
  /// Exit code of `--strict` when something is unusable or unknown.
  static let strictFailure: Int32 = 11

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    let machine = try MachineFlags(arguments)
    if arguments.has("--watch") { return try WatchCommand(arguments, machine).run() }
    if arguments.has("--interval") {
      throw UsageError(message: "--interval goes with --watch only")
    }
    let inventory = machine.inventory()
    Console.print(text(of: inventory, arguments))
    return code(of: inventory, arguments)
  }

  static func text(of inventory: NodeInventory, _ arguments: Arguments) -> String {
    arguments.has("--json")
      ? inventory.json() + "\n" : ProbeText.text(of: inventory, width: Terminal.width())
  }

  /// With `--strict` the first devices that cannot be offered are named.
  static func code(of inventory: NodeInventory, _ arguments: Arguments) -> Int32 {
    guard arguments.has("--strict") else { return 0 }
    let faults = inventory.strictFaults
    guard !faults.isEmpty else { return 0 }
    for fault in faults.prefix(16) { Console.note("strict: \(fault)\n") }
    return strictFailure
  }

  /// The profiles that were named, or those that come with the program; nil where there are none.
  static func catalogue(_ arguments: Arguments) throws(UsageError) -> ProfileCatalogue? {
    try ProfilesCommand.catalogue(named: arguments.one("--profiles"))?.catalogue
  }
}
