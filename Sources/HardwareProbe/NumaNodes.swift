/// One online NUMA node of a machine, before any limit.
public struct HostNode: Sendable, Equatable {
  /// What a node's memory is for.
  public enum Purpose: Sendable, Equatable {
    /// Memory of the host.
    case host
    /// Memory of the GPU at that place, which the kernel shows as a node of its own.
    case gpu(PCIAddress)
    /// Memory without CPUs of which the kernel does not say whose it is: of a GPU, an expander, or
    /// a node whose CPUs are all offline. It is not offered.
    case unknown
  }

  /// The kernel's number; numbers may have gaps.
  public var id: Int
  /// Its CPUs that are online.
  public var cpus: CPUSet
  /// All of its memory in bytes; 0 for a node that has CPUs only.
  public var memoryBytes: UInt64
  /// What of it is set aside as huge pages, in bytes.
  public var hugepageBytes: UInt64
  /// What its memory is for.
  public var purpose: Purpose

  /// Makes a node of the given parts.
  public init(
    id: Int, cpus: CPUSet, memoryBytes: UInt64, hugepageBytes: UInt64, purpose: Purpose
  ) {
    self.id = id
    self.cpus = cpus
    self.memoryBytes = memoryBytes
    self.hugepageBytes = hugepageBytes
    self.purpose = purpose
  }
}

/// One NUMA node as the kernel describes it, before any limit.
struct NumaNode: Equatable {
  /// The kernel's number; numbers may have gaps.
  var id: Int
  /// CPUs that are online.
  var cpus: CPUSet
  /// All of its memory, in bytes.
  var memoryBytes: UInt64
  /// Memory set aside as huge pages, which ordinary allocations cannot have, in bytes.
  var hugepageBytes: UInt64
  /// True when the machine can have no other node, so that all its memory is this one's.
  var isOnly: Bool
  /// The GPU whose memory this is, as its driver says; nil for any other node.
  var gpu: PCIAddress?
  /// True for memory that the CPUs of the machine may be offered with.
  var isHost = false

  /// The node as the inventory shows it.
  func shown(online: CPUSet) -> HostNode {
    HostNode(
      id: id, cpus: cpus.intersection(online), memoryBytes: memoryBytes,
      hugepageBytes: hugepageBytes,
      purpose: gpu.map { .gpu($0) } ?? (isHost ? .host : .unknown))
  }
}

extension NumaNode {
  static let directory = "/sys/devices/system/node"

  /// The online nodes, ascending by id; empty when the kernel has no NUMA directory.
  static func readAll(from tree: inout FileTree) -> [NumaNode] {
    let present = tree.numbered("node", in: directory)
    let online = tree.list(directory + "/online") ?? CPUSet(present)
    let possible = tree.list(directory + "/possible")
    let gpus = NVIDIAProcEntry.readAll(from: &tree)
    var nodes = present.filter(online.contains).map { id in
      var node = read(id, isOnly: possible == CPUSet([id]), from: &tree)
      node.gpu = gpus.first { $0.memoryNode == id }?.address
      return node
    }
    if let (one, other) = overlap(nodes) {
      tree.note("NUMA nodes \(one) and \(other) claim one CPU: all nodes are taken for one")
      return merged(nodes.filter { $0.gpu == nil })
    }
    // Firmware may put CPUs and their memory into nodes of their own.
    let isSplit = !nodes.contains { !$0.cpus.isEmpty && $0.memoryBytes > 0 }
    let expanders = isSplit ? daxNodes(from: &tree) : CPUSet()
    for index in nodes.indices where nodes[index].gpu == nil {
      let node = nodes[index]
      nodes[index].isHost = !node.cpus.isEmpty || (isSplit && !expanders.contains(node.id))
    }
    return nodes
  }

  /// One node of all: lists that contradict each other say nothing of what is near to what.
  private static func merged(_ nodes: [NumaNode]) -> [NumaNode] {
    guard var all = nodes.first else { return [] }
    all.cpus = CPUSet(nodes.flatMap(\.cpus.members))
    all.memoryBytes = CapacityRules.sum(nodes.map(\.memoryBytes))
    all.hugepageBytes = CapacityRules.sum(nodes.map(\.hugepageBytes))
    all.isOnly = true
    all.isHost = true
    return [all]
  }

