import PoolAllocator

/// The charts of one comparison.
struct FairnessPlots {
  private let comparison: FairnessComparison
  /// Unique in the page.
  private let id: String

  init(_ comparison: FairnessComparison, id: String) {
    self.comparison = comparison
    self.id = id
  }

  private var mix: FairnessMix { comparison.mix }

  /// All charts, in the order of the page.
  var charts: [SVGChart] {
    waits + [utilisation] + (comparison.mix.guarantee == nil ? [] : [reclaims]) + shares
  }

  // MARK: waits

  /// For each class, how many of its jobs waited no longer than so long.
  private var waits: [SVGChart] {
    (0..<4).compactMap { rank in
      let waits = comparison.records.map { record in
        mix.jobs.indices.filter { mix.jobs[$0].rank == rank }.compactMap { number in
          record.rows[number].started.map { $0 - mix.jobs[number].arrives }
        }.sorted()
      }
      guard let most = waits.compactMap(\.last).max() else { return nil }
      let scale = DoublingScale(most: max(most, .seconds(1)))
      var chart = SVGChart(
        id: "\(id)-w\(rank)", title: "Waits of P\(rank)",
        description: zip(comparison.records, waits).map { record, waits in
          let median = FairnessMeasures.percentile(waits, thousandths: 500) ?? .zero
          let worst = waits.last ?? .zero
          return "\(record.scheduler): half within \(FairnessText.seconds(median)) s, all within "
            + "\(FairnessText.seconds(worst)) s."
        }.joined(separator: " "),
        xName: "waited no longer than (doubling scale)")
      chart.xTicks = scale.ticks
      chart.lines = waits.enumerated().map { index, waits in
        let parts = Array(stride(from: 10, through: 990, by: 10)) + [995, 1000]
        let points = parts.compactMap { part in
          FairnessMeasures.percentile(waits, thousandths: part).map {
            (x: scale.place($0), y: Int64(part))
          }
        }
        return .init(name: comparison.records[index].scheduler, style: index, points: points)
      }
      return chart
    }
  }

  // MARK: over time

  /// Parts into which time is cut.
  private static let parts = 96

  /// Average GPUs in each part of the time, in thousandths of a number of GPUs.
  private func held(
    _ stints: [FairnessRecord.Stint], of gpus: Int, where isIn: (FairnessRecord.Stint) -> Bool
  ) -> [Int64] {
    var work = Array(repeating: Int128(0), count: Self.parts)
    let part = max(1, mix.end.ns / Int64(Self.parts))
    for stint in stints where isIn(stint) {
      var now = stint.from.ns
      let end = min(stint.left.ns, part * Int64(Self.parts))
      while now < end {
        let index = now / part
        let next = min(end, (index + 1) * part)
        work[Int(index)] += Int128(next - now) * Int128(stint.gpus)
        now = next
      }
    }
    return work.map { Int64(clamping: $0 * 1000 / (Int128(part) * Int128(max(1, gpus)))) }
  }

  private var timeTicks: [SVGChart.Tick] {
    (0...4).map { quarter in
      let moment = Span(ns: mix.end.ns / 4 * Int64(quarter))
      return .init(at: Int64(quarter) * 250, text: quarter == 0 ? "0" : FairnessText.length(moment))
    }
  }

  private func points(_ values: [Int64], most: Int64 = 1000) -> [(x: Int64, y: Int64)] {
    values.enumerated().map { index, value in
      let middle = (Int64(index) * 2 + 1) * 1000 / (2 * Int64(values.count))
      return (middle, min(1000, value * 1000 / most))
    }
  }

  private var utilisation: SVGChart {
    var chart = SVGChart(
      id: "\(id)-u", title: "GPUs in use over time",
      description: comparison.scores.map {
        "\($0.scheduler): \(FairnessText.percent($0.usage.utilisation)) in the mean."
      }.joined(separator: " "),
      xName: "time")
    chart.xTicks = timeTicks
    chart.lines = comparison.records.enumerated().map { index, record in
      let values = held(record.stints, of: mix.gpus) { _ in true }
      return .init(name: record.scheduler, style: index, points: points(values))
    }
    return chart
  }

