import Testing

@testable import PoolAllocator

/// `IndexedHeaps` against a dictionary of rows, `FreeGrid` against a set of cells.
struct ContainersHeapTests {
  private struct Held {
    var heap: UInt32
    var order: UInt64
  }

  @Test func heapsAgreeWithASortedModel() throws {
    let start = ContinuousClock.now
    let runs = Scale.cases(release: 250, debug: 10)
    var steps = 0
    for seed in 0..<runs {
      var random = SplitMix64(seed: 0x4EA9 + UInt64(seed))
      var family = IndexedHeaps<UInt64>(heaps: 1)
      for number in 1..<4 { try must(family.addHeap() == UInt32(number), "heaps are numbered") }
      var model: [UInt32: Held] = [:]
      // Few orders, so that ties decide often.
      let orders = 1 + random.below(12)
      for _ in 0..<400 {
        steps += 1
        let row = UInt32(random.below(60))
        if random.chance(60) {
          let held = Held(heap: UInt32(random.below(4)), order: UInt64(random.below(orders)))
          family.insert(row, held.order, into: held.heap)
          model[row] = held
        } else {
          family.remove(row)
          model[row] = nil
        }
        family.checkInvariants()
        try compare(family, model)
      }
    }
    Scale.report("indexed heaps against a sorted model", steps, since: start)
  }

  private func compare(_ family: IndexedHeaps<UInt64>, _ model: [UInt32: Held]) throws {
    for row in UInt32(0)..<70 {
      try must(family.heap(of: row) == model[row]?.heap, "row \(row) is in another heap")
    }
    for heap in UInt32(0)..<4 {
      let rows = model.filter { $0.value.heap == heap }
      let least = rows.min { ($0.value.order, $0.key) < ($1.value.order, $1.key) }
      let top = family.least(in: heap)
      try must(top?.row == least?.key, "ties are broken by row")
      try must(top?.order == least?.value.order, "the top has its order")
      try must(family.count(in: heap) == rows.count, "members are counted")
      try must(family.isEmpty(heap) == rows.isEmpty, "emptiness is known")
      try must(Set(family.members(of: heap).map(\.row)) == Set(rows.keys), "members are the rows")
    }
  }

  @Test func heapsEmptyInOrder() throws {
    var random = SplitMix64(seed: 42)
    var family = IndexedHeaps<UInt64>(heaps: 1)
    var expected: [(UInt64, UInt32)] = []
    for row in UInt32(0)..<2_000 {
      let order = UInt64(random.below(50))
      family.insert(row, order, into: 0)
      expected.append((order, row))
    }
    for (order, row) in expected.sorted(by: { $0 < $1 }) {
      let top = try #require(family.least(in: 0))
      try must(top.order == order && top.row == row, "rows leave by order, then row")
      family.remove(row)
    }
    #expect(family.isEmpty(0))
  }

  @Test func gridVisitsItsCellsTightestColumnFirst() throws {
    for seed in 0..<Scale.cases(release: 400, debug: 20) {
      var random = SplitMix64(seed: 0x641D + UInt64(seed))
      var family = IndexedHeaps<UInt64>()
      var grid = FreeGrid()
      var heapOf: [Int: UInt32] = [:]
      var noted: Set<Int> = []
      for _ in 0..<300 {
        let row = random.below(FreeGrid.rows)
        let column = random.below(FreeGrid.columns)
        let cell = row * FreeGrid.columns + column
        if random.chance(60) {
          let heap = grid.heap(row: row, column: column, in: &family)
          try must(heapOf[cell] == nil || heapOf[cell] == heap, "a cell keeps its heap")
          heapOf[cell] = heap
          noted.insert(cell)
        } else {
          grid.clear(row: row, column: column)
          noted.remove(cell)
        }
        let wanted = random.next()
        var visited: [UInt32] = []
        grid.visit(from: row, columns: wanted) {
          visited.append($0)
          return false
        }
        let expected = (row * FreeGrid.columns..<FreeGrid.rows * FreeGrid.columns)
          .filter { wanted & (1 << UInt64($0 % FreeGrid.columns)) != 0 && noted.contains($0) }
          .compactMap { heapOf[$0] }
        try must(visited == expected, "the cells noted, tightest row first, then least column")
      }
      try must(Set(heapOf.values).count == heapOf.count, "each cell has a heap of its own")
    }
  }
}
