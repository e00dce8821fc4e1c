import PoolSimulator
import Testing

@testable import PoolAllocator

/// The invariant checks of the simulator over random lives: they find nothing, and each can.
struct ChecksTests {
  /// A life with the watch of it.
  private final class Life {
    var driver: SwarmDriver
    var watch: Watch
    var broken: Violation?

    init(seed: UInt64, every: UInt64 = 64) {
      driver = SwarmDriver(seed: seed)
      watch = Watch(limits: driver.pool.limits, every: every)
    }

    /// Lives until a command shows a violation, or for so many steps.
    /// - Parameter before: sees every command before the watch does.
    func live(
      steps: Int,
      before: @escaping (Command, Instant, Decision, EventLog, Pool, Watch) -> Void = {
        _, _, _, _, _, _ in
      }
    ) {
      driver.check = { [unowned self] command, at, decision, log, pool in
        guard broken == nil else { return }
        before(command, at, decision, log, pool, watch)
        do throws(Violation) {
          try watch.note(command, at: at, decision, log, pool)
        } catch { broken = error }
      }
      driver.setUp()
      for _ in 0..<steps where broken == nil { driver.stepOnce() }
    }
  }

  @Test func randomLivesBreakNothing() {
    let seeds = Scale.cases(release: 2_000, debug: 12)
    var coverage = Coverage()
    var commands: UInt64 = 0
    for seed in 0..<seeds {
      let life = Life(seed: UInt64(seed))
      life.live(steps: Scale.cases(release: 500, debug: 150))
      if let broken = life.broken {
        Issue.record("seed \(seed), command \(life.watch.commands): \(broken)")
      }
      coverage += life.watch.coverage
      commands += life.watch.commands
    }
    let reached = Coverage.total - coverage.missing.count
    print("property: checks: \(commands) commands, \(reached) of \(Coverage.total) obligations")
    #expect(reached > Coverage.total * Scale.cases(release: 80, debug: 50) / 100)
  }

  /// What a falsified command was found to break.
  private struct Findings {
    var tries = 0
    var found: [String: Int] = [:]
    var missed: [String] = []
  }

  /// Falsifies commands of random lives in one way, until it was tried often enough.
  private func findings(of falsehood: Falsehood, tries most: Int) -> Findings {
    var findings = Findings()
    for seed in 0..<UInt64(60) where findings.tries < most {
      let life = Life(seed: 900 + seed, every: 1)
      life.live(steps: 150) { command, at, decision, log, pool, watch in
        guard findings.tries < most else { return }
        var (log, decision, other) = (log, decision, pool)
        guard falsehood.apply(&log, &decision, &other) else { return }
        findings.tries += 1
        var watch = watch
        do throws(Violation) {
          try watch.note(command, at: at, decision, log, other)
          findings.missed.append("seed \(900 + seed): \(command)")
        } catch { findings.found[error.invariant, default: 0] += 1 }
      }
      #expect(life.broken == nil, "seed \(900 + seed): \(life.broken?.description ?? "")")
    }
    return findings
  }

  @Test(arguments: Falsehood.places + Falsehood.money + Falsehood.states)
  func aFalsehoodIsFound(_ falsehood: Falsehood) {
    let findings = findings(of: falsehood, tries: Scale.cases(release: 30, debug: 4))
    #expect(findings.tries > 0, "nothing to falsify")
    #expect(findings.missed == [], "\(falsehood.name): \(findings.missed)")
    #expect(
      findings.found[falsehood.invariant, default: 0] > 0,
      "\(falsehood.name) is found as \(findings.found)")
  }
}
