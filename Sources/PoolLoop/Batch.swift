public import PoolAllocator

/// The request behind a record, to be kept with it in one step.
public struct RequestMark: Sendable {
  /// The request's ticket.
  public var ticket: Key
  /// The caller's name of it.
  public var name: RequestName?
  /// What was answered.
  public var answer: Answer
}

/// One command and what it did: the body of a record of the journal.
public struct Record: Sendable {
  /// What was asked.
  public var command: Command
  /// The moment that the pool was handed; `log.at` is what it made of it.
  public var moment: Instant
  /// What the pool answered.
  public var decision: Decision
  /// Whether more was due; of a tick alone.
  public var progress: Progress
  /// What happened.
  public var log: EventLog
  /// Who asked; nil: the loop itself, or an agent.
  public var request: RequestMark?
}

/// Records that are made durable in one step, all of them or none.
public struct Batch: Sendable {
  /// Counts the batches of one leadership, from 1.
  public var number: UInt64
  /// The records, in order.
  public var records: [Record] = []
  /// Rows of their events and facts.
  var rows = 0

  init(number: UInt64) { self.number = number }

  mutating func append(_ record: Record) {
    records.append(record)
    rows += record.log.rows
  }
}

extension EventLog {
  /// Rows of events and of the facts of which a command may write many.
  var rows: Int {
    events.count + uses.count + postings.count + reasons.count + grants.count + deviceFacts.count
  }
}
