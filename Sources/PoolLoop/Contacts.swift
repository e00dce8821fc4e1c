import PoolAllocator

/// What one leadership knows of its contact with one node; none of it is state of the pool.
struct Contact: Sendable {
  /// The node; its row may be used again.
  var node: NodeID
  /// When it was heard last, on the clock of the loop.
  var heardAt = Instant.origin
  /// The boot of the youngest message that was heard.
  var boot: Key?
  /// The start of its agent, as that told it.
  var started: Int64 = 0
  /// The youngest message that was heard.
  var generation: UInt64 = 0
  var sequence: UInt64 = 0
  /// The message that waits to be taken in, and pool time of its arrival.
  var waiting: (message: NodeMessage, arrived: Instant)?
  /// The message that waits for its reply: taken in, with nothing to say so far.
  var held: (sequence: UInt64, arrived: Instant, until: Instant)?
  /// Sequence of the message that was replied to last.
  var repliedTo: UInt64 = 0
  /// Something happened to its leases since.
  var isDirty = true
  /// The report that was asked for and did not come.
  var ask: ReportAsk?

  init(node: NodeID) { self.node = node }

  /// Whether a message of another start counts the generation that was heard last: an agent that
  /// lost its record counts again what was used before. Were both taken for one start, what the
  /// earlier one said late would pass for what lives now.
  func isCountedAgain(by message: NodeMessage) -> Bool {
    message.generation == generation && (message.boot, message.started) != (boot, started)
  }
}

/// The contacts of all nodes, by row, and who is next to be called silent or to be replied to.
struct Contacts: Sendable {
  private var rows: [Contact?] = []
  /// Heard nodes, the one that is silent longest first.
  private(set) var heard = RowRing()
  /// Nodes whose message waits for a reply, the one that waits longest first.
  private(set) var holding = RowRing()
  /// Nodes whose message waits to be taken in.
  private var inbox = Fifo<UInt32>()
  /// Nodes that hold a message and now have something to be told.
  private var stirred = Fifo<UInt32>()

  /// Whether a message waits to be taken in.
  var hasMessages: Bool { !inbox.isEmpty }
  /// Whether a node waits for a reply that is due.
  var hasStirred: Bool { !stirred.isEmpty }

  /// The contact of a node; a new one where its row was another node's.
  subscript(node: NodeID) -> Contact {
    get {
      guard Int(node.row) < rows.count, let known = rows[Int(node.row)], known.node == node
      else { return Contact(node: node) }
      return known
    }
    set {
      while rows.count <= Int(node.row) { rows.append(nil) }
      rows[Int(node.row)] = newValue
    }
  }

  /// The contact in a row.
  func contact(row: UInt32) -> Contact? { Int(row) < rows.count ? rows[Int(row)] : nil }

  /// Notes a message: it replaces one of the same node that was not yet taken in, for every message
  /// says all that there is to say.
  mutating func hear(_ message: NodeMessage, from node: NodeID, at moment: Instant, pool: Instant) {
    var contact = self[node]
    if contact.generation != message.generation {
      contact.repliedTo = 0
      contact.isDirty = true
    }
    contact.heardAt = moment
    (contact.boot, contact.started) = (message.boot, message.started)
    contact.generation = message.generation
    contact.sequence = message.sequence
    if contact.waiting == nil { inbox.append(node.row) }
    contact.waiting = (message, pool)
    self[node] = contact
    heard.append(node.row)
  }

  /// The node whose message comes next, if any, with the message.
  mutating func nextMessage() -> (node: NodeID, message: NodeMessage, arrived: Instant)? {
    while let row = inbox.popFirst() {
      guard let contact = contact(row: row), let waiting = contact.waiting else { continue }
      rows[Int(row)]?.waiting = nil
      return (contact.node, waiting.message, waiting.arrived)
    }
    return nil
  }

  /// Takes out the node that was silent longest, if it was for a span.
  mutating func nextSilent(since moment: Instant) -> NodeID? {
    guard let row = heard.first, let contact = contact(row: row), contact.heardAt <= moment
    else { return nil }
    heard.remove(row)
    return contact.node
  }

  /// Notes that something happened to a lease of a node, or to the node.
  mutating func stir(_ node: NodeID) {
    guard let contact = contact(row: node.row), contact.node == node, !contact.isDirty
    else { return }
    rows[Int(node.row)]?.isDirty = true
    if contact.held != nil { stirred.append(node.row) }
  }

  /// Has a node wait for its reply.
  mutating func hold(_ node: NodeID, _ sequence: UInt64, arrived: Instant, until: Instant) {
    self[node].held = (sequence, arrived, until)
    holding.append(node.row)
  }

  /// Takes out the next node that is to be replied to: it has something to be told, or waited long
  /// enough.
  mutating func nextHeld(
    at moment: Instant
  ) -> (node: NodeID, sequence: UInt64, arrived: Instant)? {
    while let row = stirred.popFirst() {
      if let contact = contact(row: row), let held = contact.held {
        release(row)
        return (contact.node, held.sequence, held.arrived)
      }
    }
    guard let row = holding.first, let contact = contact(row: row), let held = contact.held,
      held.until <= moment
    else { return nil }
    release(row)
    return (contact.node, held.sequence, held.arrived)
  }

  /// Ends the wait of a node, if it waits.
  mutating func release(_ row: UInt32) {
    holding.remove(row)
    if Int(row) < rows.count { rows[Int(row)]?.held = nil }
  }
}
