import PoolAllocator

/// B5 and J3: every quantum that is reserved is settled once, in order, for what its time cost;
/// what a lease paid in all is the price of the time that it was held (SEMANTICS 2.6 to 2.8).
struct Reservations {
  /// One quantum that is reserved and not settled.
  private struct Quantum {
    var number: UInt32
    var amount: Int64
    /// Length of all quanta up to its end.
    var end: Int64
  }

  /// What one lease pays.
  private struct Account {
    /// At most the running quantum and the next.
    var open: [Quantum]
    var quanta: UInt32 = 1
    var charged: Int128 = 0
  }

  private var accounts = ByID<Lease, Account>()
  private var stopped: [LeaseID] = []

  /// Looks at an event before it is folded.
  mutating func note(
    _ event: Event, _ facts: borrowing Facts, _ log: borrowing EventLog
  ) throws(Violation) {
    switch event {
    case .leaseGranted(let claim, let run):
      for index in run.indices { try grant(log.grants[index], claim, facts) }
    case .leaseRenewed(let id, let span, let reserved, _):
      try renew(id, span.ns, reserved.value, facts)
    case .settled(let id, let quantum, let charge, let rest, let run):
      let back = run.count == 0 ? 0 : log.postings[Int(run.first)].refunded.value
      try settle(id, quantum, charge.value, rest, back, facts)
    case .leaseStopping(let id, _, let at, let killBy):
      try checkStop(id, at.ns, killBy.ns, facts)
      stopped.append(id)
    case .leaseEnded(let id):
      try checkBill(id, facts)
      accounts[id] = nil
    default: break
    }
  }

  private mutating func grant(
    _ grant: Grant, _ id: ClaimID, _ facts: borrowing Facts
  ) throws(Violation) {
    guard let claim = facts.claims[id] else { return }
    let span = min(grant.terms.quantum.ns, claim.fact.spec.runtimeMax.ns)
    let price = KnownLease.up(Int128(grant.rate) * Int128(grant.quantum.ns))
    try must(
      grant.quantum.ns == span && Int128(grant.reserved.value) == price, "B5",
      "lease \(grant.lease.name) reserves \(grant.reserved.value) for \(grant.quantum.ns) ns, "
        + "which cost \(price); its first quantum has \(span)")
    try must(
      accounts[grant.lease] == nil, "B5", "lease \(grant.lease.name) is granted twice")
    accounts[grant.lease] = Account(
      open: [Quantum(number: 1, amount: grant.reserved.value, end: grant.quantum.ns)])
  }

  private mutating func renew(
    _ id: LeaseID, _ span: Int64, _ reserved: Int64, _ facts: borrowing Facts
  ) throws(Violation) {
    guard let lease = facts.leases[id], let next = lease.next, let started = lease.started,
      let account = accounts[id], let last = account.open.last
    else { throw Violation("B5", "lease \(id.name) is renewed past its end or before its start") }
    try must(
      span == next.span && Int128(reserved) == next.price, "B5",
      "lease \(id.name) reserves \(reserved) for \(span) ns, not \(next.price) for \(next.span)")
    try must(
      account.open.count == 1 && lease.state == .active, "B5",
      "lease \(id.name) is \(lease.state) and renewed with \(account.open.count) open quanta")
    let begins = start(of: last, lease)
    let half = started + begins + (last.end - begins) / 2
    try must(
      facts.now >= half && facts.now < lease.ends, "B5",
      "lease \(id.name) is renewed at \(facts.now) ns, not between \(half) and \(lease.ends)")
    accounts[id]?.quanta += 1
    accounts[id]?.open.append(
      Quantum(number: account.quanta + 1, amount: reserved, end: lease.paid + span))
  }

  /// Length of all quanta before one: all but the last have the length of the terms.
  private func start(of quantum: Quantum, _ lease: KnownLease) -> Int64 {
    Int64(quantum.number - 1) * lease.grant.terms.quantum.ns
  }

