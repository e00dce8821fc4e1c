import CAllocations
import PoolAllocator

/// A cluster that is nearly full.
package final class FleetStage: Stage {
  package var fleet: Fleet
  /// A number that the cases of a bucket charge.
  var bucket: CreditBucket
  var moment = Instant(ns: 1)
  /// What a snapshot takes. Unit: bytes.
  var snapshotBytes = 0
  /// The last digest: what nobody looks at may not be computed.
  var last: Digest?

  package convenience init(nodes: Int) {
    self.init(Fleet(nodes: nodes))
    fleet.fill()
  }

  /// A stage on a fleet that was filled before.
  package init(_ fleet: consuming Fleet) {
    self.fleet = fleet
    bucket = CreditBucket(
      cap: Credits(1_000_000_000), refillPerSecond: Credits(1_000_000_007),
      level: Credits(500_000_000), asOf: Instant(ns: 1))
  }

  package static func size(of nodes: Int) -> String { "\(grouped(nodes)) nodes" }

  /// What the heap grows by while a copy lives beside a pool that was written to. Unit: bytes.
  fileprivate func bytesOfSnapshot() -> Int {
    let before = heap_bytes()
    let copy = fleet.pool
    fleet.pair(.whole)
    let after = heap_bytes()
    withExtendedLifetime(copy) {}
    return Int(after) - Int(before)
  }

  /// A copy of the pool and the first pair after it, which copies every table that it writes to;
  /// then the copy is let go.
  fileprivate func snapshot() {
    let copy = fleet.pool
    fleet.pair(.whole)
    withExtendedLifetime(copy) {}
  }

  /// Refills a bucket for the time that passed and takes some credits out of it.
  fileprivate func charge() {
    moment = moment + Span(ns: 100)
    let refill = bucket.refill(at: moment)
    bucket.level = Credits(bucket.level.value + refill.gained.value - 100)
    bucket.remainder = refill.remainder
    bucket.asOf = moment
  }
}

/// Digits in groups of three.
package func grouped(_ value: Int) -> String {
  var digits = String(value)
  var index = digits.count - 3
  while index > 0 {
    digits.insert(",", at: digits.index(digits.startIndex, offsetBy: index))
    index -= 3
  }
  return digits
}

extension Case where On == FleetStage {
  private static let sizes = [1_000, 10_000, 100_000]

  private static func pair(
    _ name: String, _ kind: Kind, operations: Int = 20_000
  ) -> Case<FleetStage> {
    Case(
      name, operations: operations, sizes: sizes, floor: { _ in .bareIndex },
      run: { stage, _ in stage.fleet.pair(kind) })
  }

  /// Nobody waits; what is given back is asked for again. A pair is four commands: submit, started,
  /// release, empty.
  package static let pairs: [Case<FleetStage>] = [
    pair("pair: one whole GPU", .whole),
    pair("pair: share of a GPU", .fraction),
    pair("pair: MIG instance", .slice),
    pair("pair: gang, 8 members x 1 GPU", .gang, operations: 2_000),
    pair("pair: 1 member x 8 GPUs", .board, operations: 2_000),
  ]

  /// The same with a record of every command.
  package static let recorded = Case<FleetStage>(
    "pair: share of a GPU, recorded", sizes: [1_000, 10_000],
    floor: { stage in
      guard let journal = stage.fleet.journal else { return .copy(1) }
      return .copy(journal.written / max(1, journal.records / 4))
    },
    prepare: { stage in
      stage.fleet.journal = Journal(key(200, 0), from: stage.fleet.pool)
      stage.fleet.journal?.wrapsAt = 1 << 20
    },
    run: { stage, _ in stage.fleet.pair(.fraction) })

  package static let charge = Case<FleetStage>(
    "bucket: refill and charge", operations: 1_000_000, batch: 1_000, sizes: [1_000],
    floor: { _ in .hashMap }, run: { stage, _ in stage.charge() })

  /// Every lease is past half of what it paid for, and each is renewed once.
  package static let renew = Case<FleetStage>(
    "renew: charge of two buckets", operations: 5_000, sizes: [10_000],
    floor: { _ in .hashMap },
    prepare: { stage in
      stage.fleet.journal = nil
      stage.fleet.wait(.seconds(301))
    },
    run: { stage, number in stage.fleet.renew(number) })

  package static let snapshot = Case<FleetStage>(
    "snapshot: copy, then first pair", operations: 4, sizes: [10_000, 100_000],
    floor: { stage in .copy(stage.snapshotBytes) },
    prepare: { stage in stage.snapshotBytes = stage.bytesOfSnapshot() },
    run: { stage, _ in stage.snapshot() })

  package static let digest = Case<FleetStage>(
    "digest of the whole state", operations: 4, sizes: [10_000],
    floor: { stage in .copy(stage.snapshotBytes) },
    run: { stage, _ in stage.last = stage.fleet.pool.digest() })
}
