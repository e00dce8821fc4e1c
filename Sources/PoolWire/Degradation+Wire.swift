public import PoolAllocator
public import StrictJSON

extension Automation {
  /// The level on the wire.
  public var wire: String { snakeCase("\(self)") }
  /// The level as people write it.
  public var words: String { wire.spaced }
}

extension Change.Field {
  /// The field on the wire, as claims write it.
  public var wire: String {
    switch self {
    case .shape: "devices"
    case .devices: "gpus"
    case .members: "members"
    case .cpu: "cpu_milli"
    case .hostMemory: "host_memory_gib"
    case .lanes: "lanes"
    case .modelClass: "model_class"
    case .runtimeMax: "runtime_max_seconds"
    case .expected: "expected_seconds"
    case .automation: "automation"
    }
  }
}

/// What a claim was given less of, in the words of its pool.
public struct DegradationText: Sendable {
  /// One change: what it is about, and both sides of it.
  public struct Line: Sendable {
    /// The field, as claims write it.
    public let field: String
    /// What was asked.
    public let asked: String
    /// What is given.
    public let given: String
    /// The trigger.
    public let why: String
  }

  /// The rung.
  public let rung: String
  /// What the core says of it.
  public let degradation: Degradation
  /// What was changed.
  public let lines: [Line]

  /// Puts what a live claim was given less of in words; nil where it has what it asked for.
  public init?(_ id: ClaimID, in pool: borrowing Pool, names: NameTable) {
    guard let row = pool.degradation(of: id) else { return nil }
    rung = names.text(row.key)
    degradation = row
    var lines: [Line] = []
    for change in pool.changes(of: id) {
      lines.append(
        Line(
          field: change.field.wire, asked: Self.text(change.asked, change.field, pool, names),
          given: Self.text(change.given, change.field, pool, names), why: change.why.wire))
    }
    self.lines = lines
  }

  private static func text(
    _ value: Change.Value, _ field: Change.Field, _ pool: Pool, _ names: NameTable
  ) -> String {
    switch value {
    case .amount(let amount):
      switch field {
      case .hostMemory: return Amounts.gibibytes(amount)
      case .runtimeMax, .expected: return Amounts.seconds(amount)
      default: return "\(amount)"
      }
    case .name(let key): return names.text(key)
    case .automation(let automation): return automation.wire
    case .lanes(let lanes):
      var words: [String] = []
      pool.forEachLane { id, lane in
        if lanes.contains(row: id.row) { words.append(names.text(lane.key)) }
      }
      return words.joined(separator: ", ")
    case .shape(let shape):
      switch shape {
      case .whole: return "whole"
      case .cpuOnly: return "processors"
      case .slice(let key): return NamePath.last(names.text(key))
      case .fraction(let milli, let memory):
        return
          "\(Amounts.milli(Int64(milli.value))) of a GPU, \(Amounts.gibibytes(memory.value)) GiB"
      }
    }
  }

  /// One sentence for people: what it got, and why.
  public var sentence: String {
    let changed = lines.filter { $0.field != "automation" }
      .map { "\($0.field.spaced) \($0.asked) to \($0.given)" }
    let automation =
      degradation.automation == .full ? "" : "; automation: \(degradation.automation.words)"
    return "took rung \"\(rung)\" (\(degradation.mode)) because of "
      + "\(degradation.trigger.wire.spaced): \(changed.joined(separator: "; "))\(automation)"
  }
}

extension JSONWriter {
  /// Writes `degraded`, where a claim was given less than it asked for.
  public mutating func degraded(_ id: ClaimID, in pool: Pool, names: NameTable) {
    guard let text = DegradationText(id, in: pool, names: names) else { return }
    object("degraded") { writer in
      writer.string("rung", text.rung)
      writer.int64("number", Int64(text.degradation.rung))
      writer.string("mode", "\(text.degradation.mode)")
      writer.string("trigger", text.degradation.trigger.wire)
      writer.string("automation", text.degradation.automation.wire)
      writer.milliseconds("since_ms", text.degradation.since)
      if let recovers = text.degradation.recovers {
        writer.milliseconds("recovers_ms", recovers)
      }
      writer.array("changed") { writer in
        for line in text.lines {
          writer.object { writer in
            writer.string("field", line.field)
            writer.string("asked", line.asked)
            writer.string("given", line.given)
            writer.string("why", line.why)
          }
        }
      }
    }
  }
}
