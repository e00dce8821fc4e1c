import Foundation
import Testing

/// The core and the oracle are given the same random commands (see `Oracle` for what it covers).
@Suite struct OraclePropertyTests {
  /// Seeds of a long run, as ORACLE=FIRST-LAST; the usual ones without it.
  private static var seeds: ClosedRange<Int> {
    let ends = ProcessInfo.processInfo.environment["ORACLE"]?.split(separator: "-").compactMap {
      Int($0)
    }
    if let ends, ends.count == 2, ends[0] <= ends[1] { return ends[0]...ends[1] }
    return 0...Scale.cases(release: 1200, debug: 24) - 1
  }

  @Test func coreAndOracleAgreeProperty() {
    var operations = 0
    var coverage = Coverage()
    for seed in Self.seeds {
      let theme = World.Theme.allCases[seed % 3]
      let fleet = World.Fleet.allCases[seed / 3 % 3]
      do {
        var driver = try Driver(seed: 0x0AC1 + UInt64(seed), theme: theme, fleet: fleet)
        do {
          for _ in 0..<80 { try driver.step() }
        } catch {
          Issue.record("seed \(seed), \(theme), \(fleet), after \(driver.operations): \(error)")
        }
        operations += driver.operations
        coverage.add(driver.oracle.coverage)
      } catch { Issue.record("seed \(seed): \(error)") }
    }
    print("property: core and oracle: \(operations) operations: \(coverage.text)")
  }
}

/// How many cases a property test runs: many in release, few in debug.
enum Scale {
  static func cases(release: Int, debug: Int) -> Int {
    #if DEBUG
      debug
    #else
      release
    #endif
  }
}