  /// What each tenant holds under ours, and what it is entitled to while all wait.
  private var shares: [SVGChart] {
    mix.tenants.indices.map { tenant in
      let name = mix.tenants[tenant].name
      let entitled = Int64(mix.entitledGPUs(of: tenant))
      let values = held(comparison.records[0].stints, of: mix.gpus) {
        mix.jobs[$0.job].tenant == tenant
      }
      let share = comparison.scores[0].tenants[tenant].shareMilli
      var chart = SVGChart(
        id: "\(id)-t\(tenant)", title: "GPUs of \(name)",
        description: "Part of all GPUs that \(name) holds over time, beside the "
          + "\(FairnessText.percent(entitled * 1000 / Int64(mix.gpus))) it is entitled to. "
          + (share.map {
            "While it waited beside others for long it had \(FairnessText.percent($0)) of its "
              + "entitlement."
          } ?? "It did not wait beside others for long."),
        xName: "time")
      chart.xTicks = timeTicks
      let level = entitled * 1000 / Int64(mix.gpus)
      let flat: [(x: Int64, y: Int64)] = [(0, level), (1000, level)]
      chart.lines = [
        .init(name: "held by \(name)", style: 0, points: points(values)),
        .init(name: "entitled", style: 4, points: flat),
      ]
      return chart
    }
  }

  // MARK: reclaims

  private var reclaims: SVGChart {
    let spans = comparison.scores[0].reclaims
    let within = mix.guarantee?.within ?? .zero
    let most = max(within, spans.last ?? .zero)
    var counts = Array(repeating: Int64(0), count: 24)
    for span in spans {
      let place = Int128(span.ns) * 24 / Int128(max(1, most.ns))
      counts[Int(min(23, place))] += 1
    }
    let peak = max(1, counts.max() ?? 1)
    var chart = SVGChart(
      id: "\(id)-r", title: "Time until lent GPUs were back",
      description: "\(spans.count) leases were taken back, the slowest in "
        + "\(FairnessText.seconds(spans.last ?? .zero)) s; promised are "
        + "\(FairnessText.seconds(within)) s.",
      xName: "seconds from the order to leave")
    chart.bars = counts.map { $0 * 1000 / peak }
    chart.yTicks = [0, 500, 1000].map { (at: Int64) in
      .init(at: at, text: String(peak * at / 1000))
    }
    chart.xTicks = [0, 1, 2, 3, 4].map { (quarter: Int64) in
      .init(at: quarter * 250, text: FairnessText.seconds(Span(ns: most.ns / 4 * quarter)))
    }
    chart.limit = .init(
      at: Int64(clamping: Int128(within.ns) * 1000 / Int128(max(1, most.ns))), text: "R")
    return chart
  }
}

/// A scale on which each doubling of a time is as wide as any other, from a tenth of a second on;
/// straight in between, so that integers suffice.
struct DoublingScale {
  private let most: Int64

  /// Makes a scale up to a time.
  init(most: Span) { self.most = Self.doublings(most) }

  /// Doublings of 0.1 s. Unit: thousandths.
  private static func doublings(_ span: Span) -> Int64 {
    let units = span.ns / 100_000_000
    guard units >= 1 else { return 0 }
    let whole = Int64(63 - units.leadingZeroBitCount)
    return whole * 1000 + (units - 1 << whole) * 1000 / (1 << whole)
  }

  /// The place of a time. Unit: thousandths of the scale.
  func place(_ span: Span) -> Int64 {
    most > 0 ? min(1000, Self.doublings(span) * 1000 / most) : 0
  }

  /// Powers of ten, and the left end for what did not wait.
  var ticks: [SVGChart.Tick] {
    var ticks = [SVGChart.Tick(at: 0, text: "0")]
    let known: [(Int64, String)] = [
      (1, "1 s"), (10, "10 s"), (100, "100 s"), (1_000, "17 min"), (10_000, "2.8 h"),
      (100_000, "28 h"), (1_000_000, "12 d"), (10_000_000, "116 d"),
    ]
    for (seconds, text) in known where Self.doublings(.seconds(seconds)) <= most {
      ticks.append(.init(at: place(.seconds(seconds)), text: text))
    }
    return ticks
  }
}
