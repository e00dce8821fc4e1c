/// The last known values of what a driver does not tell now. Pure: time is an argument.
///
/// NVML answers some questions with "not now": a timeout, no data yet, in use. A single probe then
/// knows nothing. Whoever probes again and again keeps the value that was told before, with its
/// age, until that is ``ProbeLimits/keptMilliseconds``.
extension NVMLRecord {
  /// This record with values of `last` where the driver answered "not now".
  ///
  /// A GPU of both records is the same when both say the same UUID or, where that is what is not
  /// told now, the same place on the bus; one that did not even give a handle when it has the same
  /// index among as many GPUs and no other GPU is the old one. What is kept has the age that it had
  /// and `elapsedMilliseconds`. Of MIG nothing is kept but what a MIG device of the same UUID says
  /// of itself: its mode and its parts may change at any time.
  ///
  /// - Parameter elapsedMilliseconds: Time from the one record to the other.
  /// - Complexity: O(GPUs² + answers).
  func keeping(_ last: NVMLRecord, elapsedMilliseconds: UInt64) -> NVMLRecord {
    var record = self
    for index in record.gpus.indices {
      guard let before = last.gpus.first(where: { isSame(record.gpus[index], $0, in: last) }) else {
        continue
      }
      record.gpus[index].keep(before, elapsedMilliseconds)
    }
    return record
  }

  private func isSame(_ gpu: GPURecord, _ before: GPURecord, in last: NVMLRecord) -> Bool {
    guard let identity = before.facts[.uuid] else { return false }
    if let own = gpu.facts[.uuid] { return own == identity }
    let isTaken = gpus.contains { $0.facts[.uuid] == identity }
    if isTaken { return false }
    if let place = gpu.facts[.busID] {
      return place == before.facts[.busID] && Self.isLate(gpu.facts.code(.uuid))
    }
    return Self.isLate(gpu.handleCode) && gpu.index == before.index && count == last.count
  }

  fileprivate static func isLate(_ code: Int32) -> Bool {
    NVMLReturn(code: code).meaning == .later
  }
}

extension GPURecord {
  fileprivate mutating func keep(_ before: GPURecord, _ elapsed: UInt64) {
    // Where the handle is late, all that is asked by it is.
    let late = NVMLRecord.isLate(handleCode) ? handleCode : nil
    processes.keep(before.processes, late: late, elapsed)
    samples.keep(before.samples, late: late, elapsed)
    cpus.keep(before.cpus, late: late, elapsed)
    nodes.keep(before.nodes, late: late, elapsed)
    ports.keep(before.ports, late: late, elapsed)
    if let late {
      facts = before.facts.all(code: late, elapsed)
      return
    }
    facts.keep(before.facts, elapsed)
    for index in (instances ?? []).indices {
      guard let identity = instances?[index].facts[.uuid],
        let same = before.instances?.first(where: { $0.facts[.uuid] == identity })
      else { continue }
      instances?[index].facts.keep(same.facts, elapsed)
    }
  }
}

extension DriverFacts {
  /// Numbers that one call tells together: the first one stands for the code of all.
  private static let together: [(GPUNumber, [GPUNumber])] = [
    (.memoryTotal, [.memoryUsed, .memoryReserved])
  ]

  /// What may be another at any moment and decides what is offered.
  private static let fleeting: Set<GPUNumber> = [.migMode, .migPending]

  /// Takes over the values of `before` where the answer is "not now".
  fileprivate mutating func keep(_ before: DriverFacts, _ elapsed: UInt64) {
    for (text, answer) in texts where NVMLRecord.isLate(answer.code) {
      if let last = before.texts[text] { set(text, last.kept(code: answer.code, elapsed)) }
    }
    for (number, answer) in numbers where NVMLRecord.isLate(answer.code) {
      let others = Self.together.first { $0.0 == number }?.1 ?? []
      for number in [number] + others where !Self.fleeting.contains(number) {
        if let last = before.numbers[number] { set(number, last.kept(code: answer.code, elapsed)) }
      }
    }
  }

  /// All that was known, of a GPU that answers nothing now.
  fileprivate func all(code: Int32, _ elapsed: UInt64) -> DriverFacts {
    var facts = DriverFacts()
    for (text, last) in texts where last.value != nil {
      facts.set(text, last.kept(code: code, elapsed))
    }
    for (number, last) in numbers where last.value != nil && !Self.fleeting.contains(number) {
      facts.set(number, last.kept(code: code, elapsed))
    }
    return facts
  }
}

extension Answer {
  /// Takes the value that was told before, where this answer is late or everything is.
  fileprivate mutating func keep(_ before: Answer, late: Int32?, _ elapsed: UInt64) {
    guard let code = late ?? (NVMLRecord.isLate(self.code) ? self.code : nil) else { return }
    self = before.kept(code: code, elapsed)
  }

  /// This answer as one that is older now, with the code of the one that did not come; without a
  /// value when it is too old.
  fileprivate func kept(code: Int32, _ elapsed: UInt64) -> Answer {
    let (sum, isTooLong) = (ageMilliseconds ?? 0).addingReportingOverflow(elapsed)
    guard value != nil, !isTooLong, sum <= ProbeLimits.keptMilliseconds else {
      return Answer(value: nil, code: code)
    }
    return Answer(value: value, code: code, ageMilliseconds: sum)
  }
}

/// What a caller that probes again and again remembers between two probes: what the driver said
/// last, for the questions that it does not answer now.
public struct ProbeMemory: Sendable {
  private var last: (record: NVMLRecord, at: UInt64)?

  /// A memory of nothing.
  public init() {}

  /// The record with what is still known, and remembers it.
  ///
  /// - Parameter now: Nanoseconds of the monotonic clock.
  mutating func keeping(_ record: NVMLRecord, at now: UInt64) -> NVMLRecord {
    // A driver that does not answer at all says nothing of its GPUs.
    guard case .running = record.status else { return record }
    var kept = record
    if let last {
      let elapsed = now >= last.at ? (now - last.at) / 1_000_000 : 0
      kept = record.keeping(last.record, elapsedMilliseconds: elapsed)
    }
    last = (kept, now)
    return kept
  }
}
