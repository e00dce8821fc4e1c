import PoolAllocator
import PoolLoop
import PoolStore

/// A loop on a store, and work for both: nodes are enrolled and moved, and every request has a
/// name.
struct Lab {
  static let engine: UInt16 = 1
  let store: SQLiteStore
  private(set) var loop: Loop
  private var elapsed: Int64 = 1_000_000_000
  private(set) var asked = UInt64(0)

  init(_ path: String) throws {
    store = try SQLiteStore(at: path, engine: Lab.engine)
    let recovered = try store.recover()
    loop = Loop(
      after: recovered.pool, limits: LoopLimits(), at: ClockReading(elapsed: 0, utc: 1_000))
    asked = recovered.records
  }

  /// Asks so many things, makes what comes of them durable, and hears the replies.
  /// - Returns: the names that were answered.
  mutating func turn(_ count: Int) throws -> [UInt64] {
    for _ in 0..<count {
      asked += 1
      _ = loop.take(
        Request(
          ticket: Key(high: 1, low: asked), name: Lab.name(asked),
          knownThrough: loop.durable, command: command(asked)))
    }
    var said: [UInt64] = []
    while said.count < count {
      elapsed += 1_000_000
      let output = loop.run(at: ClockReading(elapsed: elapsed, utc: elapsed))
      for reply in output.replies { said.append(reply.ticket.low) }
      guard let batch = output.batch else { continue }
      try store.append(batch, utc: elapsed / 1_000_000_000)
      loop.batchIsDurable(batch.number)
    }
    return said
  }

  static func name(_ number: UInt64) -> RequestName {
    RequestName(
      scope: Key(high: 2, low: 1), key: Key(high: 3, low: number),
      digest: Key(high: 4, low: number))
  }

  private func command(_ number: UInt64) -> Command {
    let key = Key(high: 5, low: number % 512)
    guard let node = loop.pool.node(named: key) else {
      return .enrol(
        Enrolment(
          key: key, approved: [ApprovedDevices(profile: Key(high: 6, low: number), count: 8)]))
    }
    return number % 3 == 0 ? .forget(node) : number % 2 == 0 ? .cordon(node) : .uncordon(node)
  }
}
