import PoolAllocator
import Workload

/// How long single commands take while every GPU is in use and many claims wait.
enum PercentilesCommand {
  static func run(_ options: Options) -> Int32 {
    let nodes = options.number("--nodes", or: 1_000)
    let queued = options.number("--waiting", or: 10_000)
    let turns = options.number("--turns", or: 20_000)
    let lanes = options.number("--lanes", or: 1)
    guard lanes <= Limits.lanes else {
      print("--lanes takes 1 to \(Limits.lanes), not \(lanes)")
      return 2
    }
    var crowd = Crowd(nodes: nodes, queued: queued, lanes: lanes, samples: 40 * turns)
    for _ in 0..<turns { crowd.turn() }
    print("\(Machine.description); load \(Machine.load)")
    print(
      "\(grouped(nodes)) nodes x 8 in \(lanes) lanes, every GPU in use, \(grouped(queued)) wait; "
        + "\(turns) turns")
    let heads = ["count", "p50", "p99", "p99.9", "max"]
    print(Table.left("command", 14) + heads.map { Table.right($0, 11) }.joined())
    for subject in Crowd.Subject.allCases where crowd[subject].count > 0 {
      let found = crowd[subject].quantiles([500, 990, 999, 1_000]).map(Table.time)
      print(
        Table.left("\(subject)", 14) + Table.right(grouped(crowd[subject].count), 11)
          + found.map { Table.right($0, 11) }.joined())
    }
    return 0
  }
}
