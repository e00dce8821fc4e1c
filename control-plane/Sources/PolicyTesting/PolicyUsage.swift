internal import PoolAllocator
internal import PoolWire

/// What tests touched of a policy.
struct PolicyUsage: Sendable {
  /// Services that a claim named.
  var services: Set<String> = []
  /// Lanes that granted a lease.
  var lanes: Set<String> = []
  /// Rungs that a claim took, with their services.
  var rungs: Set<String> = []
  /// Buckets that paid for a lease, or stood in the way of one.
  var buckets: Set<String> = []
  /// Reasons that were told.
  var codes: Set<Reason.Code> = []

  /// A rung as it is told.
  static func rung(_ rung: String, of service: String) -> String { "\(service): \(rung)" }

  mutating func add(_ other: PolicyUsage) {
    services.formUnion(other.services)
    lanes.formUnion(other.lanes)
    rungs.formUnion(other.rungs)
    buckets.formUnion(other.buckets)
    codes.formUnion(other.codes)
  }

  /// What the policy has and no test touched: a word for the kind, how many there are, and which.
  func untouched(of document: PolicyDocument) -> [(kind: String, total: Int, names: [String])] {
    let vocabulary = document.vocabulary
    let rungs = vocabulary.services.flatMap { service in
      (vocabulary.ladders[service] ?? []).map { Self.rung($0, of: service) }
    }
    let buckets = document.policy.buckets.map { document.names.text($0.key) }
    func rest(
      _ kind: String, _ all: [String], _ used: Set<String>
    ) -> (kind: String, total: Int, names: [String]) {
      (kind, all.count, all.filter { !used.contains($0) })
    }
    return [
      rest("services", vocabulary.services, services), rest("lanes", vocabulary.lanes, lanes),
      rest("rungs", rungs, self.rungs), rest("buckets", buckets, self.buckets),
      rest(
        "reasons", Reason.Code.allCases.map(\.wire), Set(codes.map(\.wire))),
    ]
  }
}
