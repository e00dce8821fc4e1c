import PoolAllocator
import Testing

@testable import PoolSimulator

/// The page of a comparison: it needs nothing from outside, and shows what others named as text.
struct FairnessReportTests {
  private static let hostile = "a<script>alert('1')</script>&\"\u{202E}\u{7}"

  /// Two tenants, one of them with a name that tries to be HTML, and something reserved.
  private func comparison() -> FairnessComparison {
    var mix = FairnessMix(
      name: "m<b>", summary: "s & \"t\"", nodes: 1, gpusPerNode: 4,
      tenants: [FairnessTenant(Self.hostile), FairnessTenant("owner")],
      end: .origin + .seconds(2_000), leaseMax: .seconds(400))
    mix.guarantee = FairnessGuarantee(owner: 1, gpus: 2, within: .seconds(60))
    for number in 0..<Int64(60) {
      let isOwner = number % 12 == 7
      var job = FairnessJob(
        arrives: .origin + .seconds(number * 30), tenant: isOwner ? 1 : 0, rank: isOwner ? 1 : 2,
        runs: .seconds(200))
      job.lanes = isOwner ? .reserved : .both
      job.grace = isOwner ? nil : .seconds(20)
      mix.jobs.append(job)
    }
    return FairnessComparison(mix)
  }

  @Test func nothingComesFromOutside() {
    let html = FairnessReport([comparison()], seed: 1).html
    for word in ["http:", "https:", "//", "<script", "<img", "<link", "@import", "url(", "src="] {
      #expect(!html.contains(word), "\(word)")
    }
    // Links go to places in the page.
    #expect(html.components(after: "href=\"").allSatisfy { $0.hasPrefix("#") })
  }

  @Test func namesAreShownAsText() {
    let html = FairnessReport([comparison()], seed: 1).html
    #expect(html.contains("a&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;\u{FFFD}"))
    #expect(!html.contains("\u{202E}") && !html.contains("\u{7}") && !html.contains("m<b>"))
  }

  @Test func everyPictureHasATitleADescriptionAndItsOwnNames() {
    let comparison = comparison()
    let html = FairnessReport([comparison, comparison], seed: 1).html
    let pictures = html.components(after: "<svg ").count
    // Waits of two classes, utilisation, reclaims and two tenants, twice.
    #expect(pictures == 12)
    #expect(html.components(after: "<title id=").count == pictures)
    #expect(html.components(after: "<desc id=").count == pictures)
    #expect(html.components(after: "role=\"img\"").count == pictures)
    let names = html.components(after: " id=\"").compactMap { $0.split(separator: "\"").first }
    #expect(Set(names).count == names.count)
  }

  /// Every element that is opened is closed, in order.
  @Test func elementsNest() {
    let html = FairnessReport([comparison()], seed: 1).html
    var open: [Substring] = []
    for part in html.components(after: "<") {
      guard let tag = part.split(separator: ">", maxSplits: 1).first, !tag.hasPrefix("!") else {
        continue
      }
      let name = tag.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber }
      if tag.hasPrefix("/") {
        #expect(open.popLast() == name)
      } else if !tag.hasSuffix("/"), name != "meta" {
        open.append(name)
      }
    }
    #expect(open.isEmpty)
  }

  @Test func equalRunsGiveEqualPages() {
    #expect(
      FairnessReport([comparison()], seed: 1).html == FairnessReport([comparison()], seed: 1).html)
  }

  @Test func timesLieOnAScaleOfDoublings() {
    // 102.4 s are ten doublings of 0.1 s.
    let scale = DoublingScale(most: Span(ns: 102_400_000_000))
    #expect(scale.place(.zero) == 0 && scale.place(Span(ns: 100_000_000)) == 0)
    #expect(scale.place(Span(ns: 200_000_000)) == 100)
    #expect(scale.place(Span(ns: 300_000_000)) == 150)
    #expect(scale.place(Span(ns: 51_200_000_000)) == 900)
    #expect(scale.place(.seconds(1_000)) == 1000)
    #expect(scale.ticks.map(\.text) == ["0", "1 s", "10 s", "100 s"])
  }
}

extension String {
  /// What follows each place where a text stands.
  fileprivate func components(after text: String) -> [Substring] {
    var found: [Substring] = []
    var rest = self[...]
    while let range = rest.firstRange(of: text) {
      rest = rest[range.upperBound...]
      found.append(rest)
    }
    return found
  }
}
