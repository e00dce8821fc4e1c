public import PoolAllocator
public import PoolInsight
public import PoolWire

/// What stands beside a pool so that it can be read by people: the names behind its keys, the
/// documents of its live claims, and what was learned of waits.
///
/// Names are held while something in the pool has them: taken when a request is entered, given back
/// when it is refused or when what it made has ended.
///
///     try book.enter(operation)                       // before the pool is asked
///     book.settle(operation, decision, log)           // with its answer
///     book.begin(log, in: pool); …; book.end(log)     // with the events of every command
public struct Book: Sendable {
  /// The names.
  public private(set) var names = NameTable()
  /// The names of the policy in force.
  public private(set) var vocabulary = PolicyVocabulary()
  /// The objectives of the policy in force.
  public private(set) var targets: [ServiceTarget] = []
  /// The policy in force, where it has limits that are only observed.
  public private(set) var shadowed: PolicyDocument?
  /// What was learned of waits from every command so far.
  public private(set) var predictor = WaitPredictor()
  /// Live claims by id.
  public private(set) var claims: [ClaimID: ClaimForm] = [:]
  /// Claims of leases whose devices have not returned.
  public private(set) var holders: [LeaseID: ClaimForm] = [:]
  /// Keys of the budgets of delegations.
  private var budgets: [BucketID: Key] = [:]
  /// Keys of the quotes that are known.
  private var quotes: [QuoteID: Key] = [:]
  /// Names that nodes told of themselves.
  private var told: [NodeID: NameTable] = [:]
  /// Corrections in force.
  private var corrections: Set<Correction.Scope> = []

  /// Makes an empty book, for an empty pool.
  public init() {}

  // MARK: requests

  /// Takes the names of a request.
  /// - Throws: `NameCollision`; the book is unchanged then.
  public mutating func enter(_ operation: StreamRequest.Operation) throws(NameCollision) {
    switch operation {
    case .claim(let form): try form.intern(into: &names)
    case .quote(let form): try form.intern(into: &names)
    case .delegate(let form): try form.intern(into: &names)
    case .correction(let form): try form.intern(into: &names)
    case .policy(let document): try names.merge(document.names)
    case .advertise(let document): try names.merge(document.names)
    default: break
    }
  }

  /// Keeps what a request made, or gives its names back.
  /// - Parameter log: the events of its command.
  public mutating func settle(
    _ operation: StreamRequest.Operation, _ decision: Decision, _ log: borrowing EventLog
  ) {
    switch operation {
    case .claim(let form):
      if let id = decision.claim {
        claims[id] = form
      } else {
        withdraw(operation)
      }
    case .quote: if decision.quote == nil { withdraw(operation) }
    case .delegate:
      let isOpened = log.events.contains { if case .budgetOpened = $0 { true } else { false } }
      if !isOpened { withdraw(operation) }
    case .correction(let form): settle(form, isDone: decision.verdict == .done)
    case .policy(let document):
      if decision.verdict == .done {
        put(inForce: document)
      } else {
        withdraw(operation)
      }
    default: break
    }
  }

  private mutating func put(inForce document: PolicyDocument) {
    vocabulary = document.vocabulary
    targets = document.targets
    shadowed = document.shadow == nil ? nil : document
  }

  /// Gives back the names of a request that the pool was not asked.
  public mutating func withdraw(_ operation: StreamRequest.Operation) {
    switch operation {
    case .claim(let form): form.release(from: &names)
    case .quote(let form): names.release(form.key)
    case .delegate(let form): names.release(form.key)
    case .correction(let form): form.release(from: &names)
    case .policy(let document): names.release(allOf: document.names)
    case .advertise(let document): names.release(allOf: document.names)
    default: break
    }
  }

  /// The names of a correction in force are held once, those of none not at all.
  private mutating func settle(_ form: CorrectionForm, isDone: Bool) {
    let scope = form.correction.scope
    guard isDone else { return form.release(from: &names) }
    if form.milli == nil {
      form.release(from: &names)
      if corrections.remove(scope) != nil { form.release(from: &names) }
    } else if !corrections.insert(scope).inserted {
      form.release(from: &names)
    }
  }

  /// Keeps what stands in the pool already: what a server reads back when it begins.
  /// - Parameter operation: what was asked for it once.
  /// - Throws: `NameCollision`; the book is unchanged then.
  public mutating func restore(
    _ operation: StreamRequest.Operation, in pool: borrowing Pool
  ) throws(NameCollision) {
    try enter(operation)
    switch operation {
    case .claim(let form):
      if let id = pool.claim(named: form.key) { claims[id] = form }
    case .policy(let document): put(inForce: document)
    case .delegate(let form):
      if let id = pool.budget(named: form.key) { budgets[id] = form.key }
    case .quote(let form):
      if let id = pool.quote(named: form.key) { quotes[id] = form.key }
    case .correction(let form): corrections.insert(form.correction.scope)
    default: break
    }
  }

  /// Keeps whose leases there are, once all claims are restored: also of those that stop while
  /// their claim waits again. Of a lease whose claim has ended nothing but itself is known.
  public mutating func restoreHolders(in pool: borrowing Pool) {
    pool.forEachLease { id, lease in holders[id] = claims[lease.claim] }
  }

  /// Most names that are held for what a node tells of itself: of 8 devices in 7 parts, those of
  /// more than a hundred starts. Then all but those of its last report are given back. Unit: names.
  public static let toldMax = 8_192

  /// Takes the names of what a node tells of itself.
  /// - Throws: `NameCollision`; the names before it are kept then.
  public mutating func learn(_ other: NameTable, from node: NodeID) throws(NameCollision) {
    var known = told[node] ?? NameTable()
    if known.count + other.count > Self.toldMax {
      names.release(allOf: known)
      known = NameTable()
    }
    defer { told[node] = known }
    try names.merge(other, heldIn: &known)
  }

  // MARK: events

  /// Takes in what began with a command.
  public mutating func begin(_ log: borrowing EventLog, in pool: borrowing Pool) {
    predictor.fold(log, in: pool)
    for event in log.events {
      switch event {
      case .leaseGranted(let claim, let grants):
        for grant in log.grants[grants.indices] { holders[grant.lease] = claims[claim] }
      case .budgetOpened(let id, _): budgets[id] = pool.bucket(id)?.rule.key
      case .quoteIssued(let id, _): quotes[id] = pool.quote(id)?.key
      default: break
      }
    }
  }

  /// Forgets what ended with a command.
  public mutating func end(_ log: borrowing EventLog) {
    for event in log.events {
      switch event {
      case .budgetForgotten(let id):
        if let key = budgets.removeValue(forKey: id) { names.release(key) }
      case .quoteForgotten(let id):
        if let key = quotes.removeValue(forKey: id) { names.release(key) }
      case .claimEnded(let id, _):
        claims.removeValue(forKey: id)?.release(from: &names)
      case .leaseEnded(let id): holders[id] = nil
      default: break
      }
    }
  }

  // MARK: passing looks

  /// Looks while the names of a claim can be read, whether or not it was submitted.
  public mutating func withNames<T>(
    of form: ClaimForm, _ body: (Book) -> T
  ) throws(NameCollision) -> T {
    try form.intern(into: &names)
    defer { form.release(from: &names) }
    return body(self)
  }
}
