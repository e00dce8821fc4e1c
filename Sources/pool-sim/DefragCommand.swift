import PoolAllocator
import PoolConsole
import PoolRecord
import PoolSimulator
import PoolWire

/// `pool-sim defrag`: which leases would have to go where, so that what has no room finds some.
enum DefragCommand {
  static let form = CommandLineForm(
    name: "defrag",
    usage: """
      pool-sim defrag --journal FILE [--names FILE …] [--json]
             pool-sim defrag --nodes FILE --pods FILE [--node-order FILE] [--policy NAME]
             [--gpus N] [--share M] [--cpu M] [--memory MIB] [--count N] [--json]
      """,
    summary: "propose moves of leases that make room; nothing is moved",
    flags: [
      Flag(
        name: "--journal", values: .one("a file"),
        summary: "what pool-agent place --journal wrote, or an allocator's export"),
      Flag(
        name: "--names", values: .many("file"),
        summary: "policies and claims of the journal, whose names stand for keys"),
      Flag(
        name: "--nodes", values: .one("a file"), summary: "the machines of an openb trace (CSV)"),
      Flag(
        name: "--pods", values: .one("a file"), summary: "its pods in their order (CSV)"),
      Flag(
        name: "--node-order", values: .one("a file"),
        summary: "every node on a line; ties go to the first; default: as in --nodes"),
      Flag(
        name: "--policy", values: .one("a name"),
        summary: "how places are chosen: \(OpenbPage.policies); default best-fit"),
      Flag(
        name: "--gpus", values: .one("a number"),
        summary: "GPUs of each pod that room is looked for, 0 to 16; default 8"),
      Flag(
        name: "--share", values: .one("thousandths"),
        summary: "share of each of them, 1 to 1000; default 1000"),
      Flag(
        name: "--cpu", values: .one("thousandths"),
        summary: "its processor time in thousandths of a core; default 0"),
      Flag(name: "--memory", values: .one("MiB"), summary: "its host memory; default 0"),
      Flag(
        name: "--count", values: .one("a number"),
        summary: "how many such pods, 1 to \(Limits.moveClaims); default 1"),
      Flag(name: "--json", values: .none, summary: "print one JSON document"),
      Forms.help,
    ],
    details: """
      A plan is a proposal: which leases would end where they are and be granted again elsewhere,
      in which order, what that loses, and what has room then. A lease moves only where the policy
      lets it be preempted; what it loses is its work since its last checkpoint and the time until
      its devices are back. No plan loses more than the claim that it is for is worth.

      With --journal: for each claim that is queued at the end of the journal. Names that no
      document of --names has are shown as hashes.
      With --nodes and --pods: after all pods of the trace have come, as pool-sim replay openb
      places them, each of which may be interrupted; pods are named by their row, from 0.
      Also said: the part of the free GPU time that no kind of the expected work could use.

      Exit codes: 0 answered, whether or not there are moves · 2 usage, or a file in error.
      """)

  private static let traceFlags = [
    "--nodes", "--pods", "--node-order", "--policy", "--gpus", "--share", "--cpu", "--memory",
    "--count",
  ]
  /// Largest journal that is read. Unit: bytes.
  private static let journalBytesMax = 1 << 30

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    let report: DefragReport
    if let journal = arguments.one("--journal") {
      for flag in traceFlags where arguments.has(flag) {
        throw UsageError(message: "\(flag) means nothing with --journal; leave one of them out")
      }
      report = try ofJournal(journal, arguments)
    } else if arguments.has("--nodes") || arguments.has("--pods") {
      if arguments.has("--names") {
        throw UsageError(message: "--names means nothing for a trace; leave it out")
      }
      report = try ofTrace(arguments)
    } else {
      throw UsageError(
        message: "defrag needs --journal FILE, or --nodes FILE and --pods FILE of a trace")
    }
    Console.print(arguments.has("--json") ? report.json : report.text(width: Terminal.width()))
    return 0
  }

  // MARK: a journal

  private static func ofJournal(
    _ journal: String, _ arguments: Arguments
  ) throws(UsageError) -> DefragReport {
    let documents = try WhatIfDocuments(policy: nil, nodes: [], names: arguments.all("--names"))
    let bytes: [UInt8]
    do {
      bytes = try Console.read(journal, upTo: journalBytesMax)
    } catch {
      throw UsageError(message: error.message)
    }
    let advice: MoveAdvice
    do throws(WhatIfProblem) {
      advice = try MoveAdvice(journal: bytes)
    } catch {
      throw WhatIfCommand.usageError(error, journal, documents, [])
    }
    let names = documents.names
    return DefragReport(
      advice: advice, node: { names.text($0) },
      claim: { names.name($0).map(NamePath.last) ?? names.text($0) },
      sentences: { reasons in
        reasons.map { ReasonText($0, in: advice.pool, names: names).sentence }
      })
  }

  // MARK: a trace

  private static func ofTrace(_ arguments: Arguments) throws(UsageError) -> DefragReport {
    let nodeFile = try file("--nodes", arguments)
    let podFile = try file("--pods", arguments)
    let pod = try pod(arguments)
    let count = try number(arguments, "--count", in: 1...Int64(Limits.moveClaims))
    let score = try OpenbPage.score(of: arguments)
    let nodes = try OpenbPage.nodes(nodeFile, order: arguments.one("--node-order"))
    let pods = try OpenbPage.pods(podFile)
    Console.endOnInterrupt()
    let replay = OpenbReplay(
      nodes: nodes, pods: pods, score: score, mix: score == .offerValue ? .learned : .replayed)
    let advice = replay.advice(
      for: pod, count: Int(count ?? 1), progress: OpenbPage.progress(of: pods.count))
    ProgressLine.clear()
    return DefragReport(
      advice: advice, node: { replay.name(ofNode: $0) },
      claim: { key in
        // The pod that room is looked for is none of the trace.
        OpenbReplay.pod(of: key).flatMap { $0 < pods.count ? "pod \($0)" : nil } ?? "-"
      },
      sentences: { reasons in
        reasons.map { ReasonText($0, in: advice.pool, names: NameTable()).sentence }
      })
  }

  private static func file(_ flag: String, _ arguments: Arguments) throws(UsageError) -> String {
    guard let path = arguments.one(flag) else {
      throw UsageError(message: "defrag needs \(flag) FILE as well")
    }
    return path
  }

  private static func pod(_ arguments: Arguments) throws(UsageError) -> OpenbPod {
    let gpus = try number(arguments, "--gpus", in: 0...OpenbPods.gpusMax) ?? 8
    let share = try number(arguments, "--share", in: 1...1_000)
    let cpu = try number(arguments, "--cpu", in: 0...OpenbNodes.cpuMilliMax) ?? 0
    let memory = try number(
      arguments, "--memory", in: 0...OpenbNodes.memoryMiBMax)
    if gpus == 0, share != nil {
      throw UsageError(message: "--share means nothing with --gpus 0; leave it out")
    }
    if gpus == 0, cpu == 0 {
      throw UsageError(message: "--gpus 0 asks for nothing; say how much --cpu")
    }
    return OpenbPod(
      cpuMilli: Int32(cpu), memoryMiB: memory ?? 0, gpus: Int(gpus),
      gpuMilli: gpus == 0 ? 0 : Int32(share ?? 1_000), models: [])
  }

  private static func number(
    _ arguments: Arguments, _ flag: String, in range: ClosedRange<Int64>
  ) throws(UsageError) -> Int64? {
    let found = try FairnessCommand.number(
      arguments, flag, in: UInt64(range.lowerBound)...UInt64(range.upperBound))
    return found.map { Int64($0) }
  }
}
