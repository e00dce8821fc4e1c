internal import PoolAllocator
internal import PoolWire
internal import StrictJSON

/// Refill and burst for each bucket of a policy, from what was asked of it.
///
/// All figures are whole credits; p95 is the nearest rank.
/// - refill = the p95 of the demand of an hour ∕ 3,600 s, at most the tenant's share of devices.
/// - burst = the greater of the p95 of prices, and the p95 of what is owed at a claim less what the
///   refill gives within the objective of its wait (`RecordedDemand.excursion95`).
/// - share = over the lanes that the tenant may enter: all of one that is reserved for it, of a
///   shared one its weight over that of all who may enter it.
///
/// Sources: demand and prices are what claims of the journal asked and were told; devices are those
/// of the nodes; the objective is the least `queue_wait_seconds` of the classes that pay from the
/// bucket (`slos`), or what the caller says; none is 0 s, so that claims wait for nothing.
public struct PolicySize: Sendable {
  /// What is suggested for one bucket.
  public struct Suggestion: Sendable, Equatable {
    /// The bucket.
    public let bucket: String
    /// Claims that it paid for, or would have.
    public let claims: Int
    /// Its refill now. Unit: credits a second.
    public let refill: Int64
    /// Its burst now. Unit: credits.
    public let burst: Int64
    /// The p95 of prices; nil where there is none. Unit: credits.
    public let price95: Int64?
    /// The suggested refill; nil where too little is known. Unit: credits a second.
    public let suggestedRefill: Int64?
    /// The suggested burst; nil where too little is known. Unit: credits.
    public let suggestedBurst: Int64?
    /// The objective of waits that was counted with. Unit: nanoseconds.
    let wait: Int64
    /// Whether the demand is above the share of the devices, which bounds the refill.
    public let isBounded: Bool
  }

  /// One for each bucket, in the order of the policy.
  public let suggestions: [Suggestion]
  /// Whole hours that the journal covers.
  public let hours: Int
  /// Whether devices bound the refills.
  public let hasNodes: Bool

  /// Sizes the buckets of a policy.
  /// - Parameters:
  ///   - file: the policy.
  ///   - journal: a file in the record form.
  ///   - nodes: files of the nodes that it is meant for; without any, no refill is bounded.
  ///   - waits: objectives of waits by class (`P1`), before those of the policy. Unit:
  ///     milliseconds.
  ///   - progress: called now and then with what of the journal is read. Unit: thousandths.
  /// - Throws: where a file cannot be read.
  public init(
    file: String, journal: String, nodes: [String] = [], waits: [String: Int64] = [:],
    progress: (Int) -> Void = { _ in }
  ) throws(SourceErrors) {
    let source = try PolicySource(file: file)
    var documents: [NodeDocument] = []
    for node in nodes { documents.append(try NodeSource.read(node)) }
    var pool = VirtualPool()
    try pool.begin(source, documents)
    let meaning = PolicyMeaning(source: source, pool: pool, hasNodes: !nodes.isEmpty)
    let demand = try RecordedJournal.demand(journal, source, progress: progress)
    hours = demand.hours
    hasNodes = !nodes.isEmpty
    var objectives: [ServiceClass: Span] = [:]
    for target in source.document.targets { objectives[target.serviceClass] = target.queueWait }
    for rank in UInt8(0)..<4 {
      guard let one = ServiceClass(rank: rank), let wait = waits[one.word] else { continue }
      objectives[one] = Span(ns: wait * 1_000_000)
    }
    suggestions = source.document.policy.buckets.indices.map { index in
      Self.suggestion(index, demand, meaning, objectives)
    }
  }

  private static func suggestion(
    _ index: Int, _ demand: RecordedDemand, _ meaning: PolicyMeaning,
    _ objectives: [ServiceClass: Span]
  ) -> Suggestion {
    let bucket = meaning.policy.buckets[index]
    let wait = meaning.classes(payingFrom: bucket).compactMap { objectives[$0] }.min() ?? .zero
    let price = demand.price95(index)
    var (refill, burst, isBounded) = (Int64?.none, Int64?.none, false)
    if demand.isEnough(index), let hourly = demand.hourly95(index), let price {
      var rate = (hourly + 3_599) / 3_600
      if meaning.hasNodes {
        let share = meaning.share(of: Int(bucket.tenant))
        isBounded = rate > share
        rate = min(rate, share)
      }
      let owed = demand.excursion95(index, refill: rate, within: wait) ?? 0
      refill = Int64(clamping: rate)
      burst = Int64(clamping: max(price, owed))
    }
    return Suggestion(
      bucket: meaning.names.text(bucket.key), claims: demand.asked[index].count,
      refill: bucket.refillPerSecond.value, burst: bucket.cap.value,
      price95: price.map { Int64(clamping: $0) }, suggestedRefill: refill,
      suggestedBurst: burst, wait: wait.ns, isBounded: isBounded)
  }

  // MARK: forms

  /// The suggestions as a person reads them.
  public var text: String {
    var lines = suggestions.map { one -> String in
      let name = "bucket \(one.bucket): "
      guard let refill = one.suggestedRefill, let burst = one.suggestedBurst else {
        return name + "nothing is suggested: \(one.claims) claims in \(hours) whole hours, and"
          + " \(RecordedDemand.claimsMin) in \(RecordedDemand.hoursMin) are needed"
      }
      let bound = one.isBounded ? ", bounded by its share of the devices" : ""
      let refills = "refill \(Self.hourly(one.refill)) → \(Self.hourly(refill))"
      let bursts = "burst \(Amounts.gpuSeconds(one.burst)) → \(Amounts.gpuSeconds(burst))"
      let price = "price p95 \(Amounts.gpuSeconds(one.price95 ?? 0))"
      let basis = "\(one.claims) claims, \(price), wait \(Amounts.seconds(one.wait)) s"
      return "\(name)\(refills) GPU-seconds an hour\(bound), \(bursts) GPU-seconds (\(basis))"
    }
    if !hasNodes { lines.append("no node was named: no refill is bounded by devices") }
    return lines.joined(separator: "\n")
  }

  /// The same as a document of kind `policy_size`.
  public var json: String {
    var writer = JSONWriter(.pretty)
    func put(_ name: String, _ value: Int64?, _ writer: inout JSONWriter) {
      if let value { writer.decimal(name, value, digits: 6) } else { writer.null(name) }
    }
    func putHourly(_ name: String, _ value: Int64?, _ writer: inout JSONWriter) {
      guard let value else { return writer.null(name) }
      writer.decimal(name, Int64(clamping: Int128(value) * 3_600), digits: 6)
    }
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "policy_size")
      writer.int64("hours", Int64(hours))
      writer.bool("with_nodes", hasNodes)
      writer.array("buckets") { writer in
        for one in suggestions {
          writer.object { writer in
            writer.string("bucket", one.bucket)
            writer.int64("claims", Int64(one.claims))
            put("price_p95_gpu_seconds", one.price95, &writer)
            writer.decimal("wait_seconds", one.wait, digits: 9)
            putHourly("refill_gpu_seconds_per_hour", one.refill, &writer)
            put("burst_gpu_seconds", one.burst, &writer)
            putHourly("suggested_refill_gpu_seconds_per_hour", one.suggestedRefill, &writer)
            put("suggested_burst_gpu_seconds", one.suggestedBurst, &writer)
            writer.bool("bounded_by_devices", one.isBounded)
          }
        }
      }
    }
    return writer.text
  }

  private static func hourly(_ rate: Int64) -> String {
    Amounts.text(Int128(rate) * 3_600, digits: 6)
  }
}
