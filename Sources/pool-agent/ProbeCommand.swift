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