  /// Two nodes that claim one CPU; nil when all is well.
  private static func overlap(_ nodes: [NumaNode]) -> (Int, Int)? {
    for (index, node) in nodes.enumerated() {
      let other = nodes[..<index].first { !$0.cpus.intersection(node.cpus).isEmpty }
      if let other { return (other.id, node.id) }
    }
    return nil
  }

  /// Nodes whose memory comes from DAX devices: persistent memory and expanders.
  private static func daxNodes(from tree: inout FileTree) -> CPUSet {
    let directory = "/sys/bus/dax/devices"
    let targets = tree.names(in: directory).prefix(ProbeLimits.gpus).compactMap { name in
      tree.line("\(directory)/\(name)/target_node").flatMap { Decimal.parse($0) }
    }
    return CPUSet(targets.filter { $0 <= UInt64(ProbeLimits.identifier) }.map { Int($0) })
  }

  /// The nodes that the machine could have and that are not online.
  static func offline(from tree: inout FileTree) -> CPUSet {
    guard let possible = tree.list(directory + "/possible"),
      let online = tree.list(directory + "/online")
    else { return CPUSet() }
    return CPUSet(possible.members.filter { !online.contains($0) })
  }

  private static func read(_ id: Int, isOnly: Bool, from tree: inout FileTree) -> NumaNode {
    let path = "\(directory)/node\(id)"
    // Kernels before 2.6.25 have the mask only.
    let cpus = tree.list(path + "/cpulist") ?? tree.mask(path + "/cpumap") ?? CPUSet()
    let memory = tree.text(path + "/meminfo").flatMap { Meminfo($0).bytes("MemTotal") }
    if memory == nil { tree.note("\(path)/meminfo: no MemTotal") }
    return NumaNode(
      id: id, cpus: cpus, memoryBytes: memory ?? 0,
      hugepageBytes: Hugepages.bytes(in: path + "/hugepages", from: &tree),
      isOnly: isOnly)
  }
}

/// Huge pages that are reserved: directories `hugepages-<kB>kB`, each with its number of pages.
enum Hugepages {
  /// Bytes of all sizes in one directory; 0 when there is none.
  static func bytes(in directory: String, from tree: inout FileTree) -> UInt64 {
    var total: UInt64 = 0
    for name in tree.names(in: directory) {
      guard name.hasPrefix("hugepages-"), name.hasSuffix("kB"),
        let kibibytes = Decimal.parse(name.dropFirst(10).dropLast(2)),
        let line = tree.line("\(directory)/\(name)/nr_hugepages"),
        let pages = Decimal.parse(line)
      else { continue }
      let (bytes, overflow) = kibibytes.multipliedReportingOverflow(by: 1024)
      let (all, overflow2) = bytes.multipliedReportingOverflow(by: pages)
      let (sum, overflow3) = total.addingReportingOverflow(all)
      if overflow || overflow2 || overflow3 {
        tree.note("\(directory)/\(name): more pages than a machine can have")
        continue
      }
      total = sum
    }
    return total
  }
}

/// A text in the form of `/proc/meminfo` or a node's `meminfo`.
struct Meminfo {
  private var values: [Substring: UInt64] = [:]

  /// Reads `Name:  123 kB` and `Node 0 Name:  123 kB`; other lines are left out.
  init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let halves = line.split(separator: ":", maxSplits: 1)
      guard halves.count == 2, let name = halves[0].split(separator: " ").last else { continue }
      let fields = halves[1].split(separator: " ")
      guard fields.count == 2, fields[1] == "kB", let value = Decimal.parse(fields[0]) else {
        continue
      }
      let (bytes, overflow) = value.multipliedReportingOverflow(by: 1024)
      if !overflow && values[name] == nil { values[name] = bytes }
    }
  }

  /// The value of a field in bytes; nil when the text has none.
  func bytes(_ name: Substring) -> UInt64? { values[name] }
}
