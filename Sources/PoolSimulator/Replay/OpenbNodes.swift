/// A machine of an openb trace.
public struct OpenbNode: Sendable, Hashable {
  /// Its name.
  public var name: String
  /// Processor time. Unit: thousandths of a core.
  public var cpuMilli: Int32
  /// Host memory. Unit: MiB.
  public var memoryMiB: Int64
  /// GPUs.
  public var gpus: Int
  /// Model of its GPUs; empty where it has none.
  public var model: String
}

/// The machines of an openb trace, read from text with the columns
/// `sn,cpu_milli,memory_mib,gpu,model`.
public struct OpenbNodes: Sendable {
  /// The columns.
  public static let columns = ["sn", "cpu_milli", "memory_mib", "gpu", "model"]
  /// Most nodes. Unit: nodes.
  public static let nodesMax = 10_000
  /// Most GPUs of one node. Unit: GPUs.
  public static let gpusMax: Int64 = 16
  /// Most models of all nodes: each has a lane, and processors have another. Unit: models.
  public static let modelsMax = 63
  /// Longest name of a node or model. Unit: bytes.
  public static let nameBytesMax = 128
  /// Most processor time of a node or pod. Unit: thousandths of a core.
  public static let cpuMilliMax: Int64 = 1_024_000
  /// Most host memory of a node or pod, 1 PiB. Unit: MiB.
  public static let memoryMiBMax: Int64 = 1 << 30

  /// The nodes, in the order in which they are enrolled: ties go to the first.
  public private(set) var nodes: [OpenbNode] = []
  /// Models of GPUs, in the order in which they first come in the file.
  public private(set) var models: [String] = []

  /// Reads nodes.
  /// - Throws: the first error, with its line.
  public init(_ bytes: [UInt8]) throws(TraceError) {
    let table = try TraceTable(bytes, required: Self.columns, rowsMax: Self.nodesMax)
    var lineOf: [String: Int] = [:]
    for row in table.rows {
      let name = try TraceText.name(
        table.bytes(row, "sn"), "sn", bytesMax: Self.nameBytesMax, row.line)
      if let first = lineOf.updateValue(row.line, forKey: name) {
        throw TraceError(line: row.line, message: "node \(name) is on line \(first) already")
      }
      let gpus = try table.number(row, "gpu", 0...Self.gpusMax)
      let model =
        gpus == 0
        ? ""
        : try TraceText.name(
          table.bytes(row, "model"), "model", bytesMax: Self.nameBytesMax, row.line)
      nodes.append(
        OpenbNode(
          name: name, cpuMilli: Int32(try table.number(row, "cpu_milli", 1...Self.cpuMilliMax)),
          memoryMiB: try table.number(row, "memory_mib", 1...Self.memoryMiBMax),
          gpus: Int(gpus), model: model))
      guard gpus > 0, !models.contains(model) else { continue }
      guard models.count < Self.modelsMax else {
        throw TraceError(line: row.line, message: "more than \(Self.modelsMax) GPU models")
      }
      models.append(model)
    }
  }

  /// GPUs of all nodes.
  public var gpus: Int { nodes.reduce(0) { $0 + $1.gpus } }

  /// Puts the nodes into the order in which a file names them, a name on each line.
  /// - Throws: where a name is no node, comes twice, or a node is missing.
  public mutating func order(by bytes: [UInt8]) throws(TraceError) {
    var rows: [String: Int] = [:]
    for (row, node) in nodes.enumerated() { rows[node.name] = row }
    var ordered: [OpenbNode] = []
    let lines = try TraceText.forEachLine(of: bytes) { (text, line) throws(TraceError) in
      let name = try TraceText.name(text, "the line", bytesMax: Self.nameBytesMax, line)
      guard let row = rows.removeValue(forKey: name) else {
        let isKnown = nodes.contains { $0.name == name }
        throw TraceError(
          line: line, message: isKnown ? "node \(name) comes twice" : "there is no node \(name)")
      }
      ordered.append(nodes[row])
    }
    if let missing = rows.min(by: { $0.value < $1.value })?.key {
      throw TraceError(
        line: max(1, lines), message: "node \(missing) is missing; the order names every node once")
    }
    nodes = ordered
  }
}
