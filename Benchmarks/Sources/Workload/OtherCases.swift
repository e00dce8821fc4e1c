import PoolAllocator
import PoolRecord

/// A cluster with a million leases, none of which is renewed.
package final class TickStage: Stage {
  package var fleet: Fleet
  fileprivate var isReady = false

  package convenience init(nodes: Int) {
    self.init(Fleet(nodes: nodes))
    fleet.fill(atMost: 1_000_000)
  }

  /// A stage on a fleet that was filled before.
  package init(_ fleet: consuming Fleet) { self.fleet = fleet }

  package static func size(of nodes: Int) -> String { "1,000,000 leases" }

  /// Moves time to where leases begin to end.
  fileprivate func prepare() {
    guard !isReady else { return }
    isReady = true
    repeat { fleet.wait(Span(ns: 10_000_000)) } while fleet.tick() == 0
  }

  /// Ticks at the pace of the claims until a lease ended.
  fileprivate func tickOn() {
    repeat { fleet.wait(Fleet.pace) } while fleet.tick() == 0
  }
}

extension Case where On == TickStage {
  package static let ticks: [Case<TickStage>] = [
    Case(
      "tick: a lease ends unpaid", operations: 10_000, sizes: [100_000],
      floor: { _ in .hashMap }, prepare: { $0.prepare() }, run: { stage, _ in stage.tickOn() }),
    Case(
      "tick: nothing is due", operations: 100_000, batch: 100, sizes: [100_000],
      floor: { _ in .hashMap }, prepare: { $0.prepare() },
      run: { stage, _ in stage.fleet.tick() }),
  ]
}

/// A cluster with every GPU in use and a long queue.
package final class CrowdStage: Stage {
  /// Claims that wait. Unit: claims.
  static let queued = 10_000
  private var crowd: Crowd
  private var claims: [ClaimID] = []

  package init(nodes: Int) {
    crowd = Crowd(nodes: nodes, queued: Self.queued, samples: 0)
    for _ in 0..<1_000 { crowd.turn() }
    while claims.count < 100, let (id, _) = crowd.drawWaiting() { claims.append(id) }
  }

  package static func size(of nodes: Int) -> String {
    "\(grouped(nodes)) nodes, \(grouped(queued)) wait"
  }

  fileprivate func explain(_ number: Int) { crowd.explain(claims[number % claims.count]) }
}

extension Case where On == CrowdStage {
  package static let explain = Case<CrowdStage>(
    "explain a waiting claim", operations: 1_000, sizes: [1_000, 10_000],
    floor: { _ in .hashMap }, run: { stage, number in stage.explain(number) })
}

/// The journal of a small cluster, from an empty pool on.
package final class JournalStage: Stage {
  private let bytes: [UInt8]
  private var records: [Record] = []
  private var reader: JournalReader
  private var target: Journal

  package init(nodes: Int) {
    var fleet = Fleet(nodes: nodes, journal: key(200, 0))
    fleet.fill()
    for _ in 0..<1_000 { fleet.turn() }
    guard let journal = fleet.journal else { fatalError("a fleet keeps its journal") }
    bytes = journal.bytes
    reader = JournalReader(bytes)
    while let record = reader.next() { records.append(record) }
    guard reader.ending == .complete, records.count == journal.records else {
      fatalError("all is read")
    }
    target = Journal(key(200, 0), from: fleet.pool)
    target.wrapsAt = 1 << 20
  }

  package static func size(of nodes: Int) -> String { "\(nodes) nodes" }

  fileprivate var bytesOfRecord: Int { bytes.count / records.count }
  fileprivate var bytesOfJournal: Int { bytes.count }

  fileprivate func write(_ number: Int) { target.append(records[number % records.count]) }

  fileprivate func read() {
    if reader.next() == nil { reader = JournalReader(bytes) }
  }

  /// Reads and folds the whole journal.
  /// - Returns: records.
  @discardableResult
  fileprivate func fold() -> Int {
    var reader = JournalReader(bytes)
    guard var pool = reader.emptyPool, reader.fold(into: &pool) == .complete else {
      fatalError("all is folded")
    }
    return records.count
  }
}

extension Case where On == JournalStage {
  package static let journal: [Case<JournalStage>] = [
    Case(
      "record: write", sizes: [64], floor: { .copy($0.bytesOfRecord) },
      run: { stage, number in stage.write(number) }),
    Case(
      "record: read", sizes: [64], floor: { .copy($0.bytesOfRecord) },
      run: { stage, _ in stage.read() }),
    Case(
      "journal: read and fold, 64 nodes", operations: 2, sizes: [64],
      floor: { .copy($0.bytesOfJournal) }, run: { stage, _ in stage.fold() }),
  ]
}
