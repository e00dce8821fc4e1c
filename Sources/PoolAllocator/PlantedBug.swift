/// Mistakes that a build with `-DPLANTED_BUGS` can be told to make, one at a time: proof that the
/// checks of the simulator would see them (docs/decisions/0035). No other build has any.
///
/// What each does, which part it breaks and what it stands for is in `PlantedBug.facts`.
@usableFromInline
package enum PlantedBug: String, Sendable {
  // Numerics.
  case refillWraps, refillForgetsRest, hintLate, roundsEachPart, memoryIsFree, untypedRequest,
    zeroIsUnlimited
  // Bucket atomicity.
  case sparesParents, asksLeafOnly, denialCharges, reservesLater, forgetsRunning, waitsAboveCap,
    debtUnbounded, activationForgetsRefill
  // Terminal entries.
  case refundsTwice, keepsUnused, lossUnsettled, billsUnstarted, billsWholeQuantum,
    billsPreempted, forfeitUnbooked
  // Order.
  case lastComeFirst, requeuesAtBack, skipsAhead, pinsMoveLater, queueWithoutBound
  // Ageing.
  case neverAges, agesParked
  // Fairness.
  case ignoresWeight, savesTurns, refundBelowFloor
  // Parking.
  case smallOvertakesParked, parkedSleepOn, heldForever
  // Lending.
  case lendsTooLong, renewsLentTooLong, lendsTooMuch, ownerWaits
  // Bound cells.
  case guaranteeBySum, strangersTakeCells, unalignedCells
  // Gang atomicity.
  case gangInParts, gangOutlivesMember, ignoresTopology
  // MIG geometry.
  case slotsBySum, slotsOverlap
  // Placement.
  case fitsOnSums, nominalMemory, sharesDespiteLane, ignoresEnforcement, ignoresLeaseMax,
    cordonIgnored
  // Preemption legality.
  case preemptsTooNear, ignoresShield, evictsTooMany
  // Holds.
  case heldGivesWay
  // Fencing.
  case obeysOlderHolder, agentForgetsFences, agentRunsOn
  // Quarantine.
  case silenceProvesEmpty, deadlineProvesEmpty, takesStaleReport, oldReportProves,
    readyBeforeReport
  // Idempotency.
  case forgetsAnswers, oneNameTwoRequests
  // Replay.
  case repliesBeforeDurable, journalForgetsRest, believesAlteredRecord, changesUnrecorded,
    believesClockJump
  // Hash order.
  case tiesByHash
  // Delegations.
  case budgetSparesGivers, revocationSparesHeirs, approvesOwnPlan
  // Degradation.
  case takesUnacceptedRung, breaksQuote
}

