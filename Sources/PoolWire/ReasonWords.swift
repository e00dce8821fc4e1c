internal import PoolAllocator

/// The sentences, one for every code; a new code does not compile without one.
struct ReasonWords {
  let reason: Reason
  let now: Instant
  let generation: UInt32
  let unit: ReasonUnit
  let claim: ClaimForm?
  let subject: String

  private var have: String { unit.text(reason.have) }
  private var need: String { unit.text(reason.need) }

  private var clears: String {
    guard let at = reason.clearsAt else { return "not at any known time" }
    return at <= now ? "now" : "in \(Amounts.seconds((at - now).ns)) s"
  }

  /// The delegation of the budget that the reason speaks of.
  private var delegation: String {
    subject == "the request" ? "the delegation" : "the delegation of \(subject)"
  }

  /// The class that the reason speaks of.
  private var wanted: String { "P\(reason.need)" }

  var fact: String {
    switch reason.code.group {
    case .identity, .policy: policyFact
    case .infeasible: infeasibleFact
    case .credits, .capacity, .order: waitingFact
    case .condition, .overload, .command: stateFact
    }
  }

  private var policyFact: String {
    switch reason.code {
    case .tenantUnknown where claim == nil:
      "the tenant is not in policy generation \(generation)"
    case .tenantUnknown:
      "tenant \"\(claim?.tenant ?? "?")\" is not in policy generation \(generation)"
    case .delegationExpired: "\(delegation) has expired"
    case .delegationRevoked: "\(delegation) was revoked"
    case .identitySuspended: "\(subject) is suspended"
    case .identityThrottled: "\(subject) has \(have) live claims of at most \(need)"
    case .classNotAllowed where reason.clearsAt != nil:
      "\(subject) is held to class P\(reason.have) and below, and the claim is \(wanted)"
    case .classNotAllowed:
      "\(subject) admits \(ClassSet(bits: UInt8(truncatingIfNeeded: reason.have)).words),"
        + " not \(wanted)"
    case .laneNotAllowed: "\(subject) is closed to this tenant or model class, or retired"
    case .isolationTooWeak where unit == .levels:
      "\(subject) enforces \(level(reason.have)) and the demand asks for \(level(reason.need))"
    case .isolationTooWeak: "the demand asks for more isolation than its own form gives"
    case .policyMissing: "no policy is active, and an empty policy denies"
    case .serviceUnknown where claim == nil: "the service is not one that the tenant may use"
    case .serviceUnknown:
      "service \"\(claim?.service ?? "?")\" is not one that tenant \"\(claim?.tenant ?? "?")\""
        + " may use"
    case .runtimeTooLong: "\(subject) takes leases of at most \(have), asked for \(need)"
    case .costUnknown:
      "the cost model has no rule for this action and model class, or its answer is too long"
    case .bucketMissing: "\(subject) has no bucket, and nothing is unlimited by omission"
    case .lendingRefused:
      "\(subject) is lent only to work that can be gone within \(have), this may take \(need)"
    case .approvalMissing where reason.clearsAt == nil: "another principal has to agree, too"
    case .approvalMissing: "the action has to be approved by another; the request lapses \(clears)"
    case .planMissing: "the action has to be approved, and the claim names no plan"
    case .approverNotAllowed: "the principal is not among those that may approve"
    case .approverInvolved: "nobody decides on what they asked for, or what is done for them"
    case .planMismatch: "the approval is for another plan than the claim's"
    case .delegationWider:
      "the delegation is longer, of a more urgent class or of a higher limit than \(subject)"
    case .delegationTooDeep:
      "it would be delegation \(have) in a row, and at most \(need) are given out of each other"
    case .budgetUnknown: "the tenant has no budget of that name"
    case .approvalLapsed:
      "the request lapsed at \(have) of pool time, and it is \(need)"
    case .rungNotCheaper, .rungRaisesAutomation, .preferenceTooRisky, .rungUnknown,
      .cheaperPreferred, .queueTimeOver:
      ladderFact
    default: quoteFact
    }
  }

  private var quoteFact: String {
    switch reason.code {
    case .quotesNotGiven: "the policy gives no quotes"
    case .quoteTooLong: "quotes last at most \(have), asked for \(need)"
    case .quoteUnknown: "the tenant has no quote of that name, or it ended long ago"
    case .quoteMismatch: "the claim is not the one that the quote was given for"
    case .quoteRedeemed: "the quote was redeemed by another claim"
    case .quoteWithdrawn:
      "the quote was given under policy generation \(have), and \(need) is in force"
    case .quoteExpired: "the quote expired at \(have) of pool time, and it is \(need)"
    case .quoteExceeded:
      "\(subject) costs \(Amounts.gpuSeconds(reason.need)) for the longest runtime, and"
        + " \(have) were quoted"
    default: reason.code.wire
    }
  }

