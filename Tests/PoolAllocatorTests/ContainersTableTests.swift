import Testing

@testable import PoolAllocator

/// `Table` and `Arena` against a dictionary and a list of arrays.
struct ContainersTableTests {
  struct Row: BitwiseCopyable, Sendable {
    var value: UInt64
  }

  @Test func tableAgreesWithADictionary() throws {
    let start = ContinuousClock.now
    let runs = Scale.cases(release: 400, debug: 20)
    var steps = 0
    for seed in 0..<runs {
      var random = SplitMix64(seed: UInt64(seed))
      var table = Table<Row>(limit: 1 + random.below(24))
      var model: [ID<Row>: UInt64] = [:]
      var dead: [ID<Row>] = []
      for _ in 0..<500 {
        steps += 1
        switch random.below(3) {
        case 0: try insert(&table, &model, &random)
        case 1: remove(&table, &model, &dead, &random)
        default: modify(&table, &model, &random)
        }
        try compare(table, model, dead)
      }
    }
    Scale.report("table against a dictionary", steps, since: start)
  }

  private func insert(
    _ table: inout Table<Row>, _ model: inout [ID<Row>: UInt64], _ random: inout SplitMix64
  ) throws {
    try must(table.hasRoom == (model.count < table.limit), "room is limit less count")
    guard table.hasRoom else { return }
    let announced = table.nextID
    try must(!table.contains(announced), "an announced id is not yet live")
    let value = random.next()
    let id = table.insert(Row(value: value))
    try must(id == announced, "nextID announced \(announced), insert gave \(id)")
    try must(model.updateValue(value, forKey: id) == nil, "an id was given twice")
  }

  private func remove(
    _ table: inout Table<Row>, _ model: inout [ID<Row>: UInt64], _ dead: inout [ID<Row>],
    _ random: inout SplitMix64
  ) {
    guard !model.isEmpty else { return }
    let id = random.pick(model.keys.sorted { $0.row < $1.row })
    table.remove(id)
    model[id] = nil
    dead.append(id)
  }

  private func modify(
    _ table: inout Table<Row>, _ model: inout [ID<Row>: UInt64], _ random: inout SplitMix64
  ) {
    guard !model.isEmpty else { return }
    let id = random.pick(model.keys.sorted { $0.row < $1.row })
    let value = random.next()
    if random.chance(50) { table[id].value = value } else { table[row: id.row].value = value }
    model[id] = value
  }

  private func compare(
    _ table: Table<Row>, _ model: [ID<Row>: UInt64], _ dead: [ID<Row>]
  ) throws {
    table.checkInvariants()
    try must(table.count == model.count, "count \(table.count), model \(model.count)")
    for (id, value) in model {
      try must(table.contains(id) && table[id].value == value, "row \(id) lost its value")
      try must(table.id(at: id.row) == id, "a live row names its id")
      try must(Int(id.row) < table.extent, "every live row is below the extent")
    }
    for id in dead {
      try must(!table.contains(id), "the removed id \(id) answers")
      try must(table.id(at: id.row) != id, "the removed id \(id) is named")
    }
    var visited: [ID<Row>] = []
    table.forEach { id, row in visited.append(id) }
    try must(visited == model.keys.sorted { $0.row < $1.row }, "visits are in row order")
  }

  @Test func freedRowsAreReusedLastFirst() {
    var table = Table<Row>(limit: 8)
    let ids = (0..<4).map { table.insert(Row(value: UInt64($0))) }
    table.remove(ids[1])
    table.remove(ids[3])
    #expect(table.nextID == ID(row: 3, generation: 3))
    #expect(table.insert(Row(value: 9)) == ID(row: 3, generation: 3))
    #expect(table.nextID == ID(row: 1, generation: 3))
    #expect(!table.contains(ID(row: 1, generation: 0)), "generation 0 is never live")
    #expect(!table.contains(ID(row: 1, generation: 2)), "an even generation is free")
    #expect(!table.contains(ID(row: 99, generation: 1)), "a row past the extent is no row")
  }

  @Test func arenaAgreesWithArrays() throws {
    let start = ContinuousClock.now
    let runs = Scale.cases(release: 400, debug: 20)
    var steps = 0
    for seed in 0..<runs {
      var random = SplitMix64(seed: 0xA12E_4A00 + UInt64(seed))
      var arena = Arena<UInt64>()
      var model: [(run: Span32, values: [UInt64])] = []
      for _ in 0..<400 {
        steps += 1
        if model.isEmpty || random.chance(55) {
          let padding = random.below(4)
          let values = (0..<random.below(41)).map { _ in random.next() }
          let padded = Array(repeating: UInt64(7), count: padding) + values + [7]
          let run = arena.append(padded[padding..<(padding + values.count)])
          model.append((run, values))
        } else if random.chance(80) {
          let index = random.below(model.count)
          arena.free(model[index].run)
          model.remove(at: index)
        } else {
          let index = random.below(model.count)
          guard !model[index].values.isEmpty else { continue }
          let offset = random.below(model[index].values.count)
          let value = random.next()
          arena[Int(model[index].run.first) + offset] = value
          model[index].values[offset] = value
        }
        for entry in model {
          try must(entry.run.indices.map { arena[$0] } == entry.values, "a run kept its values")
        }
        try must(arena.live == model.reduce(0) { $0 + $1.values.count }, "live is counted")
      }
    }
    Scale.report("arena against arrays", steps, since: start)
  }

  @Test func arenaHoldsTheLongestRunAndTheEmptyOne() {
    var arena = Arena<UInt32>()
    #expect(arena.append([][...]) == .none)
    arena.free(.none)
    let longest = (0..<UInt32(UInt16.max)).map { $0 }
    let run = arena.append(longest[...])
    #expect(Int(run.count) == longest.count)
    #expect(run.indices.map { arena[$0] } == longest)
    arena.free(run)
    #expect(arena.append(longest[...]).first == run.first, "the block is used again")
  }
}
