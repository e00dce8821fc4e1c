import HardwareProbe
import PoolAllocator
import PoolWire
import StrictJSON

/// A probed machine as a node document: what of it can be offered.
enum InventoryNode {
  /// The document of an inventory. CPU sets are offered per NUMA node; a quota or limit that the
  /// kernel does not divide among them is cut off the last ones. GPUs of a known profile are in it,
  /// the broken ones as failed, the cut ones with their partitions.
  ///
  /// The agent does not guard devices yet, so the node enforces nothing.
  /// - Parameter sick: devices that are offered as failed whatever they say now.
  static func document(of inventory: NodeInventory, sick: Set<String> = []) -> JSONWriter {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "node")
      writer.string("name", name(inventory.host.hostname, or: "this-machine"))
      writer.string("boot_id", name(inventory.host.bootID, or: "unknown"))
      writer.int64("cpu_milli", clamp(inventory.capacity.cpuMilli, to: 1_024_000))
      writer.int64("host_memory_bytes", clamp(inventory.hostMemoryOffered, to: 1 << 50))
      writer.string("enforcement", "none")
      writer.array("devices") { writer in
        cpuSets(inventory, &writer)
        for offer in offers(inventory) { write(offer, sick, &writer) }
      }
    }
    return writer
  }

  /// The inventory as the decoder of nodes reads it.
  static func node(of inventory: NodeInventory) throws(JSONErrors) -> NodeDocument {
    try NodeDocument(try JSONDocument(document(of: inventory).bytes))
  }

  private static func cpuSets(_ inventory: NodeInventory, _ writer: inout JSONWriter) {
    if case .unknown = inventory.cpuProfile { return }
    var left = min(inventory.capacity.cpuMilli, 1_024_000)
    let profile = inventory.cpuProfile.name ?? "cpu-\(name(inventory.host.architecture, or: "any"))"
    let host = name(inventory.host.hostname, or: "this-machine")
    var sets = inventory.capacity.numaNodes.filter { !$0.cpus.isEmpty }.prefix(cpuSetsMax)
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

  /// GPUs beyond what a document takes are left out, and their partitions with them.
  private static func offers(_ inventory: NodeInventory) -> [GPUOffer] {
    var left = Limits.devicesPerNode - cpuSetsMax
    return Array(
      inventory.gpuOffers.prefix { offer in
        left -= 1 + min(offer.partitions?.count ?? 0, partitionsMax)
        return left >= 0
      })
  }

  /// What is not in the document although the machine has it, one clause each.
  static func leftOut(of inventory: NodeInventory) -> [String] {
    let offered = offers(inventory)
    var notes: [String] = []
    if case .unknown(let reason, _) = inventory.cpuProfile {
      notes.append("the CPUs are left out: \(reason)")
    }
    if offered.count < inventory.gpuOffers.count {
      notes.append(
        "the document takes \(offered.count) of \(inventory.gpuOffers.count) GPUs")
    }
    for gpu in inventory.gpus where !offered.contains(where: { $0.uuid == gpu.uuid }) {
      let unmatched = "it matches no hardware profile"
      notes.append("device \(gpu.index) is left out: \(gpu.state.reason ?? unmatched)")
    }
    for gpu in inventory.gpus {
      for instance in gpu.mig.instances ?? [] where !instance.isOfferable {
        notes.append(
          "MIG device \(instance.position) of device \(gpu.index) is left out: "
            + why(instance))
      }
    }
    return notes
  }

  private static func why(_ instance: MIGInstance) -> String {
    if let fault = instance.fault { return fault }
    if instance.sharesMemory { return "it shares the memory of its GPU instance" }
    return instance.placement == nil ? "its placement is told to root only" : "its kind is unknown"
  }

  private static func write(
    _ offer: GPUOffer, _ sick: Set<String>, _ writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.string("uuid", name(offer.uuid, or: "gpu"))
      writer.string("kind", "gpu")
      writer.string("profile", offer.profile)
      writer.int64("memory_bytes", clamp(offer.memoryBytes, to: 1 << 50))
      if let node = offer.numaNode { writer.int64("numa", Int64(min(node, 65_535))) }
      if offer.island > 0 { writer.int64("island", Int64(min(offer.island, 255))) }
      if !offer.isHealthy || sick.contains(offer.uuid) { writer.string("condition", "failed") }
      guard let partitions = offer.partitions else { return }
      writer.array("mig") { writer in
        for part in partitions.prefix(partitionsMax) { write(part, sick, &writer) }
      }
    }
  }

  private static func write(
    _ part: MIGInstance, _ sick: Set<String>, _ writer: inout JSONWriter
  ) {
    guard let uuid = part.uuid, let kind = part.profile, let memory = part.memory,
      let place = part.placement
    else { return }
    writer.object { writer in
      writer.string("uuid", name(uuid, or: "mig"))
      writer.string("slice", name(kind, or: "mig"))
      writer.int64("memory_bytes", clamp(max(memory.usableBytes, 1), to: 1 << 50))
      if sick.contains(uuid) { writer.string("condition", "failed") }
      writer.array("slots") { writer in
        for slot in place.start..<(place.start + place.size) { writer.int64(Int64(slot)) }
      }
    }
  }

  /// Partitions of one board and CPU sets of one node that a document takes.
  private static let partitionsMax = 16
  private static let cpuSetsMax = 8

  private static func clamp(_ value: UInt64, to most: Int64) -> Int64 {
    min(Int64(clamping: value), most)
  }

  /// Whether documents accept a name as it stands.
  static func isName(_ text: String) -> Bool { !text.isEmpty && name(text, or: "") == text }

  /// What a machine calls itself, as a name that documents accept.
  private static func name(_ text: String, or other: String) -> String {
    let plain = text.unicodeScalars.prefix(100).map { scalar -> Character in
      let isPlain =
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
      return isPlain || "._:/@+=-".unicodeScalars.contains(scalar) ? Character(scalar) : "-"
    }
    return plain.isEmpty ? other : String(plain)
  }
}
