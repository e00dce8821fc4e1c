import PoolConsole
import PoolSimulator
import PoolWire

/// `pool-sim replay`: a trace of a real cluster through the production allocator.
enum ReplayCommand {
  static let form = CommandLineForm(
    name: "replay",
    usage: """
      pool-sim replay openb --nodes FILE --pods FILE --out FILE [--node-order FILE]
             [--policy NAME] [--mix known|learned] [--mix-pods FILE] [--moves] [--waits]
             pool-sim replay philly --jobs FILE [--nodes N] [--json]
      """,
    summary: "put a trace of a real cluster through the production allocator",
    flags: [
      Flag(
        name: "--nodes", values: .one("a file, or for philly a number"),
        summary: "openb: the machines (CSV); philly: how many nodes of 8 GPUs"),
      Flag(
        name: "--pods", values: .one("a file"), summary: "openb: the pods in their order (CSV)"),
      Flag(
        name: "--node-order", values: .one("a file"),
        summary: "openb: every node on a line; ties go to the first; default: as in --nodes"),
      Flag(
        name: "--out", values: .one("a file"), summary: "openb: where placements are written"),
      Flag(
        name: "--policy", values: .one("a name"),
        summary: "openb: how places are chosen: \(OpenbPage.policies); default best-fit"),
      Flag(
        name: "--mix", values: .one("a name"),
        summary: "openb: the mix of work: known (counted before) or, for offer-value, learned"),
      Flag(
        name: "--mix-pods", values: .one("a file"),
        summary: "openb: the pods that a known mix is counted from (CSV); default: --pods"),
      Flag(
        name: "--moves", values: .none,
        summary: "openb: move pods that run for one that fits nowhere; not the eager experiment"),
      Flag(
        name: "--waits", values: .none,
        summary: "openb: with offer-value, let pods wait whose room is worth more to others"),
      Flag(name: "--jobs", values: .one("a file"), summary: "philly: the jobs (CSV)"),
      Flag(name: "--json", values: .none, summary: "print one JSON document"),
      Forms.help,
    ],
    details: """
      openb: an empty cluster, one pod after the other, none of which ends; a pod that fits nowhere
      is refused for good. Each GPU model is a lane, gpu_spec a set of lanes; pods without GPUs are
      claims for processor time. Nodes have the columns sn,cpu_milli,memory_mib,gpu,model, pods
      cpu_milli,memory_mib,num_gpu,gpu_milli and perhaps gpu_spec (models joined by |), in any
      order. --out gets seq,node,gpus: a line for each pod, its GPUs joined by -, node and gpus
      empty where it was refused.
      best-fit is what the allocator does by default: the tightest fit in the first lane with room,
      in the order in which --nodes first names the models. fgd is fragmentation gradient descent:
      over all lanes, the place that takes least from the mix of work to be expected. offer-value
      takes least of what free room is worth to that work, offer by offer; it learns the mix from
      the pods as they come in, unless --mix known or --mix-pods says otherwise.
      --moves and --waits give more freedom than the experiment of the trace's authors, so figures
      with them are not to be compared with any without. With --moves every pod may be interrupted:
      for one that fits nowhere the pool is asked which pods would have to go where, they are ended
      and started there, and it is placed. With --waits a pod waits, though it fits, while the room
      that it would take is worth more to the pods to come; those that wait are placed where they
      fit when all have come. A row of --out then says where a pod is in the end.

      philly: jobs with the columns vc,job,submit_s,gpus,duration_s; each vc is a tenant of equal
      weight. Prints waits, shares and GPU-seconds. Without --nodes the cluster is as large as what
      comes with the first half of the jobs would fill. pool-sim fairness --trace compares the same
      with plain schedulers.

      Files may be packed with gzip. Exit codes: 0 done · 2 usage, or a file in error.
      """,
    operands: "openb or philly")

  /// Largest file that is read, and the most that a packed one may unpack to. Unit: bytes.
  private static let bytesMax = 64 << 20

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    let names = ["openb", "philly"]
    guard let name = arguments.operands.first, arguments.operands.count == 1 else {
      throw UsageError(message: "replay needs the kind of the trace, one of: openb, philly")
    }
    switch name {
    case "openb":
      try refuse(["--jobs", "--json"], of: arguments, name)
      return try OpenbPage.run(arguments)
    case "philly":
      try refuse(
        [
          "--pods", "--node-order", "--out", "--policy", "--mix", "--mix-pods", "--moves",
          "--waits",
        ], of: arguments, name)
      return try PhillyPage.run(arguments)
    default:
      let hint = NearestName.hint(name, among: names, called: "kind")
      throw UsageError(message: "replay knows no trace of the kind \(quoted(name)); \(hint)")
    }
  }

  /// Refuses flags that belong to the other kind of trace.
  private static func refuse(
    _ flags: [String], of arguments: Arguments, _ kind: String
  ) throws(UsageError) {
    for flag in flags where arguments.has(flag) {
      throw UsageError(message: "\(flag) means nothing for \(kind); leave it out")
    }
  }

  /// The file that a flag names.
  static func file(_ flag: String, of arguments: Arguments) throws(UsageError) -> String {
    guard let path = arguments.one(flag) else {
      throw UsageError(message: "replay \(arguments.operands[0]) needs \(flag) FILE")
    }
    return path
  }

  /// Reads a trace from a file, which may be packed with gzip.
  static func read<Trace>(
    _ path: String, _ body: ([UInt8]) throws(TraceError) -> Trace
  ) throws(UsageError) -> Trace {
    let shown = path == "-" ? "standard input" : Terminal.plain(path)
    var bytes: [UInt8]
    do {
      bytes = try Console.read(path, upTo: bytesMax)
    } catch {
      throw UsageError(message: error.message)
    }
    if GzipFile.isOne(bytes) {
      do throws(GzipError) {
        bytes = try GzipFile.unpacked(bytes, upTo: bytesMax)
      } catch {
        throw UsageError(
          message: "\(shown): cannot be unpacked: byte \(error.offset): \(error.message)")
      }
    }
    do throws(TraceError) {
      return try body(bytes)
    } catch {
      throw UsageError(message: "\(shown):\(error.line): \(Terminal.plain(error.message))")
    }
  }
}
