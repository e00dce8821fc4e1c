public import PoolAllocator

/// One reason with everything that a person or a program reads: words, names, units.
public struct ReasonText: Sendable {
  /// The reason as the core gave it.
  public let reason: Reason
  /// `lane`, `bucket`, `tenant`, …; `request` where it is about the request as a whole.
  public let subjectKind: String
  /// The subject's name; nil for the request and for a row that is gone.
  public let subject: String?
  /// What `have` and `need` count.
  public let unit: ReasonUnit
  /// What there is; nil where the code has no figures.
  public let have: Int64?
  /// What is so: subject, what there is, what is needed.
  public let fact: String
  /// What to do about it.
  public let advice: String

  /// Fact and advice as one line.
  public var sentence: String { "\(fact); \(advice)" }

  /// Puts a reason in words.
  /// - Parameters:
  ///   - reason: one reason of a decision.
  ///   - pool: the pool that gave it, right after it did.
  ///   - names: the names of its keys.
  ///   - claim: the claim that it is about, where it is about one.
  public init(
    _ reason: Reason, in pool: borrowing Pool, names: NameTable, claim: ClaimForm? = nil
  ) {
    let subject = Self.subject(reason.subject, in: pool, names: names, claim: claim)
    let unit = Self.unit(of: reason)
    let words = ReasonWords(
      reason: reason, now: pool.now, generation: pool.generation.value, unit: unit, claim: claim,
      subject: subject.name.map { "\(subject.kind.spaced) \"\($0)\"" }
        ?? (subject.kind == "request" ? "the request" : "the \(subject.kind.spaced)"))
    self.reason = reason
    subjectKind = subject.kind
    self.subject = subject.name
    self.unit = unit
    have = unit == .none ? nil : reason.have
    fact = words.fact
    advice = words.advice
  }

  private static func subject(
    _ subject: Reason.Subject, in pool: Pool, names: NameTable, claim: ClaimForm?
  ) -> (kind: String, name: String?) {
    switch subject {
    case .request: return ("request", nil)
    case .lane(let row):
      return ("lane", pool.laneID(atRow: row).flatMap { pool.lane($0) }.map { names.text($0.key) })
    case .bucket(let row):
      let bucket = pool.bucketID(atRow: row).flatMap { pool.bucket($0) }
      let name = bucket.map { names.text($0.rule.key) }
      return bucket?.delegation == nil ? ("bucket", name) : ("budget", name.map(NamePath.last))
    case .identity(let kind):
      guard let claim else { return (kind.wire, nil) }
      switch kind {
      case .tenant: return (kind.wire, claim.tenant)
      case .application: return (kind.wire, claim.application)
      case .workflow: return (kind.wire, names.name(claim.base.workflow).map(NamePath.last))
      case .principal: return (kind.wire, names.name(claim.base.principal))
      }
    }
  }

  /// What a reason counts.
  private static func unit(of reason: Reason) -> ReasonUnit {
    switch reason.code {
    case .priceExceedsCap, .arithmeticOverflow, .bucketShort, .behindParked, .budgetSpent,
      .emergencyClosed, .inDebt, .quoteExceeded:
      .credits
    case .runtimeTooLong, .deadlineImpossible, .wouldDelayHead, .lendingRefused, .approvalLapsed,
      .waitPredicted, .quoteTooLong, .quoteExpired:
      .nanoseconds
    case .lendingLimit, .borrowingLimit, .guaranteeImpaired, .boundInUse, .laneFull, .fragmented,
      .nodeCordoned, .nodeSilent, .deviceUnhealthy, .recovering, .signalRaised:
      .thousandths
    case .memoryShort, .hostMemoryShort, .deviceTooSmall, .hostMemoryTooSmall: .bytes
    case .hostShort, .hostTooSmall: .milliCores
    case .gangTooLarge: .members
    case .preemptionRateSpent, .identityThrottled, .behindHead, .queueFull, .tenantQueueFull,
      .workflowFull, .queueDeep:
      .claims
    case .tableFull, .tenantQuotesFull, .rungNotCheaper, .rungRaisesAutomation, .preferenceTooRisky:
      .rows
    case .classPaused, .poolPressure, .dependencyDown: .levels
    case .delegationTooDeep: .delegations
    case .classNotAllowed: .classes
    case .isolationTooWeak: reason.need == 0 ? .none : .levels
    case .fencingStale, .generationStale, .quoteWithdrawn: .versions
    case .noNodeLargeEnough: reason.need == 0 ? .none : .devices
    case .profileAbsent: .devices
    case .tenantUnknown, .identitySuspended, .laneNotAllowed, .policyMissing, .serviceUnknown,
      .costUnknown, .bucketMissing, .victimsShielded, .preempted, .fieldOutOfRange, .unknownSubject,
      .duplicateKey, .wrongState,
      .advertisementIncomplete, .malformed, .approvalMissing, .planMissing, .approverNotAllowed,
      .approverInvolved, .planMismatch, .delegationExpired, .delegationRevoked, .delegationWider,
      .budgetUnknown, .rungUnknown, .cheaperPreferred, .queueTimeOver, .quotesNotGiven,
      .quoteUnknown, .quoteMismatch, .quoteRedeemed:
      .none
    }
  }
}

extension String {
  /// A word of the wire as people write it.
  var spaced: String { String(map { $0 == "_" ? " " : $0 }) }
}
