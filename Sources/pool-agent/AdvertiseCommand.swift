import HardwareProbe
import PoolWire
import StrictJSON

/// `pool-agent advertise`.
enum AdvertiseCommand {
  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    guard arguments.has("--once") else {
      throw UsageError(message: "advertise needs --once: there is no server to stay with yet")
    }
    let inventory = try MachineFlags(arguments).inventory()
    for note in inventory.notes { Console.note("note: \(note)\n") }
    for note in InventoryNode.leftOut(of: inventory) { Console.note("note: \(note)\n") }
    if inventory.capacity.onlineCPUCount == 0, inventory.offerableGPUs.isEmpty {
      throw UsageError(
        message: "neither CPUs nor GPUs of this machine are known, so nothing can be advertised; "
          + "is there a /proc and a /sys below --root?")
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
}
