/// Where free capacity of one kind stands in the index: a row for how tight the fit is, a column
/// for what its node has left of processor time and host memory.
///
/// Processor time and memory enter in classes with round floors (1, 2, 4 … cores; 2, 8, 16 … GiB):
/// a demand at a floor, the usual case, is decided by the class alone; any other is checked exactly
/// on the candidate. Each cell is a heap of rows, made when first used.
struct FreeGrid: Sendable {
  /// Rows: tightness of the fit, tightest first. Shelves use one per number of idle GPUs, 0 … 16;
  /// opened GPUs one per 64 thousandths free; CPU parts one per doubling, from 16 milli-cores.
  static let rows = Limits.devicesPerMember + 1
  /// Columns: 8 classes of processor time × 8 of host memory.
  static let columns = 64
  private static let noHeap = UInt32.max

  /// Columns of each row that have members; an array, since reading one element of an inline array
  /// copies all of it.
  private var masks: [UInt64] = Array(repeating: 0, count: rows)
  /// Rows that have members.
  private var occupied: UInt32 = 0
  private var heaps: [UInt32] = Array(repeating: noHeap, count: rows * columns)

  /// The heap of a cell, made on demand.
  mutating func heap<Order>(
    row: Int, column: Int, in family: inout IndexedHeaps<Order>
  ) -> UInt32 {
    let cell = row * Self.columns + column
    if heaps[cell] == Self.noHeap { heaps[cell] = family.addHeap() }
    masks[row] |= 1 << UInt64(column)
    occupied |= 1 << UInt32(row)
    return heaps[cell]
  }

  /// Visits the heaps that may serve a demand until one does: rows from the tightest that fits, in
  /// each the columns of a set, tightest first.
  func visit(from row: Int, columns: UInt64, until serves: (UInt32) -> Bool) {
    var rowsLeft = occupied & ~((1 << UInt32(row)) &- 1)
    while rowsLeft != 0 {
      let row = rowsLeft.trailingZeroBitCount
      rowsLeft &= rowsLeft &- 1
      var left = masks[row] & columns
      while left != 0 {
        let column = left.trailingZeroBitCount
        left &= left &- 1
        if serves(heaps[row * Self.columns + column]) { return }
      }
    }
  }

  /// The heaps of one row in a set of columns, those with the least left beside the devices first.
  func heaps(row: Int, columns: UInt64) -> [UInt32] {
    (0..<Self.columns).filter { masks[row] & columns & 1 << UInt64($0) != 0 }
      .map { heaps[row * Self.columns + $0] }
  }

  /// Notes that a cell became empty.
  mutating func clear(row: Int, column: Int) {
    masks[row] &= ~(1 << UInt64(column))
    if masks[row] == 0 { occupied &= ~(1 << UInt32(row)) }
  }
}

/// Classes of what a node has left beside its devices.
enum HostClass {
  /// Least milli-cores of each class.
  static let cpuFloors: [Int32] = [0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000]
  /// Least bytes of each class: 0, 2, 8, 16 … 256 GiB.
  static let memoryFloors: [Int64] = [0, 2, 8, 16, 32, 64, 128, 256].map { $0 << 30 }

  /// The column of a node with so much left.
  static func column(cpu: MilliCPU, memory: Bytes) -> Int {
    cpuClass(cpu.value) * 8 + memoryClass(memory.value >> 30)
  }

  private static func cpuClass(_ milli: Int32) -> Int {
    milli < 1_000 ? 0 : min(7, 32 - (milli / 1_000).leadingZeroBitCount)
  }

  private static func memoryClass(_ gib: Int64) -> Int {
    gib < 2 ? 0 : gib < 8 ? 1 : min(7, 62 - gib.leadingZeroBitCount)
  }

  /// Which columns surely serve a demand, and which may.
  struct Columns {
    var certain: UInt64
    var possible: UInt64
    var all: UInt64 { certain | possible }

    /// How often a lookup goes through a grid.
    static let passes = 2
    /// What is tried in a pass: those that surely serve, then those that may.
    subscript(pass: Int) -> UInt64 { pass == 0 ? certain : possible }
  }

  /// The columns for a need: certain where the class's floor covers it, possible where the need
  /// lies inside the class. A need at a floor leaves nothing to the class below: all of it is less.
  static func columns(cpu: MilliCPU, memory: Bytes) -> Columns {
    let cpuClass = cpuClass(cpu.value)
    let isCPUAtFloor = cpu.value == (cpuClass == 0 ? 0 : 1_000 << Int32(cpuClass - 1))
    let memoryClass = memoryClass(memory.value >> 30)
    let floor: Int64 = memoryClass == 0 ? 0 : memoryClass == 1 ? 2 : 4 << Int64(memoryClass - 1)
    let isMemoryAtFloor = memory.value == floor << 30
    let certain =
      columns(from: cpuClass + (isCPUAtFloor ? 0 : 1), memoryClass + (isMemoryAtFloor ? 0 : 1))
    return Columns(certain: certain, possible: columns(from: cpuClass, memoryClass) & ~certain)
  }

  /// All columns whose classes are at least these; a class of 8 has none.
  private static func columns(from cpuClass: Int, _ memoryClass: Int) -> UInt64 {
    let rows: UInt64 = 0x0101_0101_0101_0101 << UInt64(cpuClass * 8)
    return rows &* ((0xFF << UInt64(memoryClass)) & 0xFF)
  }
}
