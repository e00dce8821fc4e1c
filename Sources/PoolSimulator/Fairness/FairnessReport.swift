import PoolAllocator

/// Comparisons as one page of HTML that needs nothing else: no script, no file, no font from
/// anywhere.
public struct FairnessReport: Sendable {
  private let comparisons: [FairnessComparison]
  private let seed: UInt64

  /// Makes a page of comparisons that were made from a seed.
  public init(_ comparisons: [FairnessComparison], seed: UInt64) {
    self.comparisons = comparisons
    self.seed = seed
  }

  /// The page.
  public var html: String {
    let isKept = comparisons.allSatisfy(\.verdict.holds)
    let links = comparisons.enumerated().map { index, comparison in
      "<li><a href=\"#m\(index)\">\(HTMLText.escaped(comparison.mix.name))</a>: "
        + "\(comparison.verdict.holds ? "all promises held" : "a promise was broken")</li>"
    }
    return """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'unsafe-inline'">
      <title>Fairness of the pool allocator</title>
      <style>
      \(Self.style)
      </style></head><body><main>
      <h1>Fairness of the pool allocator</h1>
      <p>The same jobs under the production allocator (ours) and under plain schedulers on the same
      GPUs. Seed \(seed). \(isKept ? "All promises held." : "Not all promises held.")</p>
      <ul>
      \(links.joined(separator: "\n"))
      </ul>
      \(comparisons.indices.map(section).joined(separator: "\n"))
      <h2>What the figures mean</h2>
      \(Self.glossary)
      </main></body></html>

      """
  }

  private func section(_ index: Int) -> String {
    let comparison = comparisons[index]
    let mix = comparison.mix
    let charts = FairnessPlots(comparison, id: "m\(index)").charts.map {
      "<figure><figcaption>\(HTMLText.escaped($0.title))</figcaption>\n\($0.svg)</figure>"
    }
    return """
      <section id="m\(index)">
      <h2>\(HTMLText.escaped(mix.name))</h2>
      <p>\(HTMLText.escaped(mix.summary)): \(mix.gpus) GPUs on \(mix.nodes) nodes, \
      \(mix.tenants.count) tenants, \(FairnessText.grouped(Int64(mix.jobs.count))) jobs in \
      \(FairnessText.length(Span(ns: mix.end.ns))).</p>
      <h3>Verdict</h3>
      \(FairnessTables.verdict(comparison).html)
      <h3>Schedulers</h3>
      \(FairnessTables.schedulers(comparison).html)
      <h3>Plots</h3>
      <div class="plots">
      \(charts.joined(separator: "\n"))
      </div>
      <h3>Tenants under ours</h3>
      \(FairnessTables.tenants(comparison).html)
      <h3>Waits under ours, in seconds</h3>
      \(FairnessTables.waits(comparison).html)
      </section>
      """
  }

  private static let glossary = """
    <dl>
    <dt>Bound, used</dt><dd>The longest time that a claim was told it may wait, and the most that
    one waited of what it was told. Untold: claims that were told no bound, most of them because
    more than 64 claims of their own tenant wait before them.</dd>
    <dt>Share</dt><dd>What a tenant was served of what its weight entitles it to, while it waited
    beside others for long. In brackets: it waited too little, beside its largest jobs, for whole
    jobs to be closer; such a share is not judged.</dd>
    <dt>Rho</dt><dd>Finish-time fairness: the time to finish its jobs beside that in a cluster of
    its own as large as its entitlement, after Themis (NSDI 2020). Below 1 sharing serves it
    better.</dd>
    <dt>Jain</dt><dd>Jain's index of the shares: 1 where all have what they are entitled to.</dd>
    <dt>Utilisation</dt><dd>GPU-time that leases held, less work that was lost because it was
    stopped before it was saved. Leaving: the part of it in which stopped leases had not left.</dd>
    <dt>Owner, covered</dt><dd>Work that the owner's guarantee covers: it starts within R.</dd>
    </dl>
    """

  private static let style = """
    :root { color-scheme: light dark; --text: #1b1b1f; --back: #fff; --grid: #d5d5dc;
    --bad: #a40000; --c0: #0060a8; --c1: #b35900; --c2: #007a55; --c3: #a33b82; --c4: #555;
    --c5: #7a6a00; }
    @media (prefers-color-scheme: dark) { :root { --text: #e8e8ec; --back: #16161a;
    --grid: #3a3a44; --bad: #ff8a80; --c0: #6db9ff; --c1: #ffae5c; --c2: #4fd3a4; --c3: #ee9ad0;
    --c4: #b0b0b8; --c5: #e0cf5a; } }
    body { background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif;
    margin: 0; }
    main { max-width: 76rem; margin: 0 auto; padding: 1rem; }
    a { color: var(--c0); }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .875rem; }
    th, td { border-bottom: 1px solid var(--grid); padding: .2rem .6rem; text-align: right;
    white-space: nowrap; }
    th:first-child, td:first-child, table.words th, table.words td { text-align: left; }
    td.broken { color: var(--bad); font-weight: 700; }
    .plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr));
    gap: 1rem; }
    figure { margin: 0; }
    figcaption { font-weight: 600; }
    svg { width: 100%; height: auto; }
    svg text { fill: var(--text); font: 11px system-ui, sans-serif; }
    .end { text-anchor: end; } .mid { text-anchor: middle; }
    .grid { stroke: var(--grid); stroke-width: .6; fill: none; }
    .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
    .l0 { stroke: var(--c0); stroke-width: 2.4; }
    .l1 { stroke: var(--c1); stroke-dasharray: 7 3; }
    .l2 { stroke: var(--c2); stroke-dasharray: 2 3; }
    .l3 { stroke: var(--c3); stroke-dasharray: 9 3 2 3; }
    .l4 { stroke: var(--c4); stroke-dasharray: 4 4; }
    .l5 { stroke: var(--c5); stroke-dasharray: 1 2; }
    .bar { fill: var(--c0); }
    .limit { stroke: var(--bad); stroke-width: 1.6; stroke-dasharray: 5 3; fill: none; }
    """
}
