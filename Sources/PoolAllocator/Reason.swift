/// One thing that stands between a request and its grant: the rule, what there is, what is needed.
///
/// Codes are frozen and grouped by hundreds; the order of the groups is the precedence in which a
/// decision lists them. The same list feeds messages, metrics and the wire.
public struct Reason: BitwiseCopyable, Hashable, Sendable {
  /// The kind of rule; the first digit of the code.
  public enum Group: UInt8, BitwiseCopyable, CaseIterable, Sendable {
    /// Who asks.
    case identity = 1
    /// What the policy allows.
    case policy
    /// No wait helps.
    case infeasible
    /// The buckets.
    case credits
    /// The devices.
    case capacity
    /// Whose turn it is.
    case order
    /// The state of the hardware.
    case condition
    /// The pool's own bounds.
    case overload
    /// The command itself.
    case command
  }

  /// The rule. Numbers are never reused; gaps are kept for rules that later work brings.
  public enum Code: UInt16, BitwiseCopyable, CaseIterable, Sendable {
    // 1xx identity
    /// No tenant of that name in the policy.
    case tenantUnknown = 101
    /// The delegation, or one that it was given out of, has expired.
    case delegationExpired = 102
    /// The delegation, or one that it was given out of, was revoked.
    case delegationRevoked = 103
    /// The identity is suspended.
    case identitySuspended = 104
    /// The identity has as many live claims as its restriction allows.
    case identityThrottled = 105
    // 2xx policy
    /// The tenant, lane or a restriction does not admit the class.
    case classNotAllowed = 200
    /// The lane is unknown, retired, reserved for another, or serves another model class.
    case laneNotAllowed = 201
    /// The action has to be approved by another principal, and nobody has yet.
    case approvalMissing = 202
    /// The demand asks for more isolation than its own form gives.
    case isolationTooWeak = 203
    /// No policy is active: an empty policy denies.
    case policyMissing = 204
    /// No such service for this tenant.
    case serviceUnknown = 205
    /// The runtime is longer than the lane allows.
    case runtimeTooLong = 206
    /// The cost model has no rule for the action and model class.
    case costUnknown = 207
    /// The tenant has no bucket: nothing is unlimited by omission.
    case bucketMissing = 208
    /// The lane is lent only to claims that can be gone sooner; nanoseconds.
    case lendingRefused = 209
    /// The action has to be approved, and the claim names no plan that an approval could be bound
    /// to.
    case planMissing = 212
    /// The principal is not among those that may approve.
    case approverNotAllowed = 213
    /// The principal asked for it itself, or it is asked on its behalf.
    case approverInvolved = 214
    /// The approval is for another plan than the claim's.
    case planMismatch = 215
    /// The request lapsed before it was decided; nanoseconds of pool time.
    case approvalLapsed = 216
    /// A delegation lasts no longer, allows no more urgent class and has no higher limit than what
    /// it is given out of.
    case delegationWider = 217
    /// Delegations are given on only so many times.
    case delegationTooDeep = 218
    /// The tenant has no budget of that name.
    case budgetUnknown = 219
    /// A rung of the policy does not cost less than the one above it; `have` is the rung.
    case rungNotCheaper = 220
    /// A rung of the policy allows more automation than the one above it; `have` is the rung.
    case rungRaisesAutomation = 221
    /// A rung of the policy is preferred at normal load, but its service is not of low risk or the
    /// rung lowers automation; `have` is the rung.
    case preferenceTooRisky = 222
    /// The claim accepts rungs of a ladder that its service does not have.
    case rungUnknown = 223
    /// The load is normal, and the service prefers what is cheaper.
    case cheaperPreferred = 224
    /// It waited as long as it or its class allows.
    case queueTimeOver = 225
    /// The policy gives no quotes.
    case quotesNotGiven = 226
    /// Quotes last no longer than the policy says; nanoseconds.
    case quoteTooLong = 227
    /// The tenant has no quote of that name, or it is forgotten.
    case quoteUnknown = 228
    /// The claim is another one than the quote was given for.
    case quoteMismatch = 229
    /// The quote was redeemed by a claim before.
    case quoteRedeemed = 230
    /// Another policy came into force since the quote was given; generations.
    case quoteWithdrawn = 231
    /// The quote has expired; nanoseconds of pool time.
    case quoteExpired = 232
    /// The lane costs more than the claim was quoted; credits for its longest runtime.
    case quoteExceeded = 233
    // 3xx infeasible
    /// The first reservation is more than a bucket of the path can ever hold.
    case priceExceedsCap = 300
    /// The lane has no device of the form asked for.
    case profileAbsent = 301
    /// No node of the lane has enough devices or instances of the form, even when empty.
    case noNodeLargeEnough = 302
    /// The lane has nodes that hold members of the gang, but not so many of them, or not as near to
    /// one another, as it asks, even when empty; in members.
    case gangTooLarge = 303
    /// The work cannot be done by its deadline.
    case deadlineImpossible = 304
    /// The price passes 2⁵³ credits.
    case arithmeticOverflow = 305
    /// A field is outside its range.
    case fieldOutOfRange = 306
    /// No device of the lane has the memory asked for, even when empty.
    case deviceTooSmall = 307
    /// No node of the lane has the processor time asked for, even when empty.
    case hostTooSmall = 308
    /// No node of the lane has the host memory asked for, even when empty.
    case hostMemoryTooSmall = 309
    // 4xx credits
    /// A bucket of the path is short.
    case bucketShort = 400
    /// A budget of the delegation has too little left, and it never refills.
    case budgetSpent = 401
    /// The bucket could pay if its emergency were open; `have` is what that gives, `need` what is
    /// missing.
    case emergencyClosed = 402
    /// The bucket is below zero.
    case inDebt = 403
    /// Earlier claims wait for the same bucket.
    case behindParked = 404
    // 5xx capacity
    /// The lane has too few free devices.
    case laneFull = 500
    /// The lane has enough in sum, but not on one node or device.
    case fragmented = 501
    /// Device memory is what is missing; `have` is what the GPU has free that fits otherwise.
    case memoryShort = 502
    /// Processor time is what is missing beside a device; `have` is what the node has free that
    /// fits otherwise.
    case hostShort = 503
    /// Host memory is what is missing beside a device; `have` is what the node has free that fits
    /// otherwise.
    case hostMemoryShort = 504
    /// The owner lends no more of the lane.
    case lendingLimit = 505
    /// The tenant holds as much of other owners' lanes as it may.
    case borrowingLimit = 506
    /// The lane's guarantee is impaired; `have` is what of it is sound.
    case guaranteeImpaired = 507
    /// Devices of the lane are still in leases that were there before they were bound to it.
    case boundInUse = 508
    /// Work that would give way to the claim has not yet run as long as it is let alone.
    case victimsShielded = 509
    /// The lane has lost as many leases to more urgent classes as it may for now; `have` of `need`
    /// that it may lose.
    case preemptionRateSpent = 510
    /// A claim of a more urgent class needed the devices.
    case preempted = 511
    // 6xx order
    /// An earlier claim waits for the lane.
    case behindHead = 600
    /// It would fit on devices that are kept for the head of the lane, but ends too late; `have` is
    /// when the head starts, `need` when this claim would have left, in nanoseconds of pool time.
    case wouldDelayHead = 601
    // 7xx condition
    /// Devices of the lane are on cordoned or draining nodes.
    case nodeCordoned = 700
    /// Devices of the lane are on silent nodes.
    case nodeSilent = 701
    /// Devices of the lane are broken, dirty or not approved.
    case deviceUnhealthy = 702
    /// Devices of the lane are on nodes that have yet to report in full.
    case recovering = 703
    /// No new claim of the class is taken while the pool of the lane is pressed.
    case classPaused = 704
    /// The pool of the lane is pressed: `have` is its level, `need` the one from which the claim
    /// takes less.
    case poolPressure = 705
    /// The predicted wait is longer than the class accepts, or than the pool of the lane should
    /// have; nanoseconds.
    case waitPredicted = 706
    /// Something that the work depends on is not up: 1 degraded, 2 down.
    case dependencyDown = 707
    /// Claims that wait press the pool of the lane; `need` is where that ends.
    case queueDeep = 708
    /// A recorded value presses the pool of the lane; thousandths, `need` is where that ends.
    case signalRaised = 709
    // 8xx overload
    /// All queues together are full.
    case queueFull = 800
    /// The tenant's queue is full.
    case tenantQueueFull = 801
    /// The root workflow has as many live claims as any may have.
    case workflowFull = 803
    /// A table of the pool is full.
    case tableFull = 804
    /// The tenant has as many quotes as it may have at once.
    case tenantQuotesFull = 805
    // 9xx command
    /// The id or key names nothing.
    case unknownSubject = 900
    /// The key names something already.
    case duplicateKey = 901
    /// The fencing number is not the lease's.
    case fencingStale = 902
    /// The subject's state does not allow the command.
    case wrongState = 903
    /// The epoch, generation or advertisement is not newer than the last.
    case generationStale = 904
    /// The advertisement is incomplete and changes nothing.
    case advertisementIncomplete = 905
    /// The document breaks a rule that the core relies on.
    case malformed = 906