  private var ladderFact: String {
    switch reason.code {
    case .rungNotCheaper: "rung \(reason.have) of the policy costs no less than the one above it"
    case .rungRaisesAutomation:
      "rung \(reason.have) of the policy allows more automation than the one above it"
    case .preferenceTooRisky:
      "rung \(reason.have) of the policy is preferred at normal load, but its service is not of low"
        + " risk or the rung lowers automation"
    case .rungUnknown: "the claim accepts rungs that its service does not have"
    case .cheaperPreferred: "the load is normal, and the service prefers what is cheaper"
    default: "it waited as long as it or its class allows"
    }
  }

  private var infeasibleFact: String {
    switch reason.code {
    case .priceExceedsCap:
      "\(subject) holds at most \(have), and the first quantum costs \(need)"
    case .profileAbsent: "\(subject) has no device of the form asked for"
    case .noNodeLargeEnough where reason.need == 0:
      "no node of \(subject) has all of it together, even empty"
    case .noNodeLargeEnough, .deviceTooSmall, .hostTooSmall, .hostMemoryTooSmall:
      "no node of \(subject) is large enough, even empty: the largest has \(have)"
        + " of \(need) \(what) needed"
    case .gangTooLarge:
      "the nodes of \(subject) hold \(have) of \(need) members as near to one another as asked,"
        + " even empty"
    case .deadlineImpossible:
      "the work ends at \(need) of pool time at the earliest, after its deadline at \(have)"
    case .arithmeticOverflow:
      "the price passes the largest amount of \(Amounts.gpuSeconds(Credits.limit)) GPU-seconds"
    case .fieldOutOfRange: "a field of the request is outside its range"
    default: reason.code.wire
    }
  }

  private var waitingFact: String {
    switch reason.code {
    case .bucketShort:
      "\(subject) holds \(Amounts.gpuSeconds(reason.have)) of \(need); clears \(clears)"
    case .budgetSpent:
      "\(subject) has \(Amounts.gpuSeconds(reason.have)) of \(need) left, and never refills"
    case .emergencyClosed:
      "the emergency of \(subject) is closed; it would give \(Amounts.gpuSeconds(reason.have)) to"
        + " the \(need) that are missing"
    case .inDebt:
      "\(subject) is \(Amounts.gpuSeconds(-reason.have)) GPU-seconds below zero; clears \(clears)"
    case .behindParked: "\(subject) serves an earlier claim first; it holds \(have)"
    case .laneFull: "\(subject) has \(have) of \(need) \(what) free"
    case .fragmented:
      "\(subject) has \(have) \(what) free, but not \(need) on one node or device that this claim"
        + " may share with who is there"
    case .memoryShort:
      "the GPU of \(subject) that fits otherwise has \(have) of \(need) memory free"
    case .hostMemoryShort:
      "the node of \(subject) that fits otherwise has \(have) of \(need) host memory free"
    case .hostShort:
      "the node of \(subject) that fits otherwise has \(have) of \(need) \(what) free"
    case .lendingLimit:
      "the owner of \(subject) lends \(have) \(what), and this would make it \(need)"
    case .borrowingLimit:
      "\(subject) may borrow \(have) \(what), and this would make it \(need)"
    case .guaranteeImpaired:
      "the guarantee of \(subject) is impaired: \(have) of \(need) \(what) can be had now"
    case .boundInUse:
      "\(have) \(what) of \(subject) are in leases that were there before they were bound to it"
    case .victimsShielded:
      "work of \(subject) that would give way has not run for long enough; clears \(clears)"
    case .preemptionRateSpent:
      "\(subject) has lost as many leases to more urgent classes as it may; clears \(clears)"
    case .preempted: "the devices went to a claim of a more urgent class"
    case .behindHead: "an earlier claim waits for \(subject); claims that wait in all: \(have)"
    case .wouldDelayHead:
      "it fits on devices of \(subject) that are kept for an earlier claim until \(have) of pool"
        + " time, but may run until \(need)"
    default: reason.code.wire
    }
  }

