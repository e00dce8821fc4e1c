import Glibc
import Workload

/// Every case, the mix and the memory, in one process.
enum EverythingCommand {
  /// Claims that wait while the mix runs.
  static let waiting = 1_000

  static func run(_ options: Options) -> Int32 {
    let sizes = options.numbers("--nodes", or: [1_000, 10_000, 100_000])
    let rounds = options.number("--rounds", or: 5)
    let path = options.text("--limits", or: "Benchmarks/allocations.txt")
    guard let limits = AllocationLimits(path) else { return 2 }
    Machine.checkCounter()
    print("\(Machine.description); load \(Machine.load)")
    var report = Report()
    // The largest first: its memory is measured in a heap that nobody used before.
    for nodes in sizes.sorted(by: >) { measureFleet(nodes, rounds, &report) }
    if sizes.contains(1_000) { measureJournal(rounds, &report) }
    for nodes in sizes.sorted(by: >) where nodes <= 10_000 {
      measureCrowd(nodes, rounds, &report)
    }
    print("medians of \(rounds) rounds, each followed by its floor; load \(Machine.load)\n")
    print(Table.text(report.ordered))
    for line in report.notes { print(line) }
    return limits.check(report.ordered) ? 0 : 1
  }

  /// What was measured so far.
  struct Report {
    var rows: [Row] = []
    var notes: [String] = []

    /// Rows of one thing stand together, smallest first.
    var ordered: [Row] {
      var order: [String] = []
      for row in rows where !order.contains(row.what) { order.append(row.what) }
      return order.flatMap { what in rows.filter { $0.what == what }.reversed() }
    }
  }

  private static func measureFleet(_ nodes: Int, _ rounds: Int, _ report: inout Report) {
    progress("\(grouped(nodes)) nodes: filling")
    let isLarge = nodes == 100_000
    let stage = FleetStage(filled(nodes, isLarge, &report))
    let floors = Floors(nodes: nodes)
    func add(_ subject: Case<FleetStage>) {
      guard subject.sizes.contains(nodes) || subject.sizes.count == 3 else { return }
      progress("\(grouped(nodes)) nodes: \(subject.name)")
      report.rows.append(
        measure(subject, on: stage, nodes: nodes, rounds: rounds, beside: floors))
    }
    for subject in Case<FleetStage>.pairs { add(subject) }
    for subject in [Case<FleetStage>.recorded, .charge, .snapshot, .digest] { add(subject) }
    if isLarge { measureTicks(stage.fleet, rounds, floors, &report) }
    for waiting in [0, Self.waiting] {
      progress("\(grouped(nodes)) nodes: mix, \(waiting) wait")
      let result = Mix.run(
        on: stage, waiting: waiting, pairs: waiting == 0 ? 50_000 : 10_000, rounds: rounds,
        beside: floors)
      report.rows += PairsCommand.rows(of: result, nodes: nodes, waiting: waiting)
      report.notes.append(PairsCommand.line(of: result, nodes: nodes))
    }
    add(.renew)
  }

  /// A fleet that is nearly full; on the way there the memory of the largest is looked at.
  private static func filled(_ nodes: Int, _ isLarge: Bool, _ report: inout Report) -> Fleet {
    var fleet: Fleet
    if isLarge {
      let (lines, half) = MemoryCommand.measure(nodes: nodes, leases: 500_000)
      report.notes += lines
      fleet = half
    } else {
      fleet = Fleet(nodes: nodes)
    }
    fleet.fill()
    return fleet
  }

  /// On a copy: leases end in it.
  private static func measureTicks(
    _ fleet: Fleet, _ rounds: Int, _ floors: Floors, _ report: inout Report
  ) {
    let stage = TickStage(fleet)
    for subject in Case<TickStage>.ticks {
      progress("\(grouped(fleet.leases)) leases: \(subject.name)")
      report.rows.append(
        measure(subject, on: stage, nodes: 100_000, rounds: rounds, beside: floors))
    }
  }

  private static func measureJournal(_ rounds: Int, _ report: inout Report) {
    progress("journal")
    let stage = JournalStage(nodes: 64)
    let floors = Floors(nodes: 64)
    for subject in Case<JournalStage>.journal {
      report.rows.append(
        measure(subject, on: stage, nodes: 64, rounds: rounds, beside: floors))
    }
  }

  private static func measureCrowd(_ nodes: Int, _ rounds: Int, _ report: inout Report) {
    progress("\(grouped(nodes)) nodes: explain")
    let stage = CrowdStage(nodes: nodes)
    let floors = Floors(nodes: nodes)
    report.rows.append(
      measure(.explain, on: stage, nodes: nodes, rounds: rounds, beside: floors))
  }

  /// Says on standard error what is being done: in one line on a terminal, else line by line.
  private static func progress(_ text: String) {
    var line = isatty(2) == 1 ? "\r\u{1B}[K\(text)" : "\(text)\n"
    line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
  }
}
