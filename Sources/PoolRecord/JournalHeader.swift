public import PoolAllocator

/// What a journal begins with: which one it is, and the pool that its first record meets.
public struct JournalHeader: Sendable {
  /// Tells the journal from every other; drawn at random by whoever makes it, so that nobody can
  /// name things such that their keys look like a record.
  public var identity: Key
  /// Sequence number of the first record.
  public var firstSequence: UInt64
  /// Digest of the pool before the first record.
  public var state: Digest
  /// Bounds of that pool.
  public var limits: Limits

  /// Makes the header of a journal that goes on from a pool.
  /// - Complexity: O(rows of all tables of the pool).
  public init(identity: Key, firstSequence: UInt64 = 1, from pool: borrowing Pool) {
    self.identity = identity
    self.firstSequence = firstSequence
    self.state = pool.digest()
    self.limits = pool.limits
  }
}

extension JournalHeader: Recorded {
  static var blank: JournalHeader { JournalHeader(identity: .blank, from: Pool()) }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.base = .origin
    coder.field(&identity)
    coder.field(&state)
    coder.field(&limits)
  }
}

extension Limits: Recorded {
  static var blank: Limits { Limits() }

  mutating func code<Coder: FieldCoder>(_ coder: inout Coder) {
    coder.amount(&nodes)
    coder.amount(&devices)
    coder.amount(&tenants)
    coder.amount(&buckets)
    coder.amount(&budgets)
    coder.field(&delegationMemory)
    coder.amount(&identities)
    coder.amount(&claims)
    coder.amount(&leases)
    coder.amount(&corrections)
    coder.amount(&quotes)
    coder.field(&quoteMemory)
    coder.amount(&queuedClaims)
    coder.amount(&queuedClaimsPerTenant)
    coder.amount(&liveClaimsPerWorkflow)
    coder.amount(&stepsPerTick)
    coder.field(&silentAfter)
  }
}

extension FieldCoder {
  /// A number of rows.
  fileprivate mutating func amount(_ value: inout Int) {
    var wide = Int64(value)
    signed(&wide, in: 0...Int64(UInt32.max))
    value = Int(wide)
  }
}