  private var stateFact: String {
    switch reason.code {
    case .nodeCordoned: "\(have) \(what) of \(subject) are on cordoned nodes"
    case .nodeSilent: "\(have) \(what) of \(subject) are on nodes that are not heard"
    case .deviceUnhealthy: "\(have) \(what) of \(subject) are broken, dirty or not approved"
    case .recovering: "\(have) \(what) of \(subject) are on nodes that have yet to report"
    case .classPaused: "\(subject) takes no new claim of this class: its pool is \(pressure)"
    case .poolPressure: "the pool of \(subject) is \(pressure)"
    case .waitPredicted: "a wait of \(have) is predicted for \(subject), more than \(need)"
    case .dependencyDown:
      "something that the work depends on is \(reason.have > 1 ? "down" : "degraded")"
    case .queueDeep: "\(have) claims wait in the pool of \(subject), \(need) or more press it"
    case .signalRaised: "a recorded value of \(have) presses the pool of \(subject)"
    case .queueFull: "all queues together hold \(have) of \(need) claims"
    case .tenantQueueFull: "\(subject) has \(have) claims waiting of at most \(need)"
    case .workflowFull: "\(subject) has \(have) live claims of at most \(need)"
    case .tableFull: "a table of the pool holds \(have) of \(need) rows"
    case .tenantQuotesFull: "\(subject) has \(have) quotes of at most \(need), open or just ended"
    case .unknownSubject: "nothing has this name or id, or it has ended"
    case .duplicateKey: "the name is in use"
    case .fencingStale: "the fencing number is not the lease's: somebody else holds it now"
    case .wrongState: "what it is about is in a state that does not allow this"
    case .generationStale: "this is not newer than what is known: have \(have), got \(need)"
    case .advertisementIncomplete: "the report is incomplete and changes nothing"
    case .malformed: "the document breaks a rule of the core (number \(reason.have))"
    default: reason.code.wire
    }
  }

  /// What is counted, after a number.
  private var what: String {
    switch unit {
    case .bytes: "memory"
    case .devices: "devices"
    case .milliCores: "cores"
    case .thousandths: isCPU ? "cores" : "devices"
    default: "units"
    }
  }

  private var isCPU: Bool { claim.map { $0.base.demand.shape == .cpuOnly } ?? false }

  /// The level of pressure that there is.
  private var pressure: String {
    UInt8(exactly: reason.have).flatMap(Pressure.init(rawValue:)).map { "\($0)" } ?? "pressed"
  }

  private func level(_ value: Int64) -> String {
    value == 0 ? "none" : value == 1 ? "env" : "cgroup"
  }

  // MARK: what to do

  var advice: String {
    switch reason.code.group {
    case .identity, .policy: policyAdvice
    case .infeasible: infeasibleAdvice
    case .credits, .capacity, .order: waitingAdvice
    case .condition, .overload, .command: stateAdvice
    }
  }

  private var policyAdvice: String {
    switch reason.code {
    case .tenantUnknown: "correct the name, or add the tenant to the policy"
    case .delegationExpired, .delegationRevoked: "ask its giver for another"
    case .identitySuspended: "it ends \(clears); ask whoever ordered it to lift it sooner"
    case .identityThrottled: "wait for one to end, or \(clears)"
    case .classNotAllowed where reason.clearsAt != nil: "it ends \(clears), or use a lower class"
    case .classNotAllowed: "use a service or a lane of a class that it admits"
    case .laneNotAllowed: "name a shared lane, or one that is reserved for this tenant"
    case .isolationTooWeak: "ask for less isolation, or for whole devices"
    case .policyMissing: "activate a policy first"
    case .serviceUnknown: "use a service of this tenant, or add it to the policy"
    case .runtimeTooLong: "lower runtime_max_seconds, or name a lane with longer leases"
    case .costUnknown: "write estimate.seconds, or add a rule to cost_model"
    case .bucketMissing: "give the tenant a bucket in the policy"
    case .lendingRefused:
      "allow an interruption with a short grace, shorten the runtime, or name another lane"
    case .approvalMissing where reason.clearsAt == nil: "name another approver of the policy"
    case .approvalMissing: "ask one of the approvers of its service"
    case .planMissing: "write the hash of the plan as plan"
    case .approverNotAllowed, .approverInvolved: "ask another of the approvers of its service"
    case .planMismatch: "read the claim's own plan, and approve that"
    case .approvalLapsed: "submit the claim again"
    case .delegationWider: "give less, or have its own giver raise it first"
    case .delegationTooDeep: "have an earlier one in the row give it"
    case .budgetUnknown: "check the name, or have the delegation given first"
    case .rungNotCheaper: "lower its share, devices, lanes or runtime, or leave it out"
    case .rungRaisesAutomation: "name an automation that is no higher"
    case .preferenceTooRisky: "leave the trigger preference out, or judge the risk anew"
    case .rungUnknown: "read the service's ladder again; it may have changed"
    case .cheaperPreferred: "leave the rung out of accept_rungs to be served as asked"
    case .queueTimeOver: "name more lanes, or accept more rungs"
    case .quotesNotGiven: "submit the claim; its answer states a price, too"
    case .quoteTooLong: "ask for less time, or leave for_seconds out"
    case .quoteUnknown: "check the name, or ask for a quote first"
    case .quoteMismatch:
      "submit as the same principal the service, action, model class, demand, lanes, runtime,"
        + " estimate and interruption that were quoted"
    case .quoteRedeemed, .quoteWithdrawn, .quoteExpired: "ask for a new quote"
    case .quoteExceeded: "ask for a new quote, or submit the claim without one"
    default: ""
    }
  }

