import PoolAllocator
import PoolViews
import PoolWire
import StrictJSON

/// The report as a program reads it: the same model as the table.
extension PlaceReport {
  /// - Parameter withAlternatives: whether it says what would be granted at once instead of each
  ///   claim that was not placed.
  func json(withAlternatives: Bool = false) -> String {
    var instead = (withAlternatives ? alternatives : []).makeIterator()
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "placement")
      writer.object("pool") { view.write(&$0) }
      writer.array("claims") { writer in
        for entry in entries {
          write(entry, entry.isPlaced ? nil : instead.next(), &writer)
        }
      }
      writer.object("summary") { writer in
        writer.int64("granted", Int64(granted.count))
        writer.int64("queued", Int64(entries.filter { $0.state == .queued }.count))
        writer.int64("parked", Int64(entries.filter { $0.state == .parked }.count))
        writer.int64(
          "awaiting_approval", Int64(entries.filter { $0.state == .awaitingApproval }.count))
        writer.int64("refused", Int64(refused.count))
        writer.int64("ended", Int64(ended.count))
        if !degraded.isEmpty { writer.int64("degraded", Int64(degraded.count)) }
      }
    }
    return writer.text + "\n"
  }

  private func write(
    _ entry: Entry, _ instead: AlternativesView?, _ writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.string("claim", entry.form.name)
      writer.string("tenant", entry.form.tenant)
      writer.string("class", entry.serviceClass)
      writer.string("outcome", outcome(entry))
      writer.gpuSeconds("price_gpu_seconds", entry.price)
      writer.gpuSeconds("reservation_gpu_seconds", entry.reservation)
      if let end = entry.ended { writer.string("ended", end) }
      if let position = entry.position { writer.int64("position", Int64(position)) }
      if let planned = entry.planned { writer.milliseconds("planned_ms", planned) }
      if let id = entry.id {
        writer.degraded(id, in: session.pool, names: session.names)
        writer.startBound(id, in: session.look())
      }
      if let bucket = entry.bucket { writer.string("bucket", bucket) }
      if let (id, lease) = entry.lease {
        writer.key("lease")
        writer.lease(id, lease, in: session.pool, names: session.names)
        writer.gang(of: id, in: session.pool, names: session.names)
      }
      if entry.lease == nil {
        if let hint = entry.hint { writer.hint(hint) }
        writer.array("blocking") { writer in
          for reason in entry.reasons { writer.reason(reason) }
        }
      }
      if let instead { writer.alternatives(instead, at: view.now) }
    }
  }

  private func outcome(_ entry: Entry) -> String {
    switch entry.state {
    case .queued: "queued"
    case .parked: "parked"
    case .awaitingApproval: "awaiting_approval"
    case .starting, .running: "granted"
    case .new, nil: entry.id == nil ? entry.verdict.wire : "ended"
    }
  }
}
