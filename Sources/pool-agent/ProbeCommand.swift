import HardwareProbe
import PoolWire

/// `pool-agent probe`.
enum ProbeCommand {
  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    var options = Probe.Options(catalogue: try catalogue(arguments))
    if let root = arguments.one("--root") {
      guard Console.isDirectory(root) else {
        throw UsageError(message: "--root \(quoted(root)): there is no such directory")
      }
      options.root = root
      // A captured tree says nothing of the driver of the machine that reads it.
      options.nvml = .none
    }
    let inventory = Probe.run(options)
    Console.print(
      arguments.has("--json")
        ? inventory.json() + "\n" : inventory.table(agentVersion: Forms.version))
    return 0
  }

  /// The profiles that were named, or those that come with the program; nil where there are none.
  static func catalogue(_ arguments: Arguments) throws(UsageError) -> ProfileCatalogue? {
    try ProfilesCommand.catalogue(named: arguments.one("--profiles"))?.catalogue
  }
}