  private mutating func settle(
    _ id: LeaseID, _ number: UInt32, _ charge: Int64, _ rest: Int64, _ back: Int64,
    _ facts: borrowing Facts
  ) throws(Violation) {
    guard let lease = facts.leases[id], let quantum = accounts[id]?.open.first,
      quantum.number == number
    else {
      throw Violation("B5", "quantum \(number) of lease \(id.name) is settled and not reserved")
    }
    try must(
      charge >= 0 && charge + back == quantum.amount, "B5",
      "quantum \(number) of lease \(id.name) reserved \(quantum.amount), is settled for \(charge) "
        + "and gives back \(back)")
    let charged = (accounts[id]?.charged ?? 0) + Int128(charge)
    let held = lease.stopped.map { stopped in lease.started.map { stopped - $0 } ?? 0 }
    let isLast = held.map { $0 <= quantum.end } ?? false
    let due =
      isLast
      ? KnownLease.up(lease.cost(held ?? 0)) : KnownLease.down(lease.cost(quantum.end))
    try must(
      charged == due, "B5",
      "lease \(id.name) has paid \(charged) after quantum \(number), \(due) is due")
    let carried = isLast ? 0 : lease.cost(quantum.end) % 1_000_000_000_000
    try must(
      Int128(rest) == carried, "B5",
      "quantum \(number) of lease \(id.name) carries \(rest), not \(carried)")
    if held == nil, let started = lease.started {
      try must(
        facts.now >= started + quantum.end, "B5",
        "quantum \(number) of lease \(id.name) is settled before its end")
    }
    accounts[id]?.charged = charged
    accounts[id]?.open.removeFirst()
  }

  /// Billing ends when the lease stops: not after now, nor after what is paid or allowed, and of
  /// what is preempted not before the start of a quantum that is over.
  private func checkStop(
    _ id: LeaseID, _ at: Int64, _ killBy: Int64, _ facts: borrowing Facts
  ) throws(Violation) {
    guard let lease = facts.leases[id] else { return }
    let begins = lease.started ?? lease.grant.startBy.ns
    try must(
      at <= facts.now && at <= lease.ends && (lease.started == nil || at >= begins), "B5",
      "lease \(id.name) is billed until \(at) ns: now is \(facts.now), it ran from \(begins), "
        + "paid until \(lease.ends)")
    try must(
      killBy >= facts.now && lease.stopped == nil, "J3",
      "lease \(id.name) stops twice, or has until \(killBy) ns at \(facts.now)")
  }

  private func checkBill(_ id: LeaseID, _ facts: borrowing Facts) throws(Violation) {
    guard let lease = facts.leases[id], let account = accounts[id] else {
      throw Violation("J3", "lease \(id.name) ends and was not granted")
    }
    let held = lease.stopped.map { stopped in lease.started.map { stopped - $0 } ?? 0 } ?? 0
    try must(
      account.open.isEmpty && account.charged == KnownLease.up(lease.cost(held))
        && held <= lease.runtimeMax, "B5",
      "lease \(id.name) was held for \(held) ns of \(lease.runtimeMax), paid \(account.charged) "
        + "and has \(account.open.count) open quanta")
  }

  /// Every lease that stopped has settled all that it reserved.
  /// - Complexity: O(leases that stopped).
  mutating func close(_ facts: borrowing Facts) throws(Violation) {
    for id in stopped where facts.leases[id] != nil { try checkBill(id, facts) }
    stopped.removeAll(keepingCapacity: true)
  }

  /// Every lease that may run has its quantum reserved.
  /// - Complexity: O(leases).
  func closeAll(_ facts: borrowing Facts, _ pool: borrowing Pool) throws(Violation) {
    for id in facts.leases.ids {
      guard let lease = facts.leases[id], let row = pool.lease(id) else { continue }
      let open = accounts[id]?.open ?? []
      try must(
        open.isEmpty == (lease.state == .stopping), "B5",
        "lease \(id.name) is \(lease.state) with \(open.count) open quanta")
      let next = open.count > 1 ? open[1].amount : nil
      try must(
        row.reserved.value == open.first?.amount ?? 0 && row.nextReserved?.value == next, "B5",
        "lease \(id.name) counts \(row.reserved.value) reserved, \(open.first?.amount ?? 0) are")
    }
  }
}
