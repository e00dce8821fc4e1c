/// The state as bytes of memory: what a server keeps beside its journal, so that it need not fold
/// all of it when it begins. The journal stays what is true.
extension Pool {
  /// The state in bytes that this build alone can read. Two images of equal pools may differ: what
  /// lies between two fields is anything.
  /// - Complexity: O(rows of all tables, free ones included).
  public func image() -> [UInt8] {
    var writer = ImageWriter()
    var pool = self
    pool.pass(through: &writer)
    var digest = pool.digest()
    writer.pass(&digest)
    return writer.bytes
  }

  /// Reads an image.
  /// - Parameters:
  ///   - image: what `image()` gave in this very build, unchanged: a value that no type has would
  ///     be taken for one. Whoever has the bytes from a disk compares a hash of them first.
  ///   - limits: those of the pool that was written.
  /// - Returns: nil where it is of another length, or of another state than it says.
  /// - Complexity: O(rows of all tables), more than once.
  public init?(image: [UInt8], limits: Limits) {
    self.init(limits: limits)
    var reader = ImageReader(image)
    pass(through: &reader)
    var expected = Digest(high: 0, low: 0)
    reader.pass(&expected)
    guard reader.isComplete else { return nil }
    reindex()
    guard digest() == expected else { return nil }
  }

  /// Every stored property above "indexes", but the limits.
  private mutating func pass(through coder: inout some ImageCoder) {
    coder.pass(&now)
    coder.pass(&skipped)
    coder.pass(&epoch)
    coder.pass(&nextFencing)
    coder.pass(&arrivals)
    coder.pass(&generation)
    policy.pass(through: &coder)
    coder.pass(&groups)
    service.pass(through: &coder)
    clocks.pass(through: &coder)
    coder.pass(&stirred)
    coder.pass(&impairedLanes)
    coder.pass(&waitingClaims)
    coder.pass(&signals)
    learner.pass(through: &coder)
    nodes.pass(through: &coder)
    devices.pass(through: &coder)
    lanes.pass(through: &coder)
    tenants.pass(through: &coder)
    buckets.pass(through: &coder)
    identities.pass(through: &coder)
    claims.pass(through: &coder)
    leases.pass(through: &coder)
    corrections.pass(through: &coder)
    quotes.pass(through: &coder)
    degradations.pass(through: &coder)
    coder.pass(&degradationCounts)
    coder.pass(&gauges)
    coder.pass(&dependencies)
    uses.pass(through: &coder)
  }
}

extension CompiledPolicy {
  fileprivate mutating func pass(through coder: inout some ImageCoder) {
    coder.pass(&profiles)
    coder.pass(&slices)
    coder.pass(&pools)
    coder.pass(&lanes)
    coder.pass(&classes)
    coder.pass(&order)
    coder.pass(&tenants)
    coder.pass(&buckets)
    coder.pass(&services)
    coder.pass(&emergency, blank: EmergencyRule(approvers: [], lastsMax: .zero)) {
      $1.pass(&$0.approvers)
      $1.pass(&$0.lastsMax)
    }
    coder.pass(&quotes)
    coder.pass(&approvals, blank: ApprovalRule(approvers: [], lasts: .zero)) {
      $1.pass(&$0.actions)
      $1.pass(&$0.approvers)
      $1.pass(&$0.lasts)
    }
    coder.pass(&costs)
    coder.pass(&preemption)
    coder.pass(&rungs)
    coder.pass(&gauges)
    coder.pass(&placement.score)
    coder.pass(&placement.mix)
  }
}
