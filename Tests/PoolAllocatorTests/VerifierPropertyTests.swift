import PoolVerifier
import Testing

@testable import PoolAllocator

/// An auditor that shares no code with admission finds nothing in what the pool does, and finds
/// every log and every answer that was tampered with (SEMANTICS 7.2).
@Suite struct VerifierPropertyTests {
  #if DEBUG
    static let seeds = 12
    static let steps = 200
  #else
    static let seeds = 120
    static let steps = 400
  #endif

  /// Follows one life, and falsifies its commands now and then.
  private final class Auditor {
    var verifier = Verifier()
    var random: SwarmGenerator
    var commands = 0
    var found: [Finding] = []
    var made: [String: Int] = [:]
    var missed: [String: Int] = [:]

    init(seed: UInt64) { random = SwarmGenerator(seed: seed) }

    func watch(_ log: EventLog, _ decision: Decision, _ pool: Pool) {
      for tampering in Tampering.all {
        // What a life seldom allows is made wherever it can be.
        guard made[tampering.name] == nil || random.chance(10) else { continue }
        var (tampered, answer) = (log, decision)
        guard tampering.apply(&tampered, &answer, pool) else { continue }
        var verifier = verifier
        made[tampering.name, default: 0] += 1
        if verifier.check(tampered, answer, after: pool).isEmpty {
          missed[tampering.name, default: 0] += 1
        }
      }
      commands += 1
      found += verifier.check(log, decision, after: pool)
    }
  }

  @Test func nothingIsFoundButWhatWasTamperedWith() {
    var made: [String: Int] = [:]
    var missed: [String: Int] = [:]
    var commands = 0
    for seed in 0..<Self.seeds {
      let auditor = Auditor(seed: UInt64(seed))
      var driver = SwarmDriver(seed: UInt64(7_000_000 + seed))
      driver.watch = auditor.watch
      driver.setUp()
      for step in 0..<Self.steps {
        driver.stepOnce()
        guard let first = auditor.found.first else { continue }
        Issue.record("seed \(seed), step \(step): \(first)")
        break
      }
      commands += auditor.commands
      made.merge(auditor.made, uniquingKeysWith: +)
      missed.merge(auditor.missed, uniquingKeysWith: +)
    }
    let all = made.values.reduce(0, +)
    #expect(made.count >= 50)
    print("property: verifier: \(commands) commands, \(all) tamperings of \(made.count) kinds")
    for tampering in Tampering.all {
      #if !DEBUG
        #expect(made[tampering.name, default: 0] > 0, "\(tampering.name): never made")
      #endif
      let missed = missed[tampering.name, default: 0]
      #expect(missed == 0, "\(tampering.name): \(missed) of \(made[tampering.name] ?? 0) missed")
    }
  }
}
