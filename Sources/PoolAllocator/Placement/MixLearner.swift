/// How often each kind of work came lately: the mix of work, learned from claims as they come in.
///
/// State, as are the values that were last worked out from it. Kinds stand in one order, so that
/// the counts depend on which claims came and not on how they are kept.
struct MixLearner: Hashable, Sendable {
  /// Kinds with their counts, in the order of `MixKind.precedes`.
  private(set) var kinds: [MixKind] = []
  /// All counts together.
  private(set) var total: Int64 = 0
  /// Claims that came since the mix began.
  private(set) var seen: Int64 = 0
  /// The claim with which values are worked out next.
  private(set) var next = OfferRule.claimsMin
  /// What the values in force rest on.
  var basis = OfferBasis()
  /// What the next ones rest on, while they are worked out.
  var draft: OfferBasis?
  /// Claims with which tables were worked on since the draft was complete.
  var turns: Int64 = 0

  /// Makes a learner that saw nothing.
  /// - Parameter isKnown: whether the mix is known: then values are due with the first claim.
  init(isKnown: Bool = false) {
    if isKnown { next = 1 }
  }

  /// Notes that a claim came.
  /// - Returns: whether values are due, and none are being worked out.
  mutating func arrive() -> Bool {
    seen += 1
    guard seen >= next, draft == nil else { return false }
    next =
      seen
      + max(
        OfferRule.claimsMin, min(OfferRule.claimsMax, seen / OfferRule.claimsPart))
    return true
  }

  /// Counts claims of a kind, as many as it says.
  /// - Complexity: O(kinds).
  mutating func count(_ kind: MixKind) {
    var row = row(of: kind)
    if row < kinds.count, !kind.precedes(kinds[row]) {
      kinds[row].popularity += kind.popularity
    } else {
      if kinds.count == Limits.mixKinds {
        let least = least()
        total -= Int64(kinds[least].popularity)
        kinds.remove(at: least)
        if least < row { row -= 1 }
      }
      kinds.insert(kind, at: row)
    }
    total += Int64(kind.popularity)
    if total >= OfferRule.forgetsAt { halve() }
  }

  /// The kinds of a known mix as they are valued: in order, each once, several shares of one claim
  /// apart.
  static func kinds(of mix: [MixKind]) -> [MixKind] {
    let parts = mix.map(\.inParts).sorted { $0.precedes($1) }
    var kinds: [MixKind] = []
    for part in parts {
      if let last = kinds.last, !last.precedes(part) {
        kinds[kinds.count - 1].popularity += part.popularity
      } else {
        kinds.append(part)
      }
    }
    return kinds
  }

  /// The first kind that does not stand before one.
  private func row(of kind: MixKind) -> Int {
    var (low, high) = (0, kinds.count)
    while low < high {
      let middle = (low + high) / 2
      if kinds[middle].precedes(kind) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The kind that came least, the first of equals.
  private func least() -> Int {
    var least = 0
    for row in kinds.indices where kinds[row].popularity < kinds[least].popularity { least = row }
    return least
  }

  private mutating func halve() {
    for row in kinds.indices { kinds[row].popularity /= 2 }
    kinds.removeAll { $0.popularity == 0 }
    total = kinds.reduce(0) { $0 + Int64($1.popularity) }
  }

  func feed(_ digest: inout DigestBuilder) {
    for kind in kinds { digest.combine(kind) }
    digest.combine(seen)
    digest.combine(next)
    basis.feed(&digest)
    digest.combine(draft) { $1.feed(&$0) }
    digest.combine(turns)
  }

  mutating func pass(through coder: inout some ImageCoder) {
    coder.pass(&kinds)
    coder.pass(&total)
    coder.pass(&seen)
    coder.pass(&next)
    basis.pass(through: &coder)
    coder.pass(&draft, blank: OfferBasis()) { $0.pass(through: &$1) }
    coder.pass(&turns)
  }
}

extension MixKind {
  /// Shares of several GPUs as so many claims of one: each can stand on a GPU of its own.
  var inParts: MixKind {
    guard devices > 1, share < .whole else { return self }
    return MixKind(
      popularity: popularity * UInt32(devices), devices: 1, share: share,
      cpu: MilliCPU(cpu.value / Int32(devices)), pools: pools)
  }
}