  private var infeasibleAdvice: String {
    switch reason.code {
    case .priceExceedsCap: "split the work, use a cheaper lane, or ask for a larger burst"
    case .profileAbsent: "name a lane whose pool has such devices, or add a node that has them"
    case .noNodeLargeEnough, .hostTooSmall, .hostMemoryTooSmall:
      "ask for less on one node, or add a larger node"
    case .deviceTooSmall: "ask for less memory, or name a lane with larger devices"
    case .gangTooLarge:
      "ask for fewer members, or for less nearness (together), or add nodes to the lane"
    case .deadlineImpossible: "move the deadline, or lower the estimate"
    case .arithmeticOverflow: "shorten the runtime, or ask for less"
    case .fieldOutOfRange: "compare the request with its schema"
    default: ""
    }
  }

  private var waitingAdvice: String {
    switch reason.code {
    case .bucketShort: "wait, use a smaller or shorter claim, or ask for a larger refill"
    case .budgetSpent: "ask for less, or ask its giver to raise the limit"
    case .emergencyClosed: "where it is one, ask two of its approvers to open it"
    case .inDebt: "wait until the refill has paid it"
    case .behindParked: "wait: claims of one bucket are served in order"
    case .laneFull: "wait, ask for less, or name more lanes"
    case .fragmented:
      "wait, ask for less on one node, or share across tenants (share_across_tenants of the lane,"
        + " sharing any-tenant of the claims)"
    case .memoryShort: "wait, or ask for less memory"
    case .hostMemoryShort: "wait, or ask for less host_memory_gib"
    case .hostShort: "wait, or ask for less cpu_milli"
    case .lendingLimit, .borrowingLimit: "wait, ask for less, or name more lanes"
    case .guaranteeImpaired: "see the lane's other reasons; add devices where there are too few"
    case .boundInUse: "wait until those leases end"
    case .victimsShielded, .preemptionRateSpent: "wait, or name more lanes"
    case .preempted: "save the work and stop; the claim waits again, at its old place"
    case .behindHead:
      "wait: a lane is served in order, and before its head only what does not delay it"
    case .wouldDelayHead: "wait, or ask for a shorter runtime_max_seconds to run in the gap"
    default: ""
    }
  }

  private var stateAdvice: String {
    switch reason.code {
    case .nodeCordoned: "uncordon the node when its maintenance is over"
    case .nodeSilent: "look at the agent; fence the node if it is lost"
    case .deviceUnhealthy: "look at the node's devices and at what is approved for it"
    case .recovering: "wait for the agent's full report"
    case .classPaused: "come back when the pressure is gone, or accept a rung in another pool"
    case .poolPressure, .queueDeep, .waitPredicted, .signalRaised:
      "it may be served as asked again when the pressure is gone"
    case .dependencyDown: "look at the dependency; report it up when it works again"
    case .queueFull, .tenantQueueFull: "come back when claims have been served, or cancel some"
    case .workflowFull: "let its claims end first; look for a loop that spawns claims"
    case .tableFull: "let claims end, or make the pool with larger limits"
    case .tenantQuotesFull: "redeem some, or wait until some have expired and are forgotten"
    case .unknownSubject: "check the name or id"
    case .duplicateKey: "choose another name"
    case .fencingStale: "stop: this holder's right has ended"
    case .wrongState: "ask for the status first"
    case .generationStale: "use a higher generation or sequence"
    case .advertisementIncomplete: "report again when every device can be listed"
    case .malformed:
      "look for a device that changed its kind; else the reader of documents erred: report it"
    default: ""
    }
  }
}
