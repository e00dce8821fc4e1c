import Glibc

/// The floor of a place + release pair: an index of nodes by free count and nothing else.
///
/// One resource, no tenants, no credits, no events: what the memory traffic alone costs.
struct BareIndex {
  private var free: [Int]
  private var place: [Int]
  private var buckets: [[Int]]

  init(nodes: Int, devices: Int) {
    free = Array(repeating: devices, count: nodes)
    place = Array(0..<nodes)
    buckets = Array(repeating: [], count: devices + 1)
    buckets[devices] = Array(0..<nodes)
  }

  /// Takes one device of the fullest node that has one.
  mutating func take() -> Int? {
    for count in 1..<buckets.count {
      if let node = buckets[count].last {
        move(node, to: count - 1)
        return node
      }
    }
    return nil
  }

  mutating func give(_ node: Int) { move(node, to: free[node] + 1) }

  private mutating func move(_ node: Int, to count: Int) {
    let old = free[node]
    let hole = place[node]
    let last = buckets[old].removeLast()
    if last != node {
      buckets[old][hole] = last
      place[last] = hole
    }
    free[node] = count
    place[node] = buckets[count].count
    buckets[count].append(node)
  }
}

/// What a case is measured beside.
package enum Floor: Sendable {
  /// One place + release pair of the bare index, with as many nodes, nine tenths full.
  case bareIndex
  /// One key taken out of a hash map and another put in; as many keys as GPUs.
  case hashMap
  /// As many bytes copied. Unit: bytes for each operation.
  case copy(Int)

  package var name: String {
    switch self {
    case .bareIndex: "bare index"
    case .hashMap: "hash map"
    case .copy: "memory copy"
    }
  }
}

/// The floors of one size of cluster, ready to be run.
package final class Floors {
  private var random = Generator(seed: 3)
  private var index: BareIndex
  private var taken: [Int] = []
  private var map: [UInt64: UInt64] = [:]
  private var keys: [UInt64] = []
  private var next: UInt64 = 0
  private let source: UnsafeMutableRawBufferPointer
  private let target: UnsafeMutableRawBufferPointer

  /// - Parameter bytes: the most that is copied at once.
  package init(nodes: Int, bytes: Int = 64 << 20) {
    index = BareIndex(nodes: nodes, devices: 8)
    for _ in 0..<(nodes * 8 * 9 / 10) {
      if let node = index.take() { taken.append(node) }
    }
    map.reserveCapacity(nodes * 8 * 2)
    source = .allocate(byteCount: bytes, alignment: 64)
    target = .allocate(byteCount: bytes, alignment: 64)
    source.initializeMemory(as: UInt8.self, repeating: 1)
    target.initializeMemory(as: UInt8.self, repeating: 2)
    for _ in 0..<(nodes * 8) { insert() }
  }

  deinit {
    source.deallocate()
    target.deallocate()
  }

  private func insert() {
    next += 1
    keys.append(next &* 0x9E37_79B9_7F4A_7C15)
    map[keys[keys.count - 1]] = next
  }

  /// - Returns: nanoseconds of a core for each operation.
  package func run(_ floor: Floor, operations: Int) -> Double {
    let start = processorNanoseconds()
    switch floor {
    case .bareIndex:
      for _ in 0..<operations {
        let slot = random.below(taken.count)
        index.give(taken[slot])
        guard let node = index.take() else { fatalError("the floor has room") }
        taken[slot] = node
      }
    case .hashMap:
      for _ in 0..<operations {
        let slot = random.below(keys.count)
        keys.swapAt(slot, keys.count - 1)
        map[keys.removeLast()] = nil
        insert()
      }
    case .copy(let bytes): copy(bytes * operations)
    }
    return Double(processorNanoseconds() - start) / Double(operations)
  }

  /// Copies so many bytes, a window after the other.
  private func copy(_ bytes: Int) {
    guard let from = source.baseAddress, let to = target.baseAddress else { return }
    var left = bytes
    while left > 0 {
      memcpy(to, from, min(left, source.count))
      left -= source.count
    }
  }
}
