import PoolAllocator
import PoolConsole
import PoolSimulator

/// `pool-sim replay philly`: virtual clusters as tenants of one pool.
enum PhillyPage {
  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    let file = try ReplayCommand.file("--jobs", of: arguments)
    let nodes = try FairnessCommand.number(arguments, "--nodes", in: 1...1_000)
    let mix = try ReplayCommand.read(file) { bytes throws(TraceError) in
      try FairnessTrace(bytes).mix(nodes: nodes.map { Int($0) })
    }
    Console.endOnInterrupt()
    ProgressLine.show("\(mix.jobs.count) jobs …")
    let began = Console.monotonicNanoseconds()
    let replay = TraceReplay(mix)
    let took = Console.monotonicNanoseconds() - began
    ProgressLine.clear()
    if arguments.has("--json") {
      Console.print(FairnessJSON.text(replay))
      return 0
    }
    let page = Page(width: Terminal.width())
    var lines = page.prose(
      "\(mix.gpus) GPUs on \(mix.nodes) nodes, \(mix.tenants.count) tenants, "
        + "\(FairnessText.grouped(Int64(mix.jobs.count))) jobs in "
        + FairnessText.length(Span(ns: mix.end.ns)), indent: "")
    for (title, table) in replay.tables {
      lines += [""] + page.prose(title)
      let rows = table.rows.map { $0.map(Terminal.plain) }
      lines += page.table(header: table.header, rows: rows, optional: table.optional)
    }
    lines += [""]
    lines += replay.summary.flatMap { page.prose($0) }
    Console.print(lines.joined(separator: "\n") + "\n")
    Console.print("  decided in \(took / 1_000_000) ms\n")
    return 0
  }
}
