import PoolAllocator
import PoolSimulator
import Testing

@testable import PoolRecord

/// Nothing that callers, holders, agents and operators do by chance changes when a journal is
/// repeated as it was.
@Suite struct WhatIfPropertyTests {
  @Test func randomLivesRepeatThemselves() throws {
    let lives = Scale.cases(release: 400, debug: 5)
    var (requests, granted, records) = (0, 0, 0)
    for seed in 0..<UInt64(lives) {
      let life = Life(seed: seed, steps: 150)
      let answer = try WhatIf(journal: life.bytes)
      #expect(answer.records == life.records.count, "seed \(seed)")
      let changes = answer.changes
      #expect(changes.isEmpty, "seed \(seed): \(changes.first.map(String.init(describing:)) ?? "")")
      requests += answer.before.count
      granted += answer.before.count { !$0.grants.isEmpty }
      records += answer.records
    }
    print(
      "property: what-if: \(lives) random lives of \(records) records, \(requests) requests, "
        + "\(granted) of them granted: nothing changes")
    #expect(requests > lives * 20)
    #expect(granted > lives * 5)
  }
}
