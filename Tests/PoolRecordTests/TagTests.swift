import PoolAllocator
import Testing

@testable import PoolRecord

/// The numbers that journals hold are frozen: a new case gets a number of its own and shifts none.
/// A new field needs a new version of the form, and has to be written.
@Suite struct TagTests {
  /// Cases in the order of their numbers, from 0 on; lines may be added to, never changed.
  @Test func numbersOfCases() {
    for (type, found) in Self.found {
      let expected = Frozen.cases[type]
      #expect(
        found == expected, "\(type) is \(found)\nand was \(expected ?? "not yet written down")")
    }
    #expect(Self.found.count == Frozen.cases.count)
  }

  private static let found: [String: String] = [
    "Automation": cases(Automation.self), "Change.Field": cases(Change.Field.self),
    "ClaimEnd": cases(ClaimEnd.self), "ClassRule.EmptyBucket": cases(ClassRule.EmptyBucket.self),
    "ClassRule.Overrun": cases(ClassRule.Overrun.self), "CommandTag": cases(CommandTag.self),
    "Complexity": cases(Complexity.self), "Decision.Verdict": cases(Decision.Verdict.self),
    "DegradationMode": cases(DegradationMode.self),
    "DependencyState": cases(DependencyState.self), "DeviceKind": cases(DeviceKind.self),
    "DeviceReport.Condition": cases(DeviceReport.Condition.self), "Duty": cases(Duty.self),
    "Enforcement": cases(Enforcement.self), "EventTag": cases(EventTag.self),
    "Frame.Kind": cases(Frame.Kind.self), "Health": cases(Health.self),
    "IdentityKind": cases(IdentityKind.self), "Outcome": cases(Outcome.self),
    "PlacementRule.Score": cases(PlacementRule.Score.self),
    "Pressure": cases(Pressure.self), "Proximity": cases(Proximity.self),
    "QuoteEnd": cases(QuoteEnd.self), "Reach": cases(Reach.self), "Risk": cases(Risk.self),
    "Sharing": cases(Sharing.self), "StopCause": cases(StopCause.self),
    "Trigger": cases(Trigger.self),
  ]

  /// The cases of a type in the order of their numbers; a gap is told by the number behind it.
  private static func cases<Value: RawRepresentable>(_: Value.Type) -> String
  where Value.RawValue == UInt8 {
    var words: [String] = []
    var next = 0
    for number in 0..<256 {
      guard let value = Value(rawValue: UInt8(number)) else { continue }
      words.append(number == next ? "\(value)" : "\(number) \(value)")
      next = number + 1
    }
    return words.joined(separator: ", ")
  }

  /// Codes of reasons keep their numbers by a test of the wire; here is how they are written.
  @Test func reasonsAreWrittenByCode() {
    for code in Reason.Code.allCases {
      var writer = ByteWriter()
      writer.put(code)
      var number = ByteWriter()
      number.put(code.rawValue)
      #expect(writer.bytes == number.bytes)
    }
  }

  @Test func numbersOfCasesWithValues() {
    let key = Key(high: 1, low: 2)
    expectTags([Demand.Shape.whole, .fraction(.whole, .zero), .slice(key), .cpuOnly])
    expectTags([
      Estimate.runtime(.zero), .work(promptTokens: 0, outputTokens: 0, toolCalls: 0, depth: 0),
    ])
    expectTags([
      Change.Value.shape(.whole), .amount(0), .lanes(.none), .name(key), .automation(.full),
    ])
    expectTags([Restriction.Measure.suspend, .throttle(liveClaims: 1), .ceiling(.p0)])
    expectTags([Signal.measured(.blank), .corrected(.blank)])
    expectTags([Lending.never, .reclaimable(within: .zero, atMost: 0)])
    expectTags([BucketMatch.tenant, .application(key), .serviceClass(.p0), .action(key)])
    expectTags([
      GaugeRule.Source.queueDepth, .predictedWait, .lostCapacity,
      .signal(measure: key, subject: key), .dependency(key),
    ])
    expectTags([Reason.Subject.request, .lane(0), .bucket(0), .identity(.tenant)])
    expectTags([Progress.complete, .more])
  }

  private func expectTags<Value: Recorded>(_ values: [Value]) {
    for (index, value) in values.enumerated() {
      var writer = ByteWriter()
      writer.put(value)
      #expect(writer.bytes.first == UInt8(index), "\(value)")
    }
  }

  /// A field that is added to a type of the core has to be written, too.
  @Test func fieldsOfTypes() {
    for type in RecordedTypes.structs {
      let expected = Frozen.fields[type.testDescription]
      #expect(
        type.properties == expected,
        "\(type.testDescription) has \(type.properties) fields, \(expected ?? 0) are written")
    }
    #expect(RecordedTypes.structs.count == Frozen.fields.count)
  }
}
