import PoolAllocator
import PoolRecord
import PoolSimulator
import PoolWire
import StrictJSON

/// The report as a program reads it: the same model as the tables.
extension WhatIfReport {
  /// One document.
  var json: String {
    let changes = answer.changes
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "what_if")
      writer.int64("records", Int64(answer.records))
      writer.int64("requests", Int64(answer.before.count))
      writer.milliseconds("pool_ms", Instant(ns: (answer.horizon - answer.start).ns))
      if case .torn(let tail) = answer.ending { writer.string("torn", "\(tail)") }
      writer.array("changes") { writer in
        for change in changes { write(change, &writer) }
      }
      writer.array("groups") { writer in
        for group in answer.groups {
          writer.object { writer in
            writer.string("tenant", names.text(group.tenant))
            write(group.serviceClass, &writer)
            writer.object("before") { write(group.before, &$0) }
            writer.object("after") { write(group.after, &$0) }
          }
        }
      }
      let totals = answer.totals
      writer.object("totals") { writer in
        writer.object("before") { write(totals.before, &$0) }
        writer.object("after") { write(totals.after, &$0) }
      }
    }
    return writer.text + "\n"
  }

  private func write(_ serviceClass: ServiceClass?, _ writer: inout JSONWriter) {
    if let serviceClass {
      writer.string("class", serviceClass.word)
    } else {
      writer.null("class")
    }
  }

  private func write(_ change: ChangedRequest, _ writer: inout JSONWriter) {
    let (was, now) = (answer.before[change.request], answer.after[change.request])
    writer.object { writer in
      writer.int64("request", Int64(change.request))
      writer.string("claim", claim(was))
      writer.string("tenant", names.text(was.spec.tenant))
      write(was.serviceClass ?? now.serviceClass, &writer)
      writer.milliseconds("asked_ms", was.asked)
      writer.array("changed") { writer in
        for part in change.parts { writer.string("\(part)") }
      }
      writer.bool("assumed", answer.assumed[change.request])
      writer.object("before") { write(was, &$0) }
      writer.object("after") { write(now, &$0) }
    }
  }

  private func write(_ story: RequestStory, _ writer: inout JSONWriter) {
    if let verdict = story.verdict {
      writer.string("answer", verdict.wire)
    } else {
      writer.null("answer")
    }
    if story.isRefused, let reason = story.reason { writer.string("reason", reason.wire) }
    write("granted_ms", story.granted, &writer)
    write("started_ms", story.started, &writer)
    write("ended_ms", story.ended, &writer)
    writer.gpuSeconds("price_gpu_seconds", story.price)
    if let lane = story.lane {
      writer.string("lane", names.text(lane))
    } else {
      writer.null("lane")
    }
    writer.int64("rung", Int64(story.rung))
    if let name = story.rungName { writer.string("rung_name", names.text(name)) }
    if let end = story.end { writer.string("end", end.wire) } else { writer.null("end") }
  }

  private func write(_ name: String, _ moment: Instant?, _ writer: inout JSONWriter) {
    if let moment { writer.milliseconds(name, moment) } else { writer.null(name) }
  }

  private func write(_ totals: WhatIfTotals, _ writer: inout JSONWriter) {
    writer.int64("requests", Int64(totals.requests))
    writer.int64("granted", Int64(totals.granted))
    writer.int64("refused", Int64(totals.refused))
    writer.int64("waiting", Int64(totals.waiting))
    for (name, milli) in [("wait_p50_ms", 500), ("wait_p95_ms", 950)] {
      write(name, totals.wait(milli).map { Instant(ns: $0.ns) }, &writer)
    }
    writer.gpuSeconds("gpu_seconds", Credits(Int64(clamping: totals.credits)))
  }
}
