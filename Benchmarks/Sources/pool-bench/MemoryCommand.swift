import Workload

/// What nodes and leases take of memory.
enum MemoryCommand {
  static func run(_ options: Options) -> Int32 {
    let (lines, _) = measure(
      nodes: options.number("--nodes", or: 100_000), leases: options.number("--leases", or: 500_000)
    )
    for line in lines { print(line) }
    return 0
  }

  /// Fills a fleet, and looks at the memory before, between and after.
  static func measure(nodes: Int, leases: Int) -> (lines: [String], Fleet) {
    var points = [(Machine.resident, Machine.heap)]
    var fleet = Fleet(nodes: nodes)
    points.append((Machine.resident, Machine.heap))
    while fleet.leases < leases, fleet.fullness() < Fleet.fullMilli {
      fleet.fill(atMost: fleet.running + min(100, leases - fleet.leases))
    }
    points.append((Machine.resident, Machine.heap))
    func each(_ from: Int, _ to: Int, _ count: Int) -> String {
      let resident = (points[to].0 - points[from].0) / max(1, count)
      let heap = (points[to].1 - points[from].1) / max(1, count)
      return "\(grouped(resident)) bytes resident, \(grouped(heap)) of heap"
    }
    func mebibytes(_ bytes: Int) -> String { grouped((bytes + 524_288) >> 20) + " MiB" }
    let (resident, heap) = (points[2].0 - points[0].0, points[2].1 - points[0].1)
    let lines = [
      "memory: each node with 8 GPUs \(each(0, 1, nodes))",
      "memory: each lease with its claim \(each(1, 2, fleet.leases))",
      "memory: \(grouped(nodes)) nodes x 8 with \(grouped(fleet.leases)) leases: "
        + "\(mebibytes(resident)) resident, \(mebibytes(heap)) of heap, what the fleet itself "
        + "remembers of its leases included",
    ]
    return (lines, fleet)
  }
}
