internal import StrictJSON

/// Asks the driver in a process of its own, so that a call that never returns costs that process
/// and not this one. A GPU from which the driver does not come back, or at which the library
/// crashes, is left out and the others are asked again, while there is time.
struct DriverChild {
  let program: String
  let arguments: [String]
  let deadlineMilliseconds: Int
  /// Where those that cannot be ended are remembered.
  var stuck = StuckAskers.shared

  /// What one process told, and how that ended.
  private struct Attempt {
    enum End { case complete, stalled, died, nonsense(String) }

    var record = NVMLRecord(status: .notAsked)
    var hasHead = false
    var end = End.stalled
    var note: String?

    /// The GPU that was being asked when the process stopped telling.
    func current(skipping: Set<Int>) -> Int? {
      guard hasHead, case .running = record.status else { return nil }
      let told = Set(record.gpus.map(\.index))
      return (0..<min(record.count, ProbeLimits.gpus)).first {
        !told.contains($0) && !skipping.contains($0)
      }
    }
  }

  /// The record, within the deadline and a little time to end the process.
  func record() -> (record: NVMLRecord, notes: [String]) {
    let start = Syscalls.monotonicNanoseconds()
    let deadline = start &+ UInt64(deadlineMilliseconds) &* 1_000_000
    var skipping: Set<Int> = []
    var best: NVMLRecord?
    var notes: [String] = []
    while true {
      if let reason = stuck.refusal() {
        return (best ?? NVMLRecord(status: .askerFailed(reason: reason)), notes)
      }
      var attempt = attempt(skipping, until: deadline)
      if let note = attempt.note { notes.append(note) }
      attempt.record.silent = skipping.sorted()
      guard attempt.hasHead else {
        return (best ?? NVMLRecord(status: failure(attempt.end, skipping)), notes)
      }
      if attempt.record.gpus.count >= best?.gpus.count ?? 0 { best = attempt.record }
      if case .complete = attempt.end { break }
      guard let silent = attempt.current(skipping: skipping) else { break }
      skipping.insert(silent)
      best?.silent = skipping.sorted()
      if Syscalls.monotonicNanoseconds() >= deadline { break }
    }
    return (best ?? NVMLRecord(status: .late(deadlineMilliseconds: deadlineMilliseconds)), notes)
  }

  private func failure(_ end: Attempt.End, _ skipping: Set<Int>) -> NVMLStatus {
    switch end {
    case .complete: .askerFailed(reason: "it said nothing")
    case .stalled: .late(deadlineMilliseconds: deadlineMilliseconds)
    case .died: .askerFailed(reason: "the process that asked it died")
    case .nonsense(let reason): .askerFailed(reason: reason)
    }
  }

  /// Runs one process until it is done, falls silent for a quarter of the deadline after its first
  /// line, or the deadline comes.
  private func attempt(_ skipping: Set<Int>, until deadline: UInt64) -> Attempt {
    var attempt = Attempt()
    var words = arguments
    if !skipping.isEmpty {
      words.append("--skip=" + skipping.sorted().map(String.init).joined(separator: ","))
    }
    let (started, reason) = Syscalls.spawn(program, words)
    guard let child = started else {
      attempt.end = .nonsense("\(program): \(reason)".printable)
      return attempt
    }
    let stall = UInt64(max(deadlineMilliseconds / 4, 50)) * 1_000_000
    var lines = LineBuffer(lineBytesMax: ProbeLimits.recordLineBytes)
    var total = 0
    reading: while true {
      let pause = Syscalls.monotonicNanoseconds() &+ stall
      switch Syscalls.receive(child, until: attempt.hasHead ? min(deadline, pause) : deadline) {
      case .nothingYet: break reading
      case .ended:
        attempt.end = attempt.record.isComplete ? .complete : .died
        break reading
      case .bytes(let bytes):
        total += bytes.count
        if let reason = take(bytes, into: &lines, &attempt) {
          attempt.end = .nonsense(reason)
          break reading
        }
        if total > ProbeLimits.recordBytes {
          attempt.end = .nonsense("it said more than \(ProbeLimits.recordBytes) bytes")
          break reading
        }
      }
    }
    if Syscalls.end(child) == .stuck {
      stuck.add(child)
      attempt.note = "process \(child.process) is stuck in the driver and cannot be ended"
    }
    return attempt
  }

  /// Adds whole lines; answers what is wrong with one, or nil.
  private func take(
    _ bytes: [UInt8], into lines: inout LineBuffer, _ attempt: inout Attempt
  ) -> String? {
    guard lines.append(bytes) else { return "a line of its record is too long" }
    while let line = lines.next() {
      do {
        let part = try RecordParser.part(line)
        if case .head = part {
          attempt.hasHead = true
        } else if !attempt.hasHead, part != .end {
          return "its record has no head"
        }
        if attempt.record.gpus.count + attempt.record.pairs.count > 65_536 {
          return "its record has too many lines"
        }
        attempt.record.add(part)
      } catch {
        return "its record makes no sense: \(error.description.printable)"
      }
    }
    return nil
  }
}

/// Whole lines out of pieces of bytes.
struct LineBuffer {
  private let lineBytesMax: Int
  private var bytes: [UInt8] = []
  private var start = 0

  init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

  /// False when a line is longer than allowed.
  mutating func append(_ piece: [UInt8]) -> Bool {
    bytes.removeFirst(start)
    start = 0
    bytes += piece
    let open = bytes.lastIndex(of: UInt8(ascii: "\n")).map { bytes.count - $0 } ?? bytes.count
    return open <= lineBytesMax
  }

  /// The next line without its end; nil when none is whole.
  mutating func next() -> [UInt8]? {
    guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    defer { start = end + 1 }
    return Array(bytes[start..<end])
  }
}

/// The other side: what a program does that is started to ask the driver.
public enum DriverRecord {
  /// The descriptor on which the record is expected.
  public static let descriptor: Int32 = 3

  /// Asks the driver and writes what it says to descriptor 3, line by line. Ends with the process
  /// that started this one. Changes nothing on the machine.
  ///
  /// - Parameters:
  ///   - search: Where to look for NVML.
  ///   - skipping: Indexes of GPUs that must not be asked.
  /// - Returns: False when nobody reads any more.
  public static func write(_ search: Probe.NVMLSearch, skipping: Set<Int>) -> Bool {
    Syscalls.dieWithParent()
    let isPrivileged = Syscalls.isPrivileged()
    let (paths, _) = NVMLLocator.candidates(for: search, isPrivileged: isPrivileged)
    var isRead = true
    var reader = NVMLReader { part in
      isRead =
        isRead && Syscalls.write(RecordLines.line(part) + [UInt8(ascii: "\n")], to: descriptor)
    }
    reader.skipping = skipping
    reader.run(paths, isPrivileged: isPrivileged)
    return isRead
  }
}
