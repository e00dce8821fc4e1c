import PoolAllocator

// place-bench [PAIRS [ROUNDS [NODES…]]]: place + release pairs per second through the whole
// allocator, beside a bare index by free count, in one process and one thread; medians of several
// rounds, taken in turn.

let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let pairs = arguments.first ?? 200_000
let rounds = arguments.dropFirst().first ?? 7
let sizes = arguments.count > 2 ? Array(arguments.dropFirst(2)) : [1_000, 10_000]
let clock = ContinuousClock()

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func nanoseconds(_ duration: Duration) -> Double {
  Double(duration.components.seconds) * 1e9 + Double(duration.components.attoseconds) / 1e9
}

func text(_ value: Double) -> String {
  var digits = String(Int(value + 0.5))
  var index = digits.count - 3
  while index > 0 {
    digits.insert(",", at: digits.index(digits.startIndex, offsetBy: index))
    index -= 3
  }
  return String(repeating: " ", count: max(0, 11 - digits.count)) + digits
}

print("place + release, one thread, \(rounds) rounds of \(pairs) pairs, medians (min-max)")
print(
  "  nodes     devices  full    pairs/s                       ns/pair   floor ns  ratio  events")
for nodes in sizes {
  var fleet = Fleet(nodes: nodes)
  while fleet.fullness() < 900 { for _ in 0..<100 { _ = fleet.place() } }
  var index = BareIndex(nodes: nodes, devices: 8)
  var taken: [Int] = []
  for _ in 0..<(nodes * 8 * 9 / 10) { if let node = index.take() { taken.append(node) } }
  var pool: [Double] = []
  var floor: [Double] = []
  var eventsPerPair = 0.0
  var refusals = 0.0
  for _ in 0..<rounds {
    let before = (fleet.events, fleet.admitted, fleet.refused)
    let start = clock.now
    while fleet.admitted - before.1 < pairs {
      // Released until below 90 %, placed until above it again.
      let isFull = fleet.fullness() >= 900
      for _ in 0..<50 {
        if isFull {
          fleet.release(fleet.random.below(fleet.live.count))
        } else {
          _ = fleet.place()
        }
      }
    }
    pool.append(nanoseconds(clock.now - start) / Double(pairs))
    refusals = Double(fleet.refused - before.2) / Double(pairs)
    eventsPerPair = Double(fleet.events - before.0) / Double(fleet.admitted - before.1)

    let floorStart = clock.now
    for _ in 0..<pairs {
      let slot = fleet.random.below(taken.count)
      index.give(taken[slot])
      guard let node = index.take() else { fatalError("the floor has room") }
      taken[slot] = node
    }
    floor.append(nanoseconds(clock.now - floorStart) / Double(pairs))
  }
  let ns = median(pool)
  let rate = 1e9 / ns
  let range = "(\(text(1e9 / (pool.max() ?? ns)))-\(text(1e9 / (pool.min() ?? ns))))"
  print(
    "\(text(Double(nodes))) \(text(Double(nodes * 8))) \(fleet.fullness() / 10) % "
      + "\(text(rate)) \(range) \(text(ns)) \(text(median(floor))) "
      + "\(text(ns / median(floor)))x  \(Int(eventsPerPair * 10) / 10)  refused/pair \(refusals)")
}
