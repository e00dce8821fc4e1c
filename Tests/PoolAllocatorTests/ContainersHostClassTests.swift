import Testing

@testable import PoolAllocator

/// Classes of free processor time and host memory: a class may be coarse, never wrong.
struct ContainersHostClassTests {
  /// An amount near a floor half of the time, anywhere otherwise.
  private func near(_ floors: [Int64], upTo most: Int64, _ random: inout SplitMix64) -> Int64 {
    guard random.chance(50) else { return random.spread(0...most) }
    return min(most, max(0, random.pick(floors) + random.within(-2...2)))
  }

  @Test func columnsNeverLieProperty() throws {
    let start = ContinuousClock.now
    let count = Scale.cases(release: 4_000_000, debug: 30_000)
    let cpuFloors = HostClass.cpuFloors.map(Int64.init)
    let memoryFloors = HostClass.memoryFloors
    var random = SplitMix64(seed: 0x4057)
    var certain = 0
    var excluded = 0
    for _ in 0..<count {
      let need = (
        cpu: near(cpuFloors, upTo: Int64(Limits.deviceMilli), &random),
        memory: near(memoryFloors, upTo: Limits.memoryMax.value, &random)
      )
      let have = (
        cpu: near(cpuFloors, upTo: Int64(Limits.deviceMilli), &random),
        memory: near(memoryFloors, upTo: Limits.memoryMax.value, &random)
      )
      let columns = HostClass.columns(
        cpu: MilliCPU(Int32(need.cpu)), memory: Bytes(need.memory))
      let column = HostClass.column(cpu: MilliCPU(Int32(have.cpu)), memory: Bytes(have.memory))
      let bit = UInt64(1) << UInt64(column)
      let fits = have.cpu >= need.cpu && have.memory >= need.memory
      try must(columns.certain & columns.possible == 0, "no column is certain and possible")
      if columns.certain & bit != 0 {
        certain += 1
        try must(fits, "certain, but \(have) does not serve \(need)")
      } else if columns.possible & bit == 0 {
        excluded += 1
        try must(!fits, "excluded, but \(have) serves \(need)")
      }
    }
    #expect(certain > count / 10 && excluded > count / 10, "both answers are reached")
    Scale.report("host columns never lie", count, since: start)
  }

  @Test func columnIsTheGreatestFloorBelowProperty() throws {
    var random = SplitMix64(seed: 0xF100)
    for _ in 0..<Scale.cases(release: 1_000_000, debug: 20_000) {
      let cpu = near(HostClass.cpuFloors.map(Int64.init), upTo: 1_024_000, &random)
      let memory = near(HostClass.memoryFloors, upTo: Limits.memoryMax.value, &random)
      let column = HostClass.column(cpu: MilliCPU(Int32(cpu)), memory: Bytes(memory))
      let cpuClass = HostClass.cpuFloors.lastIndex { Int64($0) <= cpu }
      let memoryClass = HostClass.memoryFloors.lastIndex { $0 <= memory }
      try must(
        column / 8 == cpuClass && column % 8 == memoryClass,
        "column \(column) for \(cpu) milli-cores and \(memory) bytes")
    }
  }
}
