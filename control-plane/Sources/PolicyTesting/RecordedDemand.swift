internal import PoolAllocator
internal import PoolRecord
internal import PoolSimulator

/// What the claims of a journal asked of the buckets of a policy.
///
/// A claim counts when it is taken in; what was never taken in does not. It counts once for each
/// bucket that pays for it under the policy, with the price of the whole claim that it was told.
struct RecordedDemand {
  /// A claim as a bucket sees it.
  struct Asked {
    var at: Instant
    var price: Credits
  }

  /// The way from a bucket to one below it.
  private struct Step: Hashable {
    var parent: Int
    var match: BucketMatch
  }

  /// Fewest claims of a bucket from which something is said. Unit: claims.
  static let claimsMin = 100
  /// Fewest whole hours of a journal from which something is said. Unit: hours.
  static let hoursMin = 24

  /// By bucket of the policy, in the order of time.
  private(set) var asked: [[Asked]]
  /// Pool time of the first record, and of the last one.
  private(set) var start = Instant.origin
  private(set) var end = Instant.origin
  /// The root bucket of each tenant. Looked up, never iterated.
  private var roots: [Key: Int] = [:]
  /// Buckets below others. Looked up, never iterated.
  private var children: [Step: Int] = [:]
  /// Services by key: a key may be that of several tenants' services.
  private var services: [Key: [ServiceRule]] = [:]

  /// Reads a journal.
  /// - Parameter progress: called now and then with what is read. Unit: thousandths.
  /// - Throws: where it cannot be read to its end; a torn tail is no problem.
  /// - Complexity: O(bytes).
  init(
    _ journal: [UInt8], _ policy: CompiledPolicy, progress: (Int) -> Void = { _ in }
  ) throws(WhatIfProblem) {
    asked = Array(repeating: [], count: policy.buckets.count)
    for (index, bucket) in policy.buckets.enumerated() {
      if let parent = bucket.parent {
        children[Step(parent: Int(parent), match: bucket.match)] = index
      } else {
        roots[policy.tenants[Int(bucket.tenant)].key] = index
      }
    }
    for service in policy.services { services[service.key, default: []].append(service) }
    var reader = JournalReader(journal)
    if let ending = reader.ending { throw .journal(ending) }
    var isFirst = true
    while let record = reader.next() {
      if isFirst { start = record.log.at }
      isFirst = false
      end = record.log.at
      if reader.nextSequence % 4_096 == 0 { progress(reader.offset * 1_000 / journal.count) }
      if case .submit(let spec) = record.command { take(spec, record.decision, record.log.at) }
    }
    if case .damaged? = reader.ending, let ending = reader.ending { throw .journal(ending) }
  }

  private mutating func take(_ spec: ClaimSpec, _ decision: Decision, _ now: Instant) {
    guard decision.claim != nil, decision.price > .zero else { return }
    for bucket in path(of: spec) { asked[bucket].append(Asked(at: now, price: decision.price)) }
  }

  /// The buckets that pay for a claim under the policy; none where it knows tenant or service not.
  private func path(of spec: ClaimSpec) -> [Int] {
    let service = services[spec.service]?.first { ($0.tenant ?? spec.tenant) == spec.tenant }
    guard let root = roots[spec.tenant], let service else { return [] }
    // The children of a bucket are told apart by one of these.
    let matches: [BucketMatch] = [
      .application(spec.application), .serviceClass(service.serviceClass), .action(spec.action),
    ]
    var path = [root]
    var last = root
    while let next = child(of: last, matches) {
      path.append(next)
      last = next
    }
    return path
  }

  private func child(of bucket: Int, _ matches: [BucketMatch]) -> Int? {
    for match in matches {
      if let child = children[Step(parent: bucket, match: match)] { return child }
    }
    return nil
  }

  // MARK: figures

  /// Whole hours that the journal covers.
  var hours: Int { Int((end - start).ns / 3_600_000_000_000) }

  /// Whether enough is known of a bucket.
  func isEnough(_ bucket: Int) -> Bool {
    hours >= Self.hoursMin && asked[bucket].count >= Self.claimsMin
  }

  /// The price that 95 of a hundred claims of a bucket do not pass; nil where it has none.
  func price95(_ bucket: Int) -> Int128? {
    Self.p95(asked[bucket].map { Int128($0.price.value) })
  }

  /// What 95 of a hundred whole hours do not ask more than of a bucket, hours without a claim among
  /// them; nil where the journal has no whole hour. Unit: credits an hour.
  func hourly95(_ bucket: Int) -> Int128? {
    var sums = [Int128](repeating: 0, count: hours)
    for one in asked[bucket] {
      let hour = Int((one.at - start).ns / 3_600_000_000_000)
      if hour < sums.count { sums[hour] += Int128(one.price.value) }
    }
    return Self.p95(sums)
  }

  /// How much a bucket has to hold so that 95 of a hundred claims wait for it no longer than that.
  ///
  /// What is owed grows by each price and shrinks by the refill: eᵢ = max(0, eᵢ₋₁ − r·Δt) + priceᵢ.
  /// A bucket that holds b pays claim i after (eᵢ − b) ∕ r, so b ≥ eᵢ − r·wait.
  /// - Parameter rate: the refill. Unit: credits a second.
  func excursion95(_ bucket: Int, refill rate: Int128, within wait: Span) -> Int128? {
    var owed: Int128 = 0
    var last = start
    let needs = asked[bucket].map { one -> Int128 in
      owed = max(0, owed - Self.gained(rate, one.at - last)) + Int128(one.price.value)
      last = one.at
      return max(0, owed - Self.gained(rate, wait))
    }
    return Self.p95(needs)
  }

  private static func gained(_ rate: Int128, _ span: Span) -> Int128 {
    rate * Int128(span.ns) / 1_000_000_000
  }

  /// The nearest rank: the least value that at least 95 of a hundred do not pass.
  static func p95(_ values: [Int128]) -> Int128? {
    guard !values.isEmpty else { return nil }
    return values.sorted()[(values.count * 95 + 99) / 100 - 1]
  }
}
