import PoolAllocator
import PoolConsole
import PoolSimulator
import PoolWire
import StrictJSON

/// A proposal of moves, in words and figures.
struct DefragReport {
  let advice: MoveAdvice
  /// Names of nodes and claims by their keys.
  let node: (Key) -> String
  let claim: (Key) -> String
  /// Reasons in words.
  let sentences: ([Reason]) -> [String]

  // MARK: words

  /// The tables and sentences, for a screen of a width; nil where nothing is to be cut.
  func text(width: Int?) -> String {
    let page = Page(width: width)
    var lines: [String] = []
    if advice.questions.isEmpty { lines += ["No claim waits: nothing to make room for.", ""] }
    for question in advice.questions { lines += text(question, page) + [""] }
    lines += page.prose(freeRoom, indent: "")
    return lines.joined(separator: "\n") + "\n"
  }

  private func text(_ question: MoveAdvice.Question, _ page: Page) -> [String] {
    let plan = question.plan
    var lines = page.prose(headline(question), indent: "")
    if !plan.refusals.isEmpty { return lines + sentences(plan.refusals).flatMap { page.prose($0) } }
    guard !plan.moves.isEmpty else { return lines }
    var rows: [[String]] = []
    for (number, room) in plan.rooms.enumerated() {
      for move in room.moves {
        rows.append([
          "\(number + 1)", moved(move), Amounts.milli(move.gpuMilli),
          from(move), place(move.to, move.uses.map(\.device)),
          Amounts.gpuSeconds(move.cost.value),
        ])
      }
    }
    lines += page.table(
      header: ["FOR", "CLAIM", "GPUS", "FROM", "TO", "COST GPU·s"], rows: rows, optional: ["FOR"])
    let worth = plan.rooms.reduce(Int64(0)) { $0 + ($1.moves.isEmpty ? 0 : $1.worth.value) }
    return lines
      + page.prose(
        "\(Self.count(plan.moves.count, "move")) would lose \(Amounts.gpuSeconds(plan.cost)) "
          + "GPU-seconds at most, for work worth \(Amounts.gpuSeconds(worth)). Nothing was moved.")
  }

  private func headline(_ question: MoveAdvice.Question) -> String {
    let plan = question.plan
    let asked = "\(Self.count(question.claims, "claim")) for \(Self.words(question.spec.demand))"
    let what = claim(question.spec.key)
    let name = what == "-" || question.claims > 1 ? asked : "\(what), \(asked)"
    guard plan.refusals.isEmpty else { return "\(name): no lane serves it" }
    let missing = question.claims - plan.rooms.count
    var parts: [String] = []
    if plan.fitting > 0 { parts.append("\(plan.fitting) without any move") }
    if plan.gained > 0 {
      parts.append("\(plan.gained) after \(Self.count(plan.moves.count, "move"))")
    }
    if missing > 0 { parts.append("\(missing) found no room") }
    return "\(name): \(parts.joined(separator: ", "))"
  }

  private static func count(_ number: Int, _ what: String) -> String {
    "\(number) \(what)\(number == 1 ? "" : "s")"
  }

  private static func words(_ demand: Demand) -> String {
    let members = demand.members > 1 ? "\(demand.members) members of " : ""
    let gpus = "\(demand.devices) GPU\(demand.devices == 1 ? "" : "s")"
    switch demand.shape {
    case .whole: return members + gpus
    case .fraction(let milli, _):
      let share = Amounts.milli(Int64(milli.value))
      return "\(members)\(share) of \(gpus)"
    case .slice: return "\(members)\(demand.devices) MIG instance\(demand.devices == 1 ? "" : "s")"
    case .cpuOnly: return "\(members)\(Amounts.milli(Int64(demand.cpu.value))) cores"
    }
  }

  private func moved(_ move: DefragmentationPlan.Move) -> String {
    advice.pool.claim(move.claim).map { claim($0.spec.key) } ?? "-"
  }

  private func from(_ move: DefragmentationPlan.Move) -> String {
    guard let lease = advice.pool.lease(move.lease) else { return "-" }
    return place(move.from, advice.pool.uses(of: lease).map(\.device))
  }

  /// `node-7 GPU 0 1`.
  private func place(_ id: NodeID, _ devices: [DeviceID]) -> String {
    let name = advice.pool.node(id).map { node($0.enrolment.key) } ?? "-"
    let numbers = gpus(id, devices)
    return numbers.isEmpty ? name : "\(name) GPU \(numbers.map(String.init).joined(separator: " "))"
  }

  /// Which GPUs of a node some devices are, from 0; processors are none.
  private func gpus(_ id: NodeID, _ devices: [DeviceID]) -> [Int] {
    let all = advice.pool.devices(on: id).filter {
      advice.pool.device($0)?.report.kind == .gpu
    }
    return devices.compactMap { all.firstIndex(of: $0) }.sorted()
  }

  private var freeRoom: String {
    let free = advice.fragmentation
    let gpus = Amounts.milli(free.free)
    guard free.free > 0 else { return "No GPU time is free." }
    return "\(gpus) GPUs are free; \(Amounts.text(free.share, digits: 1)) % of that is of "
      + "no use to any kind of the work that is expected."
  }

  // MARK: for programs

  /// One document.
  var json: String {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "defrag")
      let free = advice.fragmentation
      writer.object("fragmentation") { writer in
        writer.int64("free_milli_gpu", free.free)
        writer.int64("useless_milli_gpu", free.useless)
        writer.int64("share_milli", free.share)
      }
      writer.array("plans") { writer in
        for question in advice.questions { write(question, &writer) }
      }
    }
    return writer.text + "\n"
  }

  private func write(_ question: MoveAdvice.Question, _ writer: inout JSONWriter) {
    let plan = question.plan
    writer.object { writer in
      writer.string("claim", claim(question.spec.key))
      writer.string("demand", Self.words(question.spec.demand))
      writer.int64("asked", Int64(question.claims))
      writer.int64("fitting", Int64(plan.fitting))
      writer.int64("gained", Int64(plan.gained))
      writer.int64("cost_microseconds", plan.cost)
      writer.array("refusals") { writer in
        for sentence in sentences(plan.refusals) { writer.string(sentence) }
      }
      writer.array("moves") { writer in
        for (number, room) in plan.rooms.enumerated() {
          for move in room.moves {
            writer.object { writer in
              writer.int64("for", Int64(number + 1))
              writer.string("claim", moved(move))
              writer.int64("milli_gpu", move.gpuMilli)
              writer.string("from", from(move))
              writer.string("to", place(move.to, move.uses.map(\.device)))
              writer.int64("cost_microseconds", move.cost.value)
            }
          }
        }
      }
    }
  }
}
