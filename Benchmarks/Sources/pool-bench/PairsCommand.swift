import Workload

/// The headline: the whole mix in a pool that is kept nearly full.
enum PairsCommand {
  static func run(_ options: Options) -> Int32 {
    let nodes = options.number("--nodes", or: 10_000)
    let waiting = options.number("--waiting", or: EverythingCommand.waiting)
    let stage = FleetStage(nodes: nodes)
    let result = Mix.run(
      on: stage, waiting: waiting, pairs: options.number("--pairs", or: 50_000),
      rounds: options.number("--rounds", or: 5), beside: Floors(nodes: nodes))
    print("\(Machine.description); load \(Machine.load)")
    print(Table.text(rows(of: result, nodes: nodes, waiting: waiting)))
    print(line(of: result, nodes: nodes))
    return 0
  }

  static func rows(of result: Mix.Result, nodes: Int, waiting: Int) -> [Row] {
    let tail = waiting == 0 ? "nobody waits" : "\(grouped(waiting)) wait"
    let size = FleetStage.size(of: nodes)
    var rows = [
      Row(
        what: "mix, \(tail): pair", size: size, median: 1e9 / median(result.rates), p99: nil,
        floor: .bareIndex, floorMedian: median(result.floors), allocations: result.allocations)
    ]
    let names: [(CommandName, String)] = [
      (.submit, "submit"), (.start, "started"), (.release, "release"), (.empty, "empty"),
      (.tick, "tick"),
    ]
    for (name, text) in names where result.stopwatch[name].count > 0 {
      let found = result.stopwatch[name].quantiles([500, 990])
      rows.append(Row(what: "mix, \(tail): \(text)", size: size, median: found[0], p99: found[1]))
    }
    return rows
  }

  static func line(of result: Mix.Result, nodes: Int) -> String {
    func rate(_ value: Double?) -> String { grouped(Int(value ?? 0)) }
    return
      "mix: \(grouped(nodes)) nodes x 8, \(Table.decimal(Double(result.full) / 10, 1)) % full, "
      + "\(grouped(result.leases)) leases, \(grouped(result.waiting)) wait: "
      + "\(rate(median(result.rates))) pairs/s (\(rate(result.rates.min()))-"
      + "\(rate(result.rates.max()))), "
      + "\(Table.decimal(result.refused, 3)) not granted at once a pair"
  }
}
