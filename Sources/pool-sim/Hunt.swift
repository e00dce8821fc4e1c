import Glibc
import PoolConsole
import PoolSimulator
import StrictJSON

/// Lives many seeds in several processes and adds up what they tell.
struct Hunt {
  let seeds: Range<UInt64>
  let steps: Int
  let jobs: Int
  /// No further seeds are begun after so long. Unit: nanoseconds; nil: all are.
  let lasts: Int64?
  var sum: HuntSum
  private var workers: [Worker] = []
  /// The seed after the last that was begun.
  private(set) var nextSeed: UInt64
  private let began = Console.monotonicNanoseconds()
  private var shownAt: Int64 = 0

  init(seeds: Range<UInt64>, steps: Int, jobs: Int, lasts: Int64? = nil) {
    (self.seeds, self.steps, self.jobs, self.lasts) = (seeds, steps, jobs, lasts)
    nextSeed = seeds.lowerBound
    sum = HuntSum(steps: steps)
  }

  mutating func run() {
    while true {
      while workers.count < jobs, hasMore { startOne() }
      if workers.isEmpty { break }
      var entries = workers.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
      _ = unsafe poll(&entries, nfds_t(entries.count), -1)
      for place in entries.indices.reversed() where entries[place].revents != 0 { hear(place) }
      show(isLast: false)
    }
    show(isLast: true)
  }

  private var hasMore: Bool {
    guard nextSeed < seeds.upperBound else { return false }
    return lasts.map { Console.monotonicNanoseconds() - began < $0 } ?? true
  }

  /// A few seeds at a time, so that all processes are busy to the end.
  private mutating func startOne() {
    let left = seeds.upperBound - nextSeed
    let share = min(left, max(1, min(64, left / UInt64(jobs * 2))))
    let part = nextSeed..<nextSeed + share
    nextSeed += share
    guard let worker = Worker(part, steps: steps) else {
      sum.fail("error: no process could be started for seeds \(part)")
      return
    }
    workers.append(worker)
  }

  private mutating func hear(_ place: Int) {
    guard let lines = workers[place].lines() else {
      let worker = workers.remove(at: place)
      let isWhole = worker.finish()
      if isWhole, worker.next == worker.end { return }
      // What did not tell of its seed crashed in it; the others of its share are still to be lived.
      sum.crash(worker.next)
      if worker.next + 1 < worker.end,
        let rest = Worker(worker.next + 1..<worker.end, steps: steps)
      {
        workers.append(rest)
      }
      return
    }
    for line in lines {
      guard let told = SeedLine(line) else { continue }
      workers[place].told(told.seed)
      sum.add(told)
    }
  }

  /// A bar on a terminal, four times a second.
  private mutating func show(isLast: Bool) {
    guard isatty(2) == 1 else { return }
    let now = Console.monotonicNanoseconds()
    guard isLast || now - shownAt > 250_000_000 else { return }
    shownAt = now
    let (done, all) = (UInt64(sum.seeds), seeds.upperBound - seeds.lowerBound)
    let filled = Int(done.multipliedFullWidth(by: 30).low / max(1, all))
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
    let found = sum.failures == 0 ? "" : ", \(sum.failures) failed"
    Console.note(
      "\r[\(bar)] \(done) of \(all) seeds, \(sum.total / 1_000) thousand steps\(found)"
        + (isLast ? "\n" : ""))
  }
}

/// What all seeds of a hunt came to.
struct HuntSum {
  let steps: Int
  private(set) var seeds = 0
  private(set) var total = 0
  private(set) var failures = 0
  private var nanoseconds: Int64 = 0
  private var digests = 0
  private var unseed: UInt64 = 0
  private var counts: [UInt64] = []
  private var violations: [(seed: UInt64, invariant: String, what: String)] = []

  init(steps: Int) { self.steps = steps }

  mutating func add(_ line: SeedLine) {
    seeds += 1
    total += line.steps
    nanoseconds += line.simulated
    digests += line.digests
    // Whatever the order in which the processes tell.
    unseed ^= line.unseed &* (line.seed | 1)
    if counts.isEmpty { counts = Array(repeating: 0, count: line.counts.count) }
    for place in counts.indices where place < line.counts.count {
      counts[place] += line.counts[place]
    }
    if !line.invariant.isEmpty { note(line.seed, line.invariant, line.what) }
  }

  mutating func crash(_ seed: UInt64) {
    seeds += 1
    note(seed, "crash", "the process ended")
  }

  mutating func fail(_ text: String) {
    failures += 1
    Console.note(text + "\n")
  }

  private mutating func note(_ seed: UInt64, _ invariant: String, _ what: String) {
    failures += 1
    violations.append((seed, invariant, what))
    Console.note("\rseed \(seed): \(invariant): \(what)\n  \(SeedReport.again(seed, steps))\n")
  }

  private var coverage: [Coverage.Entry] {
    zip(Simulated.coverageNames, counts).map { Coverage.Entry(name: $0, count: $1) }
  }

  private var missed: [String] { Obligations.missed(coverage) }

  func code(needsAll: Bool) -> Int32 {
    let names = violations.map(\.invariant)
    if names.contains("crash") { return SeedReport.Code.crash }
    if names.contains(where: { $0 != "liveness" }) { return SeedReport.Code.safety }
    if !names.isEmpty { return SeedReport.Code.liveness }
    if failures > 0 { return SeedReport.Code.crash }
    return needsAll && !missed.isEmpty ? SeedReport.Code.missed : 0
  }

  func line(_ range: Range<UInt64>, spent: Int64) -> String {
    var writer = JSONWriter(.compact)
    writer.object { writer in
      writer.int64("from", Int64(clamping: range.lowerBound))
      writer.int64("to", Int64(clamping: range.upperBound))
      writer.int64("seeds", Int64(seeds))
      writer.int64("steps", Int64(total))
      writer.int64("simulated_seconds", nanoseconds / 1_000_000_000)
      writer.int64("digests", Int64(digests))
      writer.key("coverage")
      SeedReport.put(coverage, into: &writer)
      writer.array("missed") { writer in for name in missed { writer.string(name) } }
      writer.array("violations") { writer in
        for found in violations.sorted(by: { $0.seed < $1.seed }) {
          writer.object { writer in
            writer.int64("seed", Int64(clamping: found.seed))
            writer.string("invariant", found.invariant)
            writer.string("what", found.what)
            writer.string("again", SeedReport.again(found.seed, steps))
          }
        }
      }
      writer.string("unseed", String(unseed, radix: 16))
      writer.int64("steps_per_second", Int64(total) * 1_000_000 / max(1, spent / 1_000))
    }
    return writer.text
  }
}
