/// The floor: place and release through nothing but an index of nodes by free count.
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
