import Testing

@testable import PoolAllocator

/// `KeyIndex` against a dictionary, with keys made to collide; `RowLists` against arrays.
struct ContainersIndexTests {
  /// Keys with the same `chain` have the same hash whatever `number` is: low ^ (high · φ) is the
  /// only thing that the hash looks at.
  private func colliding(_ number: UInt64, chain: UInt64) -> Key {
    Key(high: number, low: chain ^ (number &* 0x9E37_79B9_7F4A_7C15))
  }

  @Test func keyIndexAgreesWithADictionaryWhenKeysCollide() throws {
    let start = ContinuousClock.now
    let runs = Scale.cases(release: 2_000, debug: 40)
    var steps = 0
    for seed in 0..<runs {
      var random = SplitMix64(seed: 0x1DE0 + UInt64(seed))
      // Few chains make long runs of one home; many make runs that interleave and wrap around.
      let chains = (0..<(1 + random.below(12))).map { _ in random.next() }
      let keys = (0..<64).map { colliding(UInt64($0), chain: random.pick(chains)) }
      var index = KeyIndex()
      var model: [Key: UInt32] = [:]
      for _ in 0..<300 {
        steps += 1
        let key = random.pick(keys)
        if model[key] == nil {
          let row = UInt32(random.below(1 << 20))
          index.insert(key, row)
          model[key] = row
        } else if random.chance(70) {
          index.remove(key)
          model[key] = nil
        }
        try must(index.count == model.count, "count \(index.count), model \(model.count)")
        for key in keys {
          try must(index.row(for: key) == model[key], "seed \(seed): \(key) is lost or stays")
        }
      }
    }
    Scale.report("key index against a dictionary", steps, since: start)
  }

  @Test func keyIndexHoldsTheZeroKeyAndGrows() throws {
    var index = KeyIndex()
    let zero = Key(high: 0, low: 0)
    #expect(index.row(for: zero) == nil, "an empty entry is not the zero key")
    index.insert(zero, 0)
    #expect(index.row(for: zero) == 0)
    for number in 1..<UInt64(5_000) { index.insert(Key(high: number, low: number), UInt32(number)) }
    for number in 0..<UInt64(5_000) {
      try must(index.row(for: Key(high: number, low: number)) == UInt32(number), "a key is lost")
    }
    index.remove(zero)
    #expect(index.row(for: zero) == nil)
    #expect(index.count == 4_999)
  }

  @Test func rowListsAgreeWithArrays() throws {
    let start = ContinuousClock.now
    let runs = Scale.cases(release: 1_000, debug: 20)
    var steps = 0
    for seed in 0..<runs {
      var random = SplitMix64(seed: 0x4041 + UInt64(seed))
      var lists = RowLists()
      var appended: [[UInt32]] = Array(repeating: [], count: 3)
      var ordered: [[UInt32]] = Array(repeating: [], count: 3)
      var placeOf: [UInt32: Int] = [:]
      for _ in 0..<400 {
        steps += 1
        let row = UInt32(random.below(40))
        let list = random.below(6)
        if let known = placeOf.removeValue(forKey: row) {
          lists.remove(row)
          if known < 3 { appended[known].removeAll { $0 == row } }
          if known >= 3 { ordered[known - 3].removeAll { $0 == row } }
        } else {
          lists.remove(row)
          placeOf[row] = list
          if list < 3 {
            lists.append(row, to: UInt32(list))
            appended[list].append(row)
          } else {
            lists.insertInOrder(row, into: UInt32(list))
            ordered[list - 3] = (ordered[list - 3] + [row]).sorted()
          }
        }
        lists.checkInvariants()
        for (number, model) in (appended + ordered).enumerated() {
          try must(members(of: UInt32(number), in: lists) == model, "list \(number) differs")
        }
      }
    }
    Scale.report("row lists against arrays", steps, since: start)
  }

  private func members(of list: UInt32, in lists: RowLists) -> [UInt32] {
    var rows: [UInt32] = []
    var row = lists.first(of: list)
    while row != RowLists.none {
      rows.append(row)
      row = lists.next(after: row)
    }
    return rows
  }

  @Test func aListNeverSeenIsEmpty() {
    #expect(RowLists().first(of: 17) == RowLists.none)
  }
}
