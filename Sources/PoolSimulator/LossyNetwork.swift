public import PoolAllocator

/// What a network does to messages.
public struct NetworkFaults: Hashable, Sendable {
  /// Messages that are lost. Unit: thousandths.
  public var lost: UInt64 = 0
  /// Messages that arrive twice. Unit: thousandths.
  public var doubled: UInt64 = 0
  /// Messages that are under way for up to `lateness`. Unit: thousandths.
  public var late: UInt64 = 0
  /// Longest time under way of the others. Unit: nanoseconds.
  public var delay = Span(ns: 20_000_000)
  /// Longest time under way of late ones. Unit: nanoseconds.
  public var lateness = Span.seconds(60)

  /// A network that only delays, so that messages still overtake each other.
  public init() {}
}

/// A network that loses, delays, doubles and reorders messages, and whose links can be cut or
/// stalled in one direction. Same seed, same calls: the same deliveries.
public struct LossyNetwork<Message: Sendable>: Sendable {
  /// A direction between two places.
  public struct Link: Hashable, Sendable {
    /// Where messages come from.
    public var from: Int
    /// Where they go.
    public var to: Int

    /// Makes a direction.
    public init(from: Int, to: Int) {
      self.from = from
      self.to = to
    }
  }

  /// What it does to messages that are sent from now on.
  public var faults = NetworkFaults()
  /// Messages delivered, and messages that never will be.
  public private(set) var delivered = 0
  public private(set) var lost = 0
  /// Messages that were under way twice.
  public private(set) var doubled = 0
  /// Messages that a stalled direction held.
  public private(set) var held = 0

  private var random: SeededGenerator
  private var underWay = Agenda<(link: Link, message: Message, isHeld: Bool)>()
  /// Looked up, never iterated.
  private var cuts: Set<Link> = []
  /// Directions that were stalled.
  private var stalls: [Stall] = []

  /// A direction that holds what it carries.
  private struct Stall {
    var link: Link
    /// When the next message that it holds comes out of it.
    var next: Instant
    /// Time between two of them.
    var gap: Span
    /// When all of them are out.
    var last: Instant
  }

  /// What a stalled direction holds is out so long after the stall, however much it is.
  private static var drains: Span { .seconds(10) }

  /// Makes a network without messages.
  public init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// Cuts a direction, or mends it; what is under way arrives all the same.
  public mutating func cut(_ link: Link, _ isCut: Bool) {
    if isCut { cuts.insert(link) } else { cuts.remove(link) }
  }

  /// Stalls a direction: what arrives until then is held, not lost, and comes out in the order in
  /// which it arrived, one message after the other; what comes while the queue drains joins it.
  ///
  /// A connection whose segment was lost, or whose path has a deep buffer that is full: nothing
  /// passes for a while, then everything that was said does, late and in order. A cut that loses
  /// what is sent meanwhile does not show what old words do.
  /// - Parameter gap: time between two messages that come out.
  public mutating func stall(_ link: Link, until end: Instant, gap: Span) {
    guard let place = stalls.firstIndex(where: { $0.link == link }) else {
      return stalls.append(Stall(link: link, next: end, gap: gap, last: end + Self.drains))
    }
    stalls[place].next = max(stalls[place].next, end)
    stalls[place].gap = gap
    stalls[place].last = max(stalls[place].last, end + Self.drains)
  }

  /// Mends every direction; what is held comes out when it would have.
  public mutating func mend() {
    cuts = []
    stalls = []
  }

  /// Sends a message.
  public mutating func send(_ message: Message, over link: Link, at now: Instant) {
    if cuts.contains(link) || random.below(1_000) < faults.lost {
      lost += 1
      return
    }
    let copies = random.below(1_000) < faults.doubled ? 2 : 1
    doubled += copies - 1
    for _ in 0..<copies {
      let longest = random.below(1_000) < faults.late ? faults.lateness : faults.delay
      underWay.add(
        (link, message, false), at: now + Span(ns: random.within(0...max(0, longest.ns))))
    }
  }

  /// The moment of the next delivery.
  public var next: Instant? { underWay.first }

  /// Takes out the next message that has arrived by a moment, if any.
  public mutating func receive(at now: Instant) -> (link: Link, message: Message)? {
    while let (link, message, isHeld) = underWay.popFirst(at: now) {
      if !isHeld, let place = stalls.firstIndex(where: { $0.link == link && $0.next > now }) {
        underWay.add((link, message, true), at: stalls[place].next)
        stalls[place].next = min(stalls[place].next + stalls[place].gap, stalls[place].last)
        held += 1
        continue
      }
      delivered += 1
      return (link, message)
    }
    return nil
  }
}
