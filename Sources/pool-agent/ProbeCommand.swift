import HardwareProbe
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
      ? inventory.json() + "\n" : inventory.table(agentVersion: Forms.version)
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
    let named = arguments.one("--profiles")
    guard let directory = named ?? bundledProfiles() else {
      Console.note("note: no hardware profiles found; --profiles names a directory\n")
      return nil
    }
    do {
      return try ProfileCatalogue(directory: directory)
    } catch {
      throw UsageError(lines: error.messages, message: "the hardware profiles cannot be used")
    }
  }

  /// `share/pool-allocator/hardware-profiles` beside the program's `bin`, or `hardware-profiles` in
  /// the checkout that it was built in.
  private static func bundledProfiles() -> String? {
    guard let program = Console.executablePath() else { return nil }
    var parts = program.split(separator: "/").dropLast()
    let installed = "/" + parts.dropLast().joined(separator: "/")
    let first = "\(installed)/share/pool-allocator/hardware-profiles"
    if Console.isDirectory(first) { return first }
    for _ in 0..<5 where !parts.isEmpty {
      let here = "/" + parts.joined(separator: "/")
      if Console.isDirectory("\(here)/hardware-profiles") { return "\(here)/hardware-profiles" }
      parts = parts.dropLast()
    }
    return nil
  }
}
