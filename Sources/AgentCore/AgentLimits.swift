public import PoolAllocator

/// Every bound of an agent, each with its unit and its why.
public struct AgentLimits: Hashable, Sendable {
  /// Leases that are known at once, those of which the end is not yet taken in among them. Unit:
  /// leases.
  public static let leases = Limits.leasesPerNode
  /// Devices whose highest fencing number is kept apiece; of more, the least number of a device
  /// that is not there stands for it. Unit: devices.
  public static let fences = 4 * Limits.devicesPerNode
  /// News that one message carries; the rest comes with the next. Unit: leases.
  public static let newsPerMessage = 64
  /// Messages whose sending is remembered: a reply to an older one is late. Unit: messages.
  public static let messagesUnderWay = 8
  /// How much faster pool time may run than the clock of this node: 500 for the slew of pool time,
  /// 500 for either clock's own slew, 100 for each crystal. Unit: millionths.
  public var driftPerMillion: Int64 = 2_000
  /// Time between the order to kill and the moment at which nothing lives any more. Unit:
  /// nanoseconds.
  public var killTakes = Span.seconds(1)
  /// How long a reply may take before the next message: the wait of the leader and some. Unit:
  /// nanoseconds.
  public var replyWithin = Span.seconds(5)
  /// Least time between two messages. Unit: nanoseconds.
  public var messageGap = Span(ns: 50_000_000)
  /// Time before the same report is sent again, or the caller is asked again for what it did not
  /// carry out. Unit: nanoseconds.
  public var repeatAfter = Span.seconds(1)

  /// The defaults.
  public init() {}

  /// A span of pool time as the clock of this node is sure to count it before it is over there.
  func shortened(_ span: Span) -> Span {
    let margin = (span.ns / 1_000_000 + 1).multipliedReportingOverflow(by: driftPerMillion)
    return margin.overflow ? .zero : Span(ns: max(0, span.ns - margin.partialValue))
  }
}
