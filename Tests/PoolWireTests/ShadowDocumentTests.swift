import PoolAllocator
import StrictJSON
import Testing

@testable import PoolWire

/// Limits that a policy only observes.
@Suite("Documents with limits that are only observed")
struct ShadowDocumentTests {
  /// The policy with some of its limits marked.
  private static func marked(_ pairs: [(String, String)]) throws -> PolicyDocument {
    var text = Documents.policy
    for (key, value) in pairs {
      let place = try #require(text.firstRange(of: "\"\(key)\": \(value)"), "\(key)")
      text.replaceSubrange(
        place, with: "\"\(key)\": {\"shadow\": \(smaller[key] ?? "0"), \"enforced\": \(value)}")
    }
    return try Documents.policyDocument(text)
  }

  /// What is observed instead.
  private static let smaller = [
    "burst_gpu_seconds": "1", "refill_gpu_seconds_per_hour": "36", "debt_max_gpu_seconds": "0",
    "refill_gpu_seconds_per_second": "0.25", "queue_max": "2", "borrow_max_milli": "1000",
    "classes": "[\"P1\"]", "queue_wait_max_seconds": "30", "predicted_wait_max_seconds": "15",
    "lease_max_seconds": "30", "admits": "[\"P0\"]",
  ]

  @Test("without a mark there is no second policy")
  func none() throws {
    #expect(try Documents.policyDocument().shadow == nil)
  }

  @Test("each limit may be marked: what decides stays, what is observed stands beside it")
  func each() throws {
    let plain = try Documents.policyDocument().policy
    let document = try Self.marked([
      ("burst_gpu_seconds", "600"), ("refill_gpu_seconds_per_hour", "360"),
      ("debt_max_gpu_seconds", "3"), ("refill_gpu_seconds_per_second", "0.5"), ("queue_max", "5"),
      ("borrow_max_milli", "2000"), ("classes", "[\"P0\", \"P1\"]"),
      ("queue_wait_max_seconds", "60"), ("predicted_wait_max_seconds", "30"),
      ("lease_max_seconds", "60"), ("admits", "[\"P0\", \"P1\"]"),
    ])
    let policy = document.policy
    #expect(policy.buckets == plain.buckets && policy.tenants == plain.tenants)
    #expect(policy.classes == plain.classes && policy.lanes == plain.lanes)
    let shadow = try #require(document.shadow)
    #expect(shadow.buckets[0].cap == Credits(1_000_000))
    #expect(shadow.buckets[0].opening == shadow.buckets[0].cap)
    #expect(shadow.buckets[0].refillPerSecond == Credits(10_000))
    #expect(shadow.buckets[0].debtMax == .zero)
    #expect(shadow.buckets[1].refillPerSecond == Credits(250_000))
    #expect(shadow.buckets.map(\.key) == plain.buckets.map(\.key))
    #expect(shadow.tenants[0].queueMax == 2 && shadow.tenants[0].borrowingMax == 1000)
    #expect(shadow.tenants[0].classes == ClassSet(bits: 2))
    #expect(shadow.classes[0].queueWaitMax == .seconds(30))
    #expect(shadow.classes[1].waitLimit == .seconds(15))
    #expect(shadow.lanes[0].leaseMax == .seconds(30))
    #expect(shadow.lanes[0].admits == ClassSet(bits: 1))
    #expect(shadow.tenants[1] == plain.tenants[1])
  }

  @Test("a limit may be enforced as unlimited, where it may be so at all")
  func unlimited() throws {
    let text = try Documents.changed(
      "policy", "\"queue_max\": \"unlimited\"",
      "\"queue_max\": {\"shadow\": 5, \"enforced\": \"unlimited\"}")
    let document = try Documents.policyDocument(text)
    #expect(document.policy.tenants[1].queueMax == .max)
    #expect(document.shadow?.tenants[1].queueMax == 5)
  }

  static let mistakes: [Mistake] = [
    Mistake("policy", "\"queue_max\": 5", "\"queue_max\": {\"shadow\": 5}", "missing key"),
    Mistake("policy", "\"queue_max\": 5", "\"queue_max\": {\"enforced\": 5}", "missing key"),
    Mistake(
      "policy", "\"queue_max\": 5", "\"queue_max\": {\"shadow\": 5, \"enforced\": -1}",
      "out of range"),
    Mistake(
      "policy", "\"queue_max\": 5", "\"queue_max\": {\"shadow\": \"none\", \"enforced\": 5}",
      "unknown value"),
    Mistake(
      "policy", "\"queue_max\": 5",
      "\"queue_max\": {\"shadow\": 4, \"enforced\": 5, \"note\": 1}", "unknown key \"note\""),
    Mistake(
      "policy", "\"weight\": 1.5", "\"weight\": {\"shadow\": 1, \"enforced\": 1.5}",
      "expected a number"),
  ]

  @Test("one mistake each", arguments: mistakes)
  func mistake(_ mistake: Mistake) throws {
    let text = try Documents.changed(mistake.kind, mistake.old, mistake.new)
    let errors = Documents.errors(mistake.kind, text)
    #expect(errors.count == 1 && errors.allSatisfy { $0.contains(mistake.error) }, "\(errors)")
  }

  @Test("what is wrong is told once, also where a limit is marked")
  func once() throws {
    let text = try Documents.changed(
      "policy", "\"burst_gpu_seconds\": 600",
      "\"burst_gpu_seconds\": {\"shadow\": 9, \"enforced\": 1}")
    let errors = Documents.errors("policy", text)
    #expect(errors.count == 1, "\(errors)")
    #expect(errors.first?.contains("the bucket opens above its burst") == true)
  }
}
