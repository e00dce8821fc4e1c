import HardwareProbe
import PoolWire
import StrictJSON

/// A probed machine as a node document: what of it can be offered.
enum InventoryNode {
  /// The document of an inventory. CPU sets are offered per NUMA node; a quota or limit that the
  /// kernel does not divide among them is cut off the last ones. GPUs are offered where they answer
  /// and match a profile.
  ///
  /// The agent does not guard devices yet, so the node enforces nothing.
  static func document(of inventory: NodeInventory) -> JSONWriter {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "node")
      writer.string("name", name(inventory.host.hostname, or: "this-machine"))
      writer.string("boot_id", name(inventory.host.bootID, or: "unknown"))
      writer.int64("cpu_milli", clamp(inventory.capacity.cpuMilli, to: 1_024_000))
      writer.int64("host_memory_bytes", clamp(inventory.capacity.memoryBytes, to: 1 << 50))
      writer.string("enforcement", "none")
      writer.array("devices") { writer in
        cpuSets(inventory, &writer)
        for gpu in inventory.offerableGPUs.prefix(16) { write(gpu, &writer) }
      }
    }
    return writer
  }

  /// The inventory as the decoder of nodes reads it.
  static func node(of inventory: NodeInventory) throws(JSONErrors) -> NodeDocument {
    try NodeDocument(try JSONDocument(document(of: inventory).bytes))
  }

  private static func cpuSets(_ inventory: NodeInventory, _ writer: inout JSONWriter) {
    var left = min(inventory.capacity.cpuMilli, 1_024_000)
    let profile = inventory.cpuProfile.name ?? "cpu-\(name(inventory.host.architecture, or: "any"))"
    let host = name(inventory.host.hostname, or: "this-machine")
    var sets = inventory.capacity.numaNodes.filter { !$0.cpus.isEmpty }.prefix(8)
      .map { (number: $0.numaNode, milli: $0.cpuMilli) }
    if sets.isEmpty { sets = [(0, left)] }
    for set in sets {
      let milli = min(set.milli, left)
      guard milli > 0 else { continue }
      left -= milli
      writer.object { writer in
        writer.string("uuid", "\(host.prefix(100))/cpu\(set.number)")
        writer.string("kind", "cpu")
        writer.string("profile", profile)
        writer.int64("milli", Int64(milli))
        writer.int64("numa", Int64(min(set.number, 65_535)))
      }
    }
  }

  private static func write(_ gpu: GPUEntry, _ writer: inout JSONWriter) {
    guard let uuid = gpu.uuid, let profile = gpu.profile.name, let memory = gpu.memory else {
      return
    }
    let usable = memory.totalBytes - min(memory.totalBytes, memory.reservedBytes ?? 0)
    guard usable > 0 else { return }
    writer.object { writer in
      writer.string("uuid", name(uuid, or: "gpu\(gpu.index)"))
      writer.string("kind", "gpu")
      writer.string("profile", profile)
      writer.int64("memory_bytes", clamp(usable, to: 1 << 50))
    }
  }

  private static func clamp(_ value: UInt64, to most: Int64) -> Int64 {
    min(Int64(clamping: value), most)
  }

  /// What a machine calls itself, as a name that documents accept.
  private static func name(_ text: String, or other: String) -> String {
    let plain = text.unicodeScalars.prefix(100).map { scalar -> Character in
      let isPlain =
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
      return isPlain || "._-".unicodeScalars.contains(scalar) ? Character(scalar) : "-"
    }
    return plain.isEmpty ? other : String(plain)
  }
}
