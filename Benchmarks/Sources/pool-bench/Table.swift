import CAllocations
import Workload

/// One line of the table. Times in nanoseconds for each operation.
struct Row {
  var what: String
  var size: String
  /// Of the rounds' means, in time of a core; of single commands, as the clock went.
  var median: Double
  /// Of single operations, as the clock went; nil where there were too few of them, or they were
  /// timed together.
  var p99: Double?
  var floor: Floor?
  var floorMedian = 0.0
  /// Calls of allocation functions; nil where they were not counted.
  var allocations: Double?
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// Measures a case: in each round first its operations, then as many of its floor.
func measure<On: Stage>(
  _ subject: Case<On>, on stage: On, nodes: Int, rounds: Int, beside floors: Floors
) -> Row {
  subject.prepare(stage)
  var number = 0
  let batches = max(1, subject.operations / subject.batch)
  for _ in 0..<(batches / 4 * subject.batch) {
    subject.run(stage, number)
    number += 1
  }
  var samples = Samples(limit: batches * rounds)
  var means: [Double] = []
  var floorMeans: [Double] = []
  var allocations: UInt64 = 0
  var floor = Floor.hashMap
  means.reserveCapacity(rounds)
  floorMeans.reserveCapacity(rounds)
  for _ in 0..<rounds {
    let before = allocations_made()
    let start = processorNanoseconds()
    var last = nanoseconds()
    for _ in 0..<batches {
      for _ in 0..<subject.batch {
        subject.run(stage, number)
        number += 1
      }
      let now = nanoseconds()
      samples.note(now - last)
      last = now
    }
    means.append(Double(processorNanoseconds() - start) / Double(batches * subject.batch))
    allocations += allocations_made() - before
    floor = subject.floor(stage)
    floorMeans.append(floors.run(floor, operations: batches * subject.batch))
  }
  let hasTail = subject.batch == 1 && samples.count >= 1_000
  return Row(
    what: subject.name, size: On.size(of: nodes), median: median(means),
    p99: hasTail ? samples.quantiles([990])[0] : nil, floor: floor,
    floorMedian: median(floorMeans),
    allocations: Double(allocations) / Double(batches * subject.batch * rounds))
}

/// Rows as text.
enum Table {
  static func text(_ rows: [Row]) -> String {
    var lines = [
      left("what", 34) + left("size", 28) + right("median", 11) + right("p99", 11)
        + "  " + left("floor", 24) + right("ratio", 8)
    ]
    for row in rows {
      var line =
        left(row.what, 34) + left(row.size, 28) + right(time(row.median), 11)
        + right(row.p99.map(time) ?? "-", 11)
      if let floor = row.floor {
        line +=
          "  " + left("\(floor.name) \(time(row.floorMedian))", 24)
          + right(ratio(row.median / row.floorMedian), 8)
      }
      lines.append(line)
    }
    return lines.joined(separator: "\n")
  }

  static func time(_ ns: Double) -> String {
    switch ns {
    case ..<9.95: "\(decimal(ns, 1)) ns"
    case ..<9_950: "\(grouped(Int(ns + 0.5))) ns"
    case ..<9_950_000: "\(decimal(ns / 1_000, ns < 99_500 ? 1 : 0)) us"
    default: "\(decimal(ns / 1_000_000, ns < 99_500_000 ? 1 : 0)) ms"
    }
  }

  static func ratio(_ value: Double) -> String { "\(decimal(value, value < 9.95 ? 1 : 0))x" }

  /// A number with so many digits behind the point.
  static func decimal(_ value: Double, _ digits: Int) -> String {
    let scale = (0..<digits).reduce(1) { whole, _ in whole * 10 }
    let scaled = Int((value * Double(scale)).rounded())
    guard digits > 0 else { return grouped(scaled) }
    let rest = String(scaled % scale)
    return grouped(scaled / scale) + "." + String(repeating: "0", count: digits - rest.count)
      + rest
  }

  static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(1, width - text.count)) + text
  }
}
