public import PoolAllocator

/// Every bound of a loop, each with its unit and its why.
public struct LoopLimits: Hashable, Sendable {
  /// Requests that wait to be applied; more are refused at once. At 10 µs each they are applied
  /// within 0.1 s. Unit: requests.
  public var inbox = 8_192
  /// Replies that wait for their batch to be durable; then no further input is applied. Unit:
  /// replies.
  public var outbox = 16_384
  /// Commands of one batch: one write to the disk for all of them. Unit: commands.
  public var batchCommands = 512
  /// Rows of events and facts of one batch, at most one command more; a row is below 300 bytes, so
  /// that a batch stays below 10 MB. Unit: rows.
  public var batchRows = 16_384
  /// Commands between two ticks while ticks are due, and after each of them while commands wait: so
  /// neither starves the other. Unit: commands.
  public var commandsPerTick = 32
  /// News of leases that are taken in from one message; the rest comes with the next. Unit: leases.
  public var newsPerMessage = 64
  /// Answers that are remembered for requests that come again, once they are durable: 16 batches of
  /// requests and some. Unit: answers.
  public var remembered = 65_536
  /// Silence after which a ready node is suspect: three messages of an agent were lost, for one
  /// waits `pollWait` at most for its reply. Unit: nanoseconds.
  public var missedAfter = Span.seconds(15)
  /// How long the reply to a node may wait for something to say. Unit: nanoseconds.
  public var pollWait = Span.seconds(4)
  /// Time without a command after which a tick carries pool time on; well below
  /// `Limits.clockStepMax`, or quiet hours would be taken for a jump of the clock. Unit:
  /// nanoseconds.
  public var idleTick = Span.seconds(900)
  /// Greatest rate at which pool time is drawn towards UTC. Unit: millionths of elapsed time.
  public static let slewPerMillion: Int64 = 500

  /// The defaults.
  public init() {}
}
