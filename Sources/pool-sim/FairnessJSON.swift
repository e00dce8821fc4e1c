import PoolAllocator
import PoolSimulator
import StrictJSON

/// A comparison as one JSON document; times in milliseconds, ratios with three decimals.
enum FairnessJSON {
  static func text(_ comparisons: [FairnessComparison], seed: UInt64) -> String {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("seed", String(seed))
      writer.bool("holds", comparisons.allSatisfy(\.verdict.holds))
      writer.array("mixes") { writer in
        for comparison in comparisons { writer.object { $0.comparison(comparison) } }
      }
    }
    return writer.text + "\n"
  }

  /// One run of a trace as one JSON document.
  static func text(_ replay: TraceReplay) -> String {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.mix(replay.mix)
      writer.object("result") { $0.score(replay.score, replay.mix) }
    }
    return writer.text + "\n"
  }
}

extension JSONWriter {
  fileprivate mutating func mix(_ mix: FairnessMix) {
    string("mix", mix.name)
    string("summary", mix.summary)
    int64("gpus", Int64(mix.gpus))
    int64("nodes", Int64(mix.nodes))
    int64("jobs", Int64(mix.jobs.count))
    span("length_ms", Span(ns: mix.end.ns))
  }

  fileprivate mutating func comparison(_ comparison: FairnessComparison) {
    let mix = comparison.mix
    self.mix(mix)
    array("verdict") { writer in
      for check in comparison.verdict.checks {
        writer.object { writer in
          writer.string("promise", check.promise.rawValue)
          writer.key("holds")
          if let holds = check.holds { writer.bool(holds) } else { writer.null() }
          writer.string("seen", check.figure)
          writer.string("limit", check.limit)
        }
      }
    }
    array("schedulers") { writer in
      for score in comparison.scores { writer.object { $0.score(score, mix) } }
    }
  }

  fileprivate mutating func score(_ score: FairnessScore, _ mix: FairnessMix) {
    string("scheduler", score.scheduler)
    milliFixed("utilisation", score.usage.utilisation)
    milliFixed("useful", score.usage.useful)
    milliFixed("lost", score.usage.lost)
    milliFixed("leaving", score.usage.leaving)
    ratio("jain_index", score.jainMilli)
    int64("preemptions", Int64(score.preemptions))
    object("reclaims") { writer in
      writer.int64("count", Int64(score.reclaims.count))
      for (name, thousandths) in [("p50_ms", 500), ("p99_ms", 990), ("max_ms", 1000)] {
        let span = FairnessMeasures.percentile(score.reclaims, thousandths: thousandths)
        writer.optionalSpan(name, span)
      }
    }
    object("classes") { writer in
      for (rank, waits) in score.classes.enumerated() { writer.waits("P\(rank)", waits) }
    }
    waits("urgent_within_share", score.urgent)
    waits("gangs", score.gangs)
    waits("covered_by_guarantee", score.covered)
    array("tenants") { writer in
      for tenant in score.tenants {
        writer.object { $0.tenant(tenant, mix.tenants[tenant.tenant]) }
      }
    }
  }

  private mutating func tenant(_ score: FairnessScore.TenantScore, _ tenant: FairnessTenant) {
    string("tenant", tenant.name)
    milliFixed("weight", Int64(tenant.weightMilli))
    int64("asked", Int64(score.asked))
    int64("denied", Int64(score.denied))
    int64("degraded", Int64(score.degraded))
    int64("gpu_seconds", Int64(clamping: score.work / 1_000_000_000))
    ratio("share_of_entitlement", score.shareMilli)
    ratio("share_of_entitlement_not_judged", score.shortShareMilli)
    ratio("finish_time_fairness", score.finishMilli)
    object("classes") { writer in
      for (rank, waits) in score.waits.enumerated() { writer.waits("P\(rank)", waits) }
    }
  }

  private mutating func waits(_ name: String, _ waits: FairnessWaits?) {
    guard let waits else { return }
    object(name) { writer in
      writer.int64("jobs", Int64(waits.jobs))
      writer.span("p50_ms", waits.p50)
      writer.span("p95_ms", waits.p95)
      writer.span("p99_ms", waits.p99)
      writer.span("max_ms", waits.most)
      writer.optionalSpan("bound_ms", waits.bound)
      writer.ratio("used_of_bound", waits.usedMilli)
      writer.int64("told", Int64(waits.told))
      writer.int64("untold", Int64(waits.untold))
      writer.int64("late", Int64(waits.late))
    }
  }

  private mutating func span(_ name: String, _ span: Span) {
    int64(name, (span.ns + 999_999) / 1_000_000)
  }

  private mutating func optionalSpan(_ name: String, _ span: Span?) {
    if let span { self.span(name, span) } else { null(name) }
  }

  private mutating func ratio(_ name: String, _ milli: Int64?) {
    if let milli { milliFixed(name, milli) } else { null(name) }
  }
}
