import PoolAllocator
import PoolSimulator
import PoolWire
import StrictJSON

/// What goes wrong, and what operators do.
extension ScenarioReader {
  private typealias Kind = ScenarioDeed.Kind

  /// The words of faults.
  private enum Word: String, CaseIterable {
    case nodeCrash = "node_crash"
    case agentCrash = "agent_crash"
    case silence
    case partition
    case deviceFailure = "device_failure"
    case instancesVanish = "mig_instances_vanish"
    case allocatorRestart = "allocator_restart"
    case clockStep = "clock_step"
    case network
    case heal
    case dependency
    case measure
    case restrict
    case activate
    case cordon
    case drain
  }

  /// A fault is a deed, and another one where it ends.
  mutating func fault(_ value: JSONValue) throws -> [ScenarioDeed] {
    try value.object { fields in
      let at = fields.span("at_seconds")
      let known = fields.read("fault") { value in
        let words = Word.allCases.map(\.rawValue)
        return Word.allCases[try index(value, among: words, called: "fault")]
      }
      let note = fields.optionalString("note", 0...4096)
      let word = try fields.take(known)
      let (begin, end) = try kinds(word, &fields)
      _ = try note.value
      let moment = try at.value
      var deeds = [ScenarioDeed(at: moment, begin)]
      if let (kind, span) = end {
        deeds.append(ScenarioDeed(at: Span(ns: moment.ns + span.ns), kind))
      }
      return deeds
    }
  }

  private mutating func kinds(
    _ word: Word, _ fields: inout JSONFields
  ) throws -> (Kind, end: (Kind, Span)?) {
    switch word {
    case .nodeCrash, .agentCrash, .silence, .partition, .deviceFailure, .instancesVanish, .cordon,
      .drain:
      return try ofNode(word, &fields)
    case .allocatorRestart: return (.allocatorRestart, nil)
    case .heal: return (.heal, nil)
    case .clockStep:
      // Steps back are negative.
      let milli = try fields.take(fields.milli("by_seconds", in: -86_400_000...86_400_000))
      return (.clockStep(Span(ns: milli * 1_000_000)), nil)
    case .network: return (.network(try network(&fields)), nil)
    case .dependency:
      let name = fields.name("name")
      let state = fields.choice(
        "state", ["up": DependencyState.up, "degraded": .degraded, "down": .down])
      return (.dependency(NameTable.key(.dependency, try name.value), try state.value), nil)
    case .measure:
      let measure = fields.name("measure")
      let subject = fields.name("subject")
      let milli = fields.milli("value", in: 0...1_000_000_000)
      return (
        .measured(
          Measurement(
            measure: NameTable.key(.measure, try measure.value),
            subject: NameTable.key(.subject, try subject.value), milli: try milli.value)), nil
      )
    case .restrict: return (try restriction(&fields), nil)
    case .activate:
      return (
        .activate(try fields.take(fields.read("policy") { try statedPolicy($0) }).policy), nil
      )
    }
  }

  private func ofNode(
    _ word: Word, _ fields: inout JSONFields
  ) throws -> (Kind, end: (Kind, Span)?) {
    let node = fields.read("node") { value in
      try index(value, among: machines.map(\.name), called: "machine")
    }
    let number = try fields.take(node)
    if word == .agentCrash { return (.agentCrash(number), nil) }
    if word == .drain {
      return (.drain(number, try fields.take(fields.span("grace_seconds"))), nil)
    }
    let lasts = fields.optionalSpan("for_seconds", atLeast: 1)
    func pair(_ begin: Kind, _ end: Kind) throws -> (Kind, end: (Kind, Span)?) {
      (begin, try lasts.value.map { (end, $0) })
    }
    switch word {
    case .nodeCrash: return try pair(.nodeCrash(number), .nodeReturn(number))
    case .silence: return try pair(.cut(number, .both), .mend(number, .both))
    case .partition:
      let direction = try fields.take(
        fields.choice(
          "direction",
          ["from_node": ScenarioDeed.Direction.fromNode, "to_node": .toNode, "both": .both]))
      return try pair(.cut(number, direction), .mend(number, direction))
    case .deviceFailure:
      let most = Int64(machines[number].devices.count) - 1
      let device = try fields.take(fields.int64("device", in: 0...most))
      return try pair(.deviceFails(number, device: Int(device)), .devicesWork(number))
    case .cordon: return try pair(.cordon(number), .uncordon(number))
    default: return try pair(.instancesVanish(number), .instancesVanish(number))
    }
  }

  private func network(_ fields: inout JSONFields) throws -> NetworkFaults {
    let lost = fields.optionalInt64("lost_permille", in: 0...1_000)
    let doubled = fields.optionalInt64("doubled_permille", in: 0...1_000)
    let late = fields.optionalInt64("late_permille", in: 0...1_000)
    let delay = fields.optionalSpan("delay_seconds")
    let lateness = fields.optionalSpan("lateness_seconds")
    var faults = NetworkFaults()
    faults.lost = UInt64(try lost.value ?? 0)
    faults.doubled = UInt64(try doubled.value ?? 0)
    faults.late = UInt64(try late.value ?? 0)
    if let span = try delay.value { faults.delay = span }
    if let span = try lateness.value { faults.lateness = span }
    return faults
  }

  private func restriction(_ fields: inout JSONFields) throws -> Kind {
    let kind = try fields.take(
      fields.choice("identity", ["tenant": IdentityKind.tenant, "principal": .principal]))
    let name = fields.name("name")
    let lasts = fields.optionalSpan("for_seconds", atLeast: 1)
    let live = fields.optionalInt64("live_claims_max", in: 0...1_000_000)
    let isSuspended = fields.optionalBool("suspend")
    let key = NameTable.key(kind == .tenant ? .tenant : .principal, try name.value)
    var measure: Restriction.Measure?
    if let count = try live.value { measure = .throttle(liveClaims: UInt32(count)) }
    if try isSuspended.value == true { measure = .suspend }
    return .restrict(kind, key, measure, try lasts.value ?? .seconds(3_600))
  }
}
