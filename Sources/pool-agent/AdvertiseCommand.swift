import HardwareProbe
import PoolConsole
import PoolWire
import StrictJSON

/// `pool-agent advertise`.
enum AdvertiseCommand {
  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    guard arguments.has("--once") else {
      throw UsageError(message: "advertise needs --once; pool-agent run stays with a server")
    }
    let machine = try MachineFlags(arguments)
    var inventory = machine.inventory()
    for note in inventory.notes { Console.note("note: \(note)\n") }
    for note in InventoryNode.leftOut(of: inventory) { Console.note("note: \(note)\n") }
    if inventory.capacity.onlineCPUCount == 0, inventory.offerableGPUs.isEmpty {
      throw UsageError(
        message: "neither CPUs nor GPUs of this machine are known, so nothing can be advertised; "
          + "is there a /proc and a /sys below --root?")
    }
    try name(&inventory, of: machine, arguments)
    if case .unknown = inventory.cpuProfile, inventory.gpuOffers.isEmpty {
      throw UsageError(
        message: "no device of this machine has a hardware profile, so nothing can be advertised")
    }
    let document = InventoryNode.document(of: inventory)
    do {
      // What a server would refuse must not leave this machine.
      _ = try NodeDocument(try JSONDocument(document.bytes))
    } catch {
      throw UsageError(message: "this machine cannot be advertised: \(error)")
    }
    Console.print(document.text + "\n")
    return 0
  }

  /// Two machines of one name would be one node to a server, so a name is never made up.
  private static func name(
    _ inventory: inout NodeInventory, of machine: MachineFlags, _ arguments: Arguments
  ) throws(UsageError) {
    for (flag, what) in [("--node", \HostIdentity.hostname), ("--boot-id", \HostIdentity.bootID)] {
      guard let given = arguments.one(flag) else { continue }
      guard InventoryNode.isName(given) else {
        throw UsageError(
          message: "\(flag) \(quoted(given)): 1 to 100 letters, digits and ._:/@+=- are a name")
      }
      inventory.host[keyPath: what] = given
    }
    if case .described = machine.subject, inventory.host.bootID.isEmpty {
      inventory.host.bootID = "described"
    }
    let missing = [
      inventory.host.hostname.isEmpty ? "--node NAME" : nil,
      inventory.host.bootID.isEmpty ? "--boot-id ID" : nil,
    ].compactMap { $0 }
    guard missing.isEmpty else {
      throw UsageError(
        message: "this machine does not say who it is; give \(missing.joined(separator: " and "))")
    }
  }
}