#if PLANTED_BUGS
  /// The mistake that is made now; set before anything runs.
  @safe nonisolated(unsafe) package var activeBug: PlantedBug?

  /// Whether a mistake is to be made.
  @inline(__always)
  package func planted(_ bug: PlantedBug) -> Bool { activeBug == bug }

  /// What hash tables of this process are seeded with.
  @safe nonisolated(unsafe) package var processSalt: UInt32 = 0

  /// A row as a hash table would order it.
  func salted(_ row: UInt32) -> UInt32 { row ^ processSalt }

  extension PlantedBug: CaseIterable {
    /// What is known of one.
    package struct Fact: Sendable {
      /// The mistake.
      package let bug: PlantedBug
      /// What it breaks.
      package fileprivate(set) var part = ""
      /// The rule, and the bug that users of another system reported where the rule has one.
      package let cites: String
      /// What goes wrong.
      package let sentence: String

      fileprivate init(_ bug: PlantedBug, _ cites: String, _ sentence: String) {
        self.bug = bug
        self.cites = cites
        self.sentence = sentence
      }
    }

    /// All of them, part by part.
    package static let facts: [Fact] =
      numerics + bucketAtomicity + terminalEntries + order + ageing + fairness + parking
      + lending + boundCells + gangAtomicity + migGeometry + placement + preemptionLegality
      + holds + fencing + quarantine + idempotency + replay + hashOrder + delegations
      + degradation

    private static func list(_ part: String, _ facts: [Fact]) -> [Fact] {
      facts.map { fact in
        var fact = fact
        fact.part = part
        return fact
      }
    }

    private static let numerics = list(
      "numerics",
      [
        Fact(
          .refillWraps, "1.1 Kueue's overflow bugs",
          "Time × rate of a refill is multiplied in 64 bits and wraps."),
        Fact(
          .refillForgetsRest, "2.1 poll independence",
          "What is left below a whole credit is dropped whenever somebody looks."),
        Fact(
          .hintLate, "2.5 exact retry hint",
          "The moment to come back is a second too late."),
        Fact(
          .roundsEachPart, "1.1 additivity of prices",
          "Every quantum is rounded up, not the last one alone."),
        Fact(
          .memoryIsFree, "1.2 billed share",
          "A share of a GPU is billed by its time alone, however much memory it takes."),
        Fact(
          .untypedRequest, "1.3 Slurm's untyped request",
          "A claim for several lanes pays the price of the first, whichever it gets."),
        Fact(
          .zeroIsUnlimited, "1.4 sentinels of KAI and Kueue",
          "A bucket whose refill is 0 counts as one without a limit."),
      ])

    private static let bucketAtomicity = list(
      "bucket atomicity",
      [
        Fact(
          .sparesParents, "2.2 Slurm, LiteLLM: all ancestors pay",
          "A grant is charged to the last bucket of its path alone."),
        Fact(
          .asksLeafOnly, "2.2 Slurm, LiteLLM: all ancestors must afford",
          "Only the last bucket of a path is asked whether it can pay."),
        Fact(
          .denialCharges, "2.2 Envoy ratelimit #427",
          "A renewal that is denied is charged all the same."),
        Fact(
          .reservesLater, "2.6 LiteLLM #34732",
          "A grant looks at the buckets and takes nothing from them."),
        Fact(
          .forgetsRunning, "2.8 renewals before grants",
          "A grant leaves nothing for the next quantum of what runs."),
        Fact(
          .waitsAboveCap, "2.4 Armada, jaeger: above the cap",
          "A claim whose price no bucket ever holds waits for it instead of being refused."),
        Fact(
          .debtUnbounded, "2.8 bounded debt",
          "A renewal may take a bucket below its debt bound."),
        Fact(
          .activationForgetsRefill, "2.11 policy change",
          "What a bucket gained since its last posting is lost when a policy comes into force."),
      ])

    private static let terminalEntries = list(
      "terminal entries",
      [
        Fact(
          .refundsTwice, "2.6 LiteLLM #35568: doubled",
          "What a quantum did not use is given back twice."),
        Fact(
          .keepsUnused, "2.6 LiteLLM #30522: missing",
          "A quantum that was paid ahead is not given back when the lease stops."),
        Fact(
          .lossUnsettled, "2.6 LiteLLM #30522: on every path",
          "A lease that is lost with its node never settles its quantum."),
        Fact(
          .billsUnstarted, "2.7 no start, full refund",
          "A lease that never started is billed from its grant on."),
        Fact(
          .billsWholeQuantum, "2.7 actual time",
          "A lease that stops early is billed to the end of what is paid."),
        Fact(
          .billsPreempted, "2.7 preempted: refund",
          "A preempted lease pays for work that is lost with it."),
        Fact(
          .forfeitUnbooked, "2.6 refund above the cap",
          "What a refund would lift above the cap vanishes from the books."),
      ])

    private static let order = list(
      "order",
      [
        Fact(
          .lastComeFirst, "4.3 kueue#2821: one total order",
          "Within a line, who came last goes first."),
        Fact(
          .requeuesAtBack, "4.3 kueue#2821: re-queue keeps the place",
          "A claim that lost its lease queues as if it had just come."),
        Fact(
          .skipsAhead, "4.4 gangs starved under greedy skipping",
          "Whoever fits runs, however late that makes the planned start of the head."),
        Fact(
          .pinsMoveLater, "4.4 a pin moves only earlier",
          "A planned start is put off when a new plan is later."),
        Fact(
          .queueWithoutBound, "7.6 bounded queues",
          "The queue of a tenant has no limit."),
      ])

    private static let ageing = list(
      "ageing",
      [
        Fact(
          .neverAges, "4.1 a light tenant waited 60,000 s",
          "The level of a waiting claim never rises."),
        Fact(
          .agesParked, "4.3 eligible time only",
          "Time in the parking, and under a lease, counts as waiting."),
      ])

    private static let fairness = list(
      "fairness",
      [
        Fact(
          .ignoresWeight, "4.2 price / weight",
          "A tenant's counter grows by the price, whatever its weight."),
        Fact(
          .savesTurns, "4.2 lifted to the floor",
          "A tenant that stays away saves up turns."),
        Fact(
          .refundBelowFloor, "4.2 a refund lowers to the floor",
          "A refund takes a tenant's counter below the floor."),
      ])

    private static let parking = list(
      "parking",
      [
        Fact(
          .smallOvertakesParked, "2.9 strictly in order",
          "A small claim drains the bucket under a large one that is parked on it."),
        Fact(
          .parkedSleepOn, "2.9 parked claims leave",
          "The timer of a parking is not set anew when its bucket is paid."),
        Fact(
          .heldForever, "7.7 a restriction ends by itself",
          "What a restriction held stays held when it ends."),
      ])

    private static let lending = list(
      "lending",
      [
        Fact(
          .lendsTooLong, "3.3 lend only what is back in time",
          "A lane is lent to work that cannot be gone in the promised time."),
        Fact(
          .renewsLentTooLong, "3.3 checked at each renewal",
          "The promise to the owner is not looked at when a borrower renews."),
        Fact(
          .lendsTooMuch, "3.3 lending limit",
          "The lending limit of a lane is not looked at."),
        Fact(
          .ownerWaits, "3.3 the owner goes first",
          "The owner of a lent lane queues behind its borrowers."),
      ])

    private static let boundCells = list(
      "bound cells",
      [
        Fact(
          .guaranteeBySum, "3.2 HiveD: cells, not sums",
          "A guarantee counts as whole while its devices are bound, sound or not."),
        Fact(
          .strangersTakeCells, "3.2 kueue#5243: the owner's share fragmented",
          "A reserved lane that is not lent is open to anybody."),
        Fact(
          .unalignedCells, "3.2 HiveD: aligned groups",
          "A cell begins at any device, not at a multiple of its size."),
      ])

    private static let gangAtomicity = list(
      "gang atomicity",
      [
        Fact(
          .gangInParts, "5.3 all members in one step",
          "A gang starts with as many members as there is room for."),
        Fact(
          .gangOutlivesMember, "5.3 whole or not at all",
          "When one member stops, the others run on."),
        Fact(
          .ignoresTopology, "5.3 required topology",
          "Members that must be near to one another go anywhere."),
      ])

    private static let migGeometry = list(
      "MIG geometry",
      [
        Fact(
          .slotsBySum, "5.2 kueue#10108: the slot mask",
          "A new instance may take slots that a lease still holds."),
        Fact(
          .slotsOverlap, "5.2 kueue#10108: four 1g ≠ one 4g",
          "Instances of one GPU may overlap as long as each is sound."),
      ])

    private static let placement = list(
      "placement",
      [
        Fact(
          .fitsOnSums, "5.1 kai#2153, HAMi: on sums",
          "A node's processor time and memory are not looked at, only its devices."),
        Fact(
          .nominalMemory, "5.1 kai#2212: usable bytes",
          "A GPU is taken to have the memory of its profile, not what its driver reports."),
        Fact(
          .sharesDespiteLane, "5.5 different tenants share only at MIG",
          "Tenants that agree share a GPU, whatever the lane says."),
        Fact(
          .ignoresEnforcement, "5.5 enforcement",
          "What a node enforces is not looked at."),
        Fact(
          .ignoresLeaseMax, "3.1 leaseMax",
          "A lane takes work that runs longer than its leases may."),
        Fact(
          .cordonIgnored, "5.1 a cordoned node",
          "A node that is cordoned or drained receives leases."),
      ])

    private static let preemptionLegality = list(
      "preemption legality",
      [
        Fact(
          .preemptsTooNear, "6.1 preemptionDistance",
          "A class preempts one that is a class too near."),
        Fact(
          .ignoresShield, "6.3 minimum run",
          "Work is preempted before it ran as long as it is let alone."),
        Fact(
          .evictsTooMany, "6.2 the final set is re-checked",
          "Everybody that may be preempted on a node is, needed or not."),
      ])

    private static let holds = list(
      "holds",
      [
        Fact(
          .heldGivesWay, "6.2 kueue#13662: held for the preemptor",
          "Devices for which others were stopped go to whoever comes before.")
      ])

    private static let fencing = list(
      "fencing",
      [
        Fact(
          .obeysOlderHolder, "8.1 fencing numbers",
          "An order with another fencing number is obeyed."),
        Fact(
          .agentForgetsFences, "8.1 the agent's durable table",
          "An agent that starts anew forgets the fencing numbers that it saw."),
        Fact(
          .agentRunsOn, "8.1 a lease is not a lock",
          "An agent lets a lease run past its end."),
      ])

    private static let quarantine = list(
      "quarantine",
      [
        Fact(
          .silenceProvesEmpty, "8.2 unreachable ≠ free",
          "A lease of a silent node ends, with its devices, once it ran out."),
        Fact(
          .deadlineProvesEmpty, "8.2 three proofs of emptiness",
          "A lease ends at its kill deadline, whatever still lives."),
        Fact(
          .takesStaleReport, "8.3 stale reports are dropped",
          "A report that is older than the last one is taken in."),
        Fact(
          .oldReportProves, "8.2 a report at our fencing number",
          "A report that was made before it was asked for counts as proof."),
        Fact(
          .readyBeforeReport, "8.4 no lease before the re-report",
          "After a restart nodes are ready without having reported."),
      ])

    private static let idempotency = list(
      "idempotency",
      [
        Fact(
          .forgetsAnswers, "8.5 one effect",
          "A request that is repeated is carried out again."),
        Fact(
          .oneNameTwoRequests, "8.5 same key, other body",
          "Another request under a known name gets the answer of the first."),
      ])

    private static let replay = list(
      "replay",
      [
        Fact(
          .repliesBeforeDurable, "8.6 durable before the reply",
          "Replies go out before their records are durable."),
        Fact(
          .journalForgetsRest, "9.4 the journal is the state",
          "The journal does not keep what a settlement carries on."),
        Fact(
          .believesAlteredRecord, "8.6 damage is refused",
          "A record that does not match its checksum is read all the same."),
        Fact(
          .changesUnrecorded, "9.4 one record per change",
          "A lane is laid to rest without an event."),
        Fact(
          .believesClockJump, "2.1 forward jumps are clamped",
          "A forward jump of the clock is believed as a whole."),
      ])

    private static let hashOrder = list(
      "hash order",
      [
        Fact(
          .tiesByHash, "T1 same seed, same bytes",
          "Among lanes of one price the order is that of a hash table.")
      ])

    private static let delegations = list(
      "delegations",
      [
        Fact(
          .budgetSparesGivers, "2.2 spent ≤ limit on every ancestor",
          "A budget that was given out of another is not counted there."),
        Fact(
          .revocationSparesHeirs, "9.2 revocation closes the subtree",
          "What was given out of a revoked delegation stays open."),
        Fact(
          .approvesOwnPlan, "9.2 approval by another",
          "Who asks for something may approve it."),
      ])

    private static let degradation = list(
      "degradation",
      [
        Fact(
          .takesUnacceptedRung, "7.4 callers that opted in",
          "A claim is put on a rung that its caller does not accept."),
        Fact(
          .breaksQuote, "7.3 a quote fixes a price",
          "A claim pays more than it was quoted."),
      ])
  }
#else
  /// Whether a mistake is to be made: never, so that nothing of it is in the build.
  @inlinable @inline(__always)
  package func planted(_ bug: PlantedBug) -> Bool { false }

  /// A row; there is no hash table.
  func salted(_ row: UInt32) -> UInt32 { row }
#endif
