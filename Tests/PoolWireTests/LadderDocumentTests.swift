import PoolAllocator
import StrictJSON
import Testing

@testable import PoolWire

/// Ladders, gauges and what claims accept of them, as documents say it.
@Suite("Documents with ladders")
struct LadderDocumentTests {
  static let mistakes: [Mistake] = [
    Mistake(
      "policy", "\"expected_runtime\": 0.9", "\"expected_runtime\": 1.1", "1.1 is out of range"),
    Mistake(
      "policy", "\"gpu_milli\": 500, \"gpu_memory_gib\": 40", "\"gpu_milli\": 500",
      "a share of a GPU needs its time and its memory"),
    Mistake(
      "policy", "\"gpu_milli\": 500, \"gpu_memory_gib\": 40", "\"mig\": \"9g\"",
      "the policy has no such slice"),
    Mistake(
      "policy", "\"gpu_milli\": 500, \"gpu_memory_gib\": 40", "\"whole\": false",
      "the form says nothing"),
    Mistake(
      "policy", "\"lanes\": [\"shared\"], \"cpu_milli_max\"",
      "\"lanes\": [\"sharde\"], \"cpu_milli_max\"", "there is no lane \"sharde\""),
    Mistake(
      "policy", "\"name\": \"later\", \"give\"", "\"name\": \"half\", \"give\"",
      "the ladder has a rung \"half\" already"),
    Mistake(
      "policy", "\"lanes\": [\"shared\"], \"cpu_milli_max\": 500,", "",
      "the rung does not cost less than the one above it"),
    Mistake(
      "policy", "\"automation\": \"answer_only\"", "\"automation\": \"approval_required\"",
      "no claim could take the rung"),
    Mistake("policy", "\"triggers\": [\"time\"", "\"triggers\": [\"tmie\"", "\"tmie\""),
    Mistake(
      "policy", "\"triggers\": [\"time\"", "\"triggers\": [\"preference\"",
      "a rung is preferred at normal load"),
    Mistake("policy", "\"raise\": 4, \"lower\": 2", "\"raise\": 4, \"lower\": 4", "lower is less"),
    Mistake("policy", "\"raise\": 4, \"lower\": 2", "\"raise\": 4.5, \"lower\": 2", "no whole"),
    Mistake(
      "policy", "\"raise\": 8, \"lower\": 4", "\"raise\": 3, \"lower\": 1", "are below those"),
    Mistake("policy", "\"reads\": \"queue_depth\"", "\"reads\": \"queue\"", "\"queue\""),
    Mistake("policy", "\"measure\": \"burn\", \"subject\"", "\"subject\"", "needs its name"),
    Mistake(
      "policy", "\"reads\": \"queue_depth\"", "\"reads\": \"queue_depth\", \"subject\": \"a\"",
      "only a signal has a measure"),
    Mistake(
      "policy", "\"reads\": \"queue_depth\"", "\"reads\": \"dependency\"", "which dependency"),
    Mistake("policy", "\"pool\": \"gpu\", \"reads\"", "\"pool\": \"gpus\", \"reads\"", "no pool"),
    Mistake("policy", "\"name\": \"burn\"", "\"name\": \"queue\"", "is used twice"),
    Mistake(
      "claims", "\"runtime_max_seconds\"", "\"accept_rungs\": [\"haf\"], \"runtime_max_seconds\"",
      "the ladder of \"chat\" has no rung \"haf\""),
  ]

  @Test("one mistake each", arguments: mistakes)
  func mistake(_ mistake: Mistake) throws {
    let text = try Documents.changed(mistake.kind, mistake.old, mistake.new)
    let errors = Documents.errors(mistake.kind, text)
    #expect(errors.count == 1 && errors.allSatisfy { $0.contains(mistake.error) }, "\(errors)")
  }

  @Test("what a policy says of rungs and gauges is what the core reads")
  func rules() throws {
    let policy = try Documents.policyDocument().policy
    #expect(policy.rungs.count == 2 && policy.gauges.count == 2)
    let (half, later) = (policy.rungs[0], policy.rungs[1])
    #expect(half.shape == .fraction(MilliGPU(500), Bytes(40 << 30)) && half.devices == 2)
    #expect(half.runtimeMilli == 900 && half.automation == nil && half.triggers == .usual)
    #expect(half.classes == .all && half.actions.count == 0 && half.pressure == .elevated)
    #expect(later.lanes == LaneSet(bits: 2) && later.cpu == MilliCPU(500))
    #expect(later.automation == .answerOnly && later.isAsynchronous)
    #expect(later.waitMax == .seconds(600) && later.pressure == .saturated)
    #expect(later.actions.count == 1 && later.actions[0] == NameTable.key(.action, "send"))
    #expect(later.triggers == TriggerSet([.time, .pressure]))
    #expect(later.dependency == NameTable.key(.dependency, "mail"))
    let (queue, burn) = (policy.gauges[0], policy.gauges[1])
    #expect(queue.source == .queueDepth && queue.pool == 1 && queue.dwell == .seconds(30))
    #expect(queue.steps[1] == GaugeRule.Step(level: .saturated, raise: 8, lower: 4))
    #expect(queue.classes.bits == 0b1100 && queue.pauses.bits == 0b1000)
    #expect(burn.steps[0] == GaugeRule.Step(level: .emergency, raise: 6500, lower: 3000))
    #expect(policy.classes[1].waitLimit == .seconds(30) && policy.services[0].risk == .low)
  }

  @Test("a claim accepts rungs by name, and a request names what the policy knows")
  func names() throws {
    let text = try Documents.changed(
      "claims", "\"runtime_max_seconds\"",
      "\"accept_rungs\": [\"later\"], \"runtime_max_seconds\"")
    let document = try Documents.policyDocument()
    let claims = try ClaimsDocument(
      JSONDocument(text: text), vocabulary: document.vocabulary)
    #expect(claims.claims[0].accepts == ["later"])
    var pool = Pool()
    var log = EventLog()
    _ = pool.apply(.activate(document.generation, document.policy), at: .origin, into: &log)
    #expect(claims.claims[0].spec(in: pool, at: .origin).accepts.bits == 0b10)
    let known = "{\"op\":\"dependency\",\"name\":\"mail\",\"state\":\"down\"}"
    #expect(Documents.errors("stream", known) == [])
    for wrong in [
      "{\"op\":\"dependency\",\"name\":\"male\",\"state\":\"down\"}",
      "{\"op\":\"measure\",\"measure\":\"bun\",\"subject\":\"chat\",\"value\":1}",
    ] {
      #expect(Documents.errors("stream", wrong).count == 1, "\(wrong)")
    }
  }
}