    /// The kind of rule.
    public var group: Group {
      guard let group = Group(rawValue: UInt8(rawValue / 100)) else {
        broken("every code belongs to a group")
      }
      return group
    }

    /// Whether requests refused by this rule may succeed later as they are.
    public var isRetryable: Bool {
      switch group {
      case .credits: self != .budgetSpent
      case .capacity, .order, .condition, .overload: true
      case .identity: self == .identitySuspended || self == .identityThrottled
      case .policy, .infeasible, .command: false
      }
    }
  }

  /// What a reason is about.
  public enum Subject: BitwiseCopyable, Hashable, Sendable {
    /// The request as a whole.
    case request
    /// A lane, by row.
    case lane(UInt32)
    /// A bucket of the asking tenant, by row.
    case bucket(UInt32)
    /// One identity of the request.
    case identity(IdentityKind)
  }

  /// The rule.
  public var code: Code
  /// What it is about.
  public var subject: Subject
  /// What there is, in the unit of the code (credits, thousandths, bytes, claims, classes).
  public var have: Int64
  /// What is needed, in the same unit.
  public var need: Int64
  /// When this reason alone clears, where that is known. For credits it is exact: not cleared one
  /// nanosecond earlier, cleared then if nobody else spends.
  public var clearsAt: Instant?

  /// Whether the same request may succeed later without any change to it.
  public var isRetryable: Bool { code.isRetryable || clearsAt != nil }

  /// Makes a reason.
  public init(
    _ code: Code, _ subject: Subject = .request, have: Int64 = 0, need: Int64 = 0,
    clearsAt: Instant? = nil
  ) {
    self.code = code
    self.subject = subject
    self.have = have
    self.need = need
    self.clearsAt = clearsAt
  }
}
