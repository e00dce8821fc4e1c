import PoolAllocator

/// The policies that were proposed, and how far each came: a fold over acts in their order. It
/// knows no clock and no store.
///
///     proposed → approved → (scheduled) → active → superseded
///
/// or withdrawn; stale, where another policy came into force; refused, where the pool did.
struct PolicyChanges: Sendable {
  /// Most proposals that may still come into force. Unit: proposals.
  static let openMost = 64
  /// Others that are remembered; all are in the journal. Unit: proposals.
  static let closedMost = 1_000

  /// How far a proposal came.
  enum State: String, Sendable {
    case proposed, approved, scheduled, active, superseded, withdrawn, stale, refused
  }

  /// An approval.
  struct Approval: Hashable, Sendable {
    let by: String
    /// Unit: seconds since 1970.
    let at: Int64
  }

  /// How a proposal ended.
  enum Ending: Hashable, Sendable {
    /// It came into force.
    case active(PolicyGeneration)
    /// The pool refused it, and why.
    case refused(String)
    case withdrawn(by: String)
  }

  /// A proposal.
  struct Proposal: Hashable, Sendable {
    let number: Int64
    /// What is proposed; of the warnings of its checks only how many.
    var draft: PolicyDraft
    /// Who proposed it.
    let by: String
    /// When. Unit: seconds since 1970.
    let at: Int64
    /// The record of the journal that has its document.
    let record: UInt64
    fileprivate(set) var approvals: [Approval] = []
    fileprivate(set) var ending: Ending?

    /// Whether as many approved it as have to.
    var isApproved: Bool { approvals.count >= Int(draft.approvalsNeeded) }

    /// Whether it may still come into force.
    func isOpen(in force: PolicyGeneration) -> Bool { ending == nil && draft.base == force }

    /// How far it came.
    /// - Parameters:
    ///   - force: the generation in force.
    ///   - now: seconds since 1970.
    func state(in force: PolicyGeneration, at now: Int64) -> State {
      switch ending {
      case .active(let generation): return generation == force ? .active : .superseded
      case .refused: return .refused
      case .withdrawn: return .withdrawn
      case nil:
        if draft.base != force { return .stale }
        if !isApproved { return .proposed }
        return draft.activateAt.map { $0 > now } ?? false ? .scheduled : .approved
      }
    }
  }

  /// By number.
  private(set) var proposals: [Proposal] = []
  private var count: Int64 = 0

  func proposal(_ number: Int64) -> Proposal? { proposals.last { $0.number == number } }

  /// What a record of the journal proposed.
  func proposal(ofRecord record: UInt64) -> Proposal? { proposals.last { $0.record == record } }

  /// What is to be put in force now.
  func due(in force: PolicyGeneration, at now: Int64) -> [Proposal] {
    proposals.filter { $0.state(in: force, at: now) == .approved }
  }

  /// When something is to be put in force next. Unit: seconds since 1970.
  func nextDue(in force: PolicyGeneration, at now: Int64) -> Int64? {
    proposals.filter { $0.state(in: force, at: now) == .scheduled }
      .compactMap(\.draft.activateAt).min()
  }

  // MARK: what may be done

  /// Sees that an act may happen.
  /// - Parameters:
  ///   - principal: who does it.
  ///   - now: seconds since 1970.
  ///   - force: the generation in force.
  /// - Throws: why it does not.
  func check(
    _ act: PolicyAct, by principal: String, at now: Int64, in force: PolicyGeneration
  ) throws(ActRefusal) {
    switch act {
    case .apply(let base): try checkBase(base, in: force)
    case .propose(let draft):
      try checkBase(draft.base, in: force)
      guard proposals.count(where: { $0.isOpen(in: force) }) < Self.openMost else {
        throw ActRefusal(
          "proposals_full", "\(Self.openMost) proposals are open; withdraw some of them")
      }
    case .approve(let number, let hash):
      let proposal = try open(number, in: force, at: now)
      guard !proposal.isApproved else {
        throw ActRefusal("proposal_closed", "proposal \(number) is approved already")
      }
      guard proposal.by != principal else {
        throw ActRefusal(
          "approver_involved", "nobody approves what they proposed; ask another operator")
      }
      guard proposal.draft.hash.isExactly(hash) else {
        throw ActRefusal(
          "hash_mismatch",
          "proposal \(number) has another hash; look at it again (poolctl policy show \(number))")
      }
    case .withdraw(let number): _ = try open(number, in: force, at: now)
    case .activate(let number), .fail(let number, _):
      guard try open(number, in: force, at: now).state(in: force, at: now) == .approved else {
        throw ActRefusal("proposal_closed", "proposal \(number) is not to be in force yet")
      }
    }
  }

  private func checkBase(_ base: PolicyGeneration, in force: PolicyGeneration) throws(ActRefusal) {
    guard base == force else {
      throw ActRefusal(
        "policy_changed",
        "generation \(force.value) came into force meanwhile; look at it, and ask again")
    }
  }

  private func open(
    _ number: Int64, in force: PolicyGeneration, at now: Int64
  ) throws(ActRefusal) -> Proposal {
    guard let proposal = proposal(number) else { throw .unknown }
    if proposal.isOpen(in: force) { return proposal }
    let state = proposal.state(in: force, at: now)
    guard state == .stale else {
      throw ActRefusal("proposal_closed", "proposal \(number) is \(state.rawValue)")
    }
    throw ActRefusal(
      "proposal_stale",
      "proposal \(number) is for the policy after generation \(proposal.draft.base.value), and"
        + " \(force.value) is in force; propose it anew")
  }

  // MARK: what was done

  /// Takes an act that happened.
  /// - Parameter record: its record of the journal.
  mutating func apply(_ act: PolicyAct, by principal: String, at now: Int64, record: UInt64) {
    switch act {
    case .apply: break
    case .propose(var draft):
      draft.checks?.forgetWarnings()
      count += 1
      proposals.append(
        Proposal(number: count, draft: draft, by: principal, at: now, record: record))
      // What is proposed follows the generation in force, also where a journal is read again.
      if proposals.count > Self.openMost + Self.closedMost,
        let oldest = proposals.firstIndex(where: { !$0.isOpen(in: draft.base) })
      {
        proposals.remove(at: oldest)
      }
    case .approve(let number, _):
      change(number) { proposal in
        guard !proposal.approvals.contains(where: { $0.by == principal }) else { return }
        proposal.approvals.append(Approval(by: principal, at: now))
      }
    case .withdraw(let number): change(number) { $0.ending = .withdrawn(by: principal) }
    case .activate(let number):
      change(number) { $0.ending = .active(PolicyGeneration($0.draft.base.value &+ 1)) }
    case .fail(let number, let why): change(number) { $0.ending = .refused(why) }
    }
  }

  private mutating func change(_ number: Int64, _ body: (inout Proposal) -> Void) {
    guard let index = proposals.lastIndex(where: { $0.number == number }) else { return }
    body(&proposals[index])
  }
}
