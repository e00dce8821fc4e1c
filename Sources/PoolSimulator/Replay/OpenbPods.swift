/// What one pod of an openb trace asks for, on one node.
public struct OpenbPod: Sendable, Hashable {
  /// Processor time. Unit: thousandths of a core.
  public var cpuMilli: Int32
  /// Host memory. Unit: MiB.
  public var memoryMiB: Int64
  /// GPUs; 0: processor time alone.
  public var gpus: Int
  /// Share of each GPU; 0 where it asks for none. Unit: thousandths.
  public var gpuMilli: Int32
  /// GPU models that it accepts, by name; empty: any. The authors of the trace count pods that name
  /// one twice as another kind of work, so that is kept.
  public var models: [String]

  /// Makes a pod.
  public init(
    cpuMilli: Int32, memoryMiB: Int64, gpus: Int, gpuMilli: Int32, models: [String]
  ) {
    self.cpuMilli = cpuMilli
    self.memoryMiB = memoryMiB
    self.gpus = gpus
    self.gpuMilli = gpuMilli
    self.models = models
  }

  /// GPU time of all its GPUs. Unit: thousandths.
  public var allMilli: Int64 { Int64(gpus) * Int64(gpuMilli) }
}

/// Pods of an openb trace in the order of their arrival, read from text with the columns
/// `cpu_milli,memory_mib,num_gpu,gpu_milli` and, where it is there, `gpu_spec`.
public struct OpenbPods: Sendable {
  /// The columns that must be there.
  public static let columns = ["cpu_milli", "memory_mib", "num_gpu", "gpu_milli"]
  /// Most pods. Unit: pods.
  public static let podsMax = 200_000
  /// Most GPUs of one pod. Unit: GPUs.
  public static let gpusMax: Int64 = 16

  /// The pods.
  public private(set) var pods: [OpenbPod] = []

  /// Reads pods.
  /// - Throws: the first error, with its line.
  public init(_ bytes: [UInt8]) throws(TraceError) {
    let table = try TraceTable(bytes, required: Self.columns, rowsMax: Self.podsMax)
    pods.reserveCapacity(table.rows.count)
    for row in table.rows { pods.append(try Self.pod(row, of: table)) }
  }

  private static func pod(
    _ row: TraceTable.Row, of table: TraceTable
  ) throws(TraceError) -> OpenbPod {
    let gpus = try table.number(row, "num_gpu", 0...gpusMax)
    // A list of the trace says 1,000 for each GPU, and nothing that means anything without one.
    let milli = gpus == 0 ? 0 : try table.number(row, "gpu_milli", 1...1_000)
    let cpu = try table.number(
      row, "cpu_milli", (gpus == 0 ? 1 : 0)...OpenbNodes.cpuMilliMax)
    let memory = try table.number(row, "memory_mib", 0...OpenbNodes.memoryMiBMax)
    var models: [String] = []
    let spec = table.bytes(row, "gpu_spec")
    if gpus > 0, !spec.isEmpty {
      let names = spec.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: true)
      models = try names.map { name throws(TraceError) in
        try TraceText.name(name, "gpu_spec", bytesMax: OpenbNodes.nameBytesMax, row.line)
      }
    }
    return OpenbPod(
      cpuMilli: Int32(cpu), memoryMiB: memory, gpus: Int(gpus), gpuMilli: Int32(milli),
      models: models.sorted())
  }
}
