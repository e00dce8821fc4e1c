import PoolAllocator
import PoolConsole
import PoolSimulator
import PoolWire

/// `pool-sim replay openb`: what is read, and what a person is told.
enum OpenbPage {
  private static let scores: [(name: String, score: PlacementRule.Score)] = [
    ("best-fit", .bestFit), ("fgd", .fragmentation), ("offer-value", .offerValue),
  ]

  /// Names of the ways in which places are chosen.
  static let policies = scores.map(\.name).joined(separator: ", ")

  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    let nodeFile = try ReplayCommand.file("--nodes", of: arguments)
    let podFile = try ReplayCommand.file("--pods", of: arguments)
    let outFile = try ReplayCommand.file("--out", of: arguments)
    let score = try score(of: arguments)
    let isLearned = try isLearned(arguments, for: score)
    var freedom = OpenbReplay.Freedom()
    freedom.moves = arguments.has("--moves")
    freedom.waits = arguments.has("--waits")
    if freedom.waits, score != .offerValue {
      throw UsageError(message: "--waits: only offer-value knows what room is worth; use it")
    }
    let nodes = try nodes(nodeFile, order: arguments.one("--node-order"))
    let pods = try pods(podFile)
    var mix = isLearned ? OpenbReplay.Mix.learned : .replayed
    if let file = arguments.one("--mix-pods") { mix = .counted(try self.pods(file)) }
    // Before the work: a file that cannot be written is told at once.
    let out = try OutputFile(outFile)
    Console.endOnInterrupt()
    let replay = OpenbReplay(nodes: nodes, pods: pods, score: score, mix: mix)
    let began = Console.monotonicNanoseconds()
    let progress = progress(of: pods.count)
    var freely: OpenbReplay.Freely?
    let outcome: OpenbReplay.Outcome
    if freedom.moves || freedom.waits {
      let run = replay.run(freedom, progress: progress)
      (outcome, freely) = (run.outcome, run.freely)
    } else {
      outcome = replay.run(progress: progress)
    }
    let took = Console.monotonicNanoseconds() - began
    ProgressLine.clear()
    out.write(replay.table(outcome))
    Console.print(text(outcome, of: replay, took: took))
    if let freely { Console.print(text(freely, freedom)) }
    return 0
  }

  /// Reads the machines, in the order that another file gives.
  static func nodes(_ file: String, order: String?) throws(UsageError) -> OpenbNodes {
    let nodes = try ReplayCommand.read(file) { bytes throws(TraceError) in try OpenbNodes(bytes) }
    guard let order else { return nodes }
    return try ReplayCommand.read(order) { bytes throws(TraceError) in
      var ordered = nodes
      try ordered.order(by: bytes)
      return ordered
    }
  }

  /// Reads pods.
  static func pods(_ file: String) throws(UsageError) -> [OpenbPod] {
    try ReplayCommand.read(file) { bytes throws(TraceError) in try OpenbPods(bytes).pods }
  }

  /// Shows how far a replay of so many pods is.
  static func progress(of count: Int) -> (Int) -> Void {
    { number in
      if number % 1_000 == 0 { ProgressLine.show("pod \(number) of \(count) …") }
    }
  }

  static func score(of arguments: Arguments) throws(UsageError) -> PlacementRule.Score {
    let name = arguments.one("--policy") ?? scores[0].name
    guard let score = scores.first(where: { $0.name == name })?.score else {
      let hint = NearestName.hint(name, among: scores.map(\.name), called: "policy")
      throw UsageError(message: "--policy: there is none called \(quoted(name)); \(hint)")
    }
    for flag in ["--mix", "--mix-pods"] where score == .bestFit && arguments.has(flag) {
      throw UsageError(message: "\(flag) means nothing for \(name), which looks at no mix")
    }
    return score
  }

  /// Whether the mix of work is learned as pods come in: for offers it is, unless it is known.
  private static func isLearned(
    _ arguments: Arguments, for score: PlacementRule.Score
  ) throws(UsageError) -> Bool {
    let isCounted = arguments.has("--mix-pods")
    let name =
      arguments.one("--mix") ?? (score == .offerValue && !isCounted ? "learned" : "known")
    switch name {
    case "known": return false
    case "learned" where isCounted:
      throw UsageError(message: "--mix-pods means nothing where the mix is learned")
    case "learned" where score == .offerValue: return true
    case "learned":
      throw UsageError(message: "--mix: only offer-value learns a mix; use known")
    default:
      let hint = NearestName.hint(name, among: ["known", "learned"], called: "mix")
      throw UsageError(message: "--mix: there is none called \(quoted(name)); \(hint)")
    }
  }

  private static func text(
    _ outcome: OpenbReplay.Outcome, of replay: OpenbReplay, took: Int64
  ) -> String {
    let (nodes, pods) = (replay.nodes, replay.pods)
    let all = Int64(nodes.gpus) * 1_000
    let each = pods.isEmpty ? 0 : took / Int64(pods.count)
    let asksGPU = pods.count { $0.gpus > 0 }
    return """
      \(count(nodes.nodes.count)) nodes, \(count(nodes.gpus)) GPUs of \
      \(nodes.models.count) models; \(count(pods.count)) pods, \(count(asksGPU)) for GPUs
      asked      \(percent(outcome.askedMilli, of: all)) of the GPUs
      allocated  \(percent(outcome.placedMilli, of: all)) of the GPUs
      refused    \(count(outcome.refused)) pods, \(count(outcome.refusedGPUPods)) of them for GPUs
      decided in \(took / 1_000_000) ms, \(each / 1_000) µs a pod

      """
  }

  private static func text(
    _ freely: OpenbReplay.Freely, _ freedom: OpenbReplay.Freedom
  ) -> String {
    var text = "not the eager experiment: pods may wait or be moved\n"
    if freedom.moves {
      text += "moves      \(count(freely.moves)), of \(milli(freely.movedMilli)) GPUs in all, for "
      text += "\(count(freely.helped)) pods; \(count(freely.astray)) not to the planned node\n"
    }
    if freedom.waits {
      text += "waited     \(count(freely.waited)) pods, \(count(freely.placedLate)) of them "
      text += "placed when all had come\n"
    }
    return text
  }

  /// Thousandths as a number with one decimal, rounded down.
  private static func milli(_ milli: Int64) -> String {
    "\(FairnessText.grouped(milli / 1_000)).\(milli % 1_000 / 100)"
  }

  private static func count(_ number: Int) -> String { FairnessText.grouped(Int64(number)) }

  /// A part in percent with two decimals, rounded down; `-` of nothing.
  private static func percent(_ part: Int64, of all: Int64) -> String {
    guard all > 0 else { return "- %" }
    let hundredths = Int64(Int128(part) * 10_000 / Int128(all))
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) %"
  }
}
