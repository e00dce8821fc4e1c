public import PoolAllocator

/// A small, plain scheduler over the same GPUs, to compare with: a job runs where its members fit,
/// to its end. No reservation, no lending, no preemption, no limit.
///
/// Devices go to the fullest node that holds a member, so that large members find room.
public struct ReferenceScheduler: Sendable {
  /// How it chooses.
  public enum Rule: Sendable, Hashable {
    /// Who came first goes first; where that one does not fit, all wait.
    case firstComeFirstServed
    /// Who came first goes first; who does not fit is passed over.
    case greedySkip
    /// The key of a job is its arrival and its class times a step, as in schedulers with a
    /// priority that ages: a job of P3 goes before a P0 job that comes three steps later. Where
    /// the first does not fit, all wait.
    case staticAgeing(step: Span)

    /// Its name in reports.
    public var name: String {
      switch self {
      case .firstComeFirstServed: "strict FIFO"
      case .greedySkip: "greedy skip"
      case .staticAgeing: "static ageing"
      }
    }
  }

  private let rule: Rule
  private let jobs: [FairnessJob]
  private var free: [Int]
  /// Waiting jobs, the first one first.
  private var queue: [Int] = []
  private var agenda = Agenda<Happening>()
  private var record: FairnessRecord

  private enum Happening {
    case arrives(Int)
    case ends(Int, nodes: [Int])
  }

  /// Runs jobs until all are done that fit the nodes at all; the others count as denied.
  /// - Complexity: O(jobs × waiting jobs) at worst.
  public static func run(
    _ jobs: [FairnessJob], nodes: Int, gpusPerNode: Int, rule: Rule
  ) -> FairnessRecord {
    var scheduler = ReferenceScheduler(
      jobs, free: Array(repeating: gpusPerNode, count: nodes), rule)
    scheduler.run()
    return scheduler.record
  }

  private init(_ jobs: [FairnessJob], free: [Int], _ rule: Rule) {
    self.jobs = jobs
    self.free = free
    self.rule = rule
    record = FairnessRecord(scheduler: rule.name, jobs: jobs.count)
    for (number, job) in jobs.enumerated() {
      if place(job) == nil {
        record.rows[number].isDenied = true
      } else {
        agenda.add(.arrives(number), at: job.arrives)
      }
    }
  }

  private mutating func run() {
    while let now = agenda.first {
      while let happening = agenda.popFirst(at: now) {
        switch happening {
        case .arrives(let number): enqueue(number)
        case .ends(let number, let nodes):
          for node in nodes { free[node] += jobs[number].gpus }
          record.rows[number].ended = now
          let started = record.rows[number].started ?? now
          record.stints.append(
            FairnessRecord.Stint(
              job: number, from: started, to: now, left: now, lost: .zero,
              gpus: jobs[number].allGPUs))
        }
      }
      startThoseThatFit(at: now)
    }
  }

  /// The place in the order; ties go to who came first.
  private func key(_ number: Int) -> Int128 {
    guard case .staticAgeing(let step) = rule else { return Int128(jobs[number].arrives.ns) }
    return Int128(jobs[number].arrives.ns) + Int128(jobs[number].rank) * Int128(step.ns)
  }

  private mutating func enqueue(_ number: Int) {
    let own = key(number)
    var (low, high) = (0, queue.count)
    while low < high {
      let middle = (low + high) / 2
      if key(queue[middle]) <= own { low = middle + 1 } else { high = middle }
    }
    queue.insert(number, at: low)
  }

  private mutating func startThoseThatFit(at now: Instant) {
    var idle = free.reduce(0, +)
    // What does not fit does not fit again in the same look.
    var tooLarge: [(members: Int, gpus: Int)] = []
    var index = 0
    var kept = 0
    while index < queue.count, idle > 0 {
      let number = queue[index]
      let job = jobs[number]
      let isKnown = tooLarge.contains { $0.members == job.members && $0.gpus == job.gpus }
      if !isKnown, let nodes = place(job) {
        start(number, on: nodes, at: now)
        idle -= job.allGPUs
      } else {
        guard rule == .greedySkip else { break }
        if !isKnown { tooLarge.append((job.members, job.gpus)) }
        queue[kept] = number
        kept += 1
      }
      index += 1
    }
    if kept < index { queue.removeSubrange(kept..<index) }
  }

  private mutating func start(_ number: Int, on nodes: [Int], at now: Instant) {
    for node in nodes { free[node] -= jobs[number].gpus }
    record.rows[number].started = now
    agenda.add(.ends(number, nodes: nodes), at: now + jobs[number].runs)
  }

  /// A node for each member, the fullest that holds it; nil where they do not fit.
  private func place(_ job: FairnessJob) -> [Int]? {
    var left = free
    var nodes: [Int] = []
    for _ in 0..<job.members {
      var best: Int?
      for node in left.indices where left[node] >= job.gpus {
        if best.map({ left[node] < left[$0] }) ?? true { best = node }
      }
      guard let best else { return nil }
      left[best] -= job.gpus
      nodes.append(best)
    }
    return nodes
  }
}
