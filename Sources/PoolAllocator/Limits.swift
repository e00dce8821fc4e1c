/// Every bound of a pool, in one place, each with its unit and its why.
///
/// The `static` ones shape types and are fixed; the stored ones size tables and queues and are set
/// when the pool is made. Nothing in the core grows past what stands here.
public struct Limits: Hashable, Sendable {
  // MARK: fixed by the shape of the types

  /// Lanes alive at once: a `LaneSet` is one machine word. Unit: lanes.
  public static let lanes = 64
  /// Devices that one member of a claim may take: the largest boards in use link 16. Unit: devices.
  public static let devicesPerMember = 16
  /// Members of a claim, a lease each: 64 nodes of 8 or 16 GPUs are a large training run, and one
  /// grant of them stays far below `stepsPerCommand`. Unit: members.
  public static let members = 64
  /// Devices of one node: 16 GPUs of 7 instances each, the GPUs, 8 CPU sets. Unit: devices.
  public static let devicesPerNode = 136
  /// Labels of one node. Unit: labels.
  public static let labelsPerNode = 4
  /// Hardware profiles that may be approved for one node. Unit: profiles.
  public static let profilesPerNode = 4
  /// Buckets on one path: tenant, application, class, action. Unit: buckets.
  public static let bucketsPerPath = 4
  /// Delegations given out of each other: a person, an agent, its sub-agent and a tool. With the
  /// buckets they are what one lease pays from. Unit: delegations.
  public static let delegationDepth = 4
  /// Reasons that one decision carries; the rest is cut, first by precedence. Unit: reasons.
  public static let reasons = 16
  /// Leases of one node: what bounds the work that one node's report or loss can cause. Unit:
  /// leases.
  public static let leasesPerNode = 512
  /// Steps that one command may take: the fullest node's report moves 136 devices and ends 512
  /// leases in 5 steps each, and that must fit. Unit: events.
  public static let stepsPerCommand = 4_096
  /// Interned sets of lanes, one queue each. Unit: queue groups.
  public static let queueGroups = 256
  /// Claims behind the head of a lane that are tried in the gap before it, for each grant: enough
  /// to find small work, few enough for the time of a tick. Unit: claims.
  public static let backfillDepth = 32
  /// Nodes whose leases are looked at to find where a head can start first; the others end later as
  /// a whole, though one of their devices may be free before. Unit: nodes.
  public static let pinProbes = 32
  /// Claims whose kept devices a gang may have instead: each look at one may scan the lane. Unit:
  /// claims.
  public static let gangPinProbes = 4
  /// Other ways to ask for a claim that are tried for one answer: each costs as much as a
  /// submission. Unit: claims.
  public static let alternativeTrials = 128
  /// Rungs of one ladder: one bit each in what a claim accepts, and more steps down than anyone has
  /// described. Unit: rungs.
  public static let rungs = 6
  /// Rungs of all ladders: they are counted by trigger. Unit: rungs.
  public static let rungsInAll = 1_024
  /// Gauges of a policy: four for each lane, all read in each tick. Unit: gauges.
  public static let gauges = 256
  /// Dependencies that are not up at once: each is looked at one after the other. Unit:
  /// dependencies.
  public static let dependencies = 64
  /// Waiting claims of its own tenant that are counted before one whose bound is asked; behind more
  /// it is told none. Unit: claims.
  public static let ownWork = 64
  /// Waiting claims of an owner for which its lent devices are taken back at one time; those after
  /// them follow as soon as one of them has started. Unit: claims.
  public static let reclaimDepth = 1_024
  /// Times that one claim may be preempted by more urgent classes; after that it is left alone, and
  /// borrows no more. Unit: preemptions.
  public static let preemptionsPerClaim = 2
  /// One class of distance is enough where the work would run on for this many times the longest
  /// runtime of the claim that takes its devices: it loses little and gains much. Unit: ratio.
  public static let shortJobFactor = 4
  /// Greatest burst of a lane's preemptions, and greatest number per hour: more is no limit, and
  /// in nanoseconds of an hour it still fits 63 bits. Unit: leases.
  public static let preemptionsPerHour: UInt32 = 1_000_000
  /// Leases of each class that are looked at for one claim, those with the least work to lose
  /// first; their nodes are where it may go. Unit: leases.
  public static let preemptionLooks = 64
  /// Nodes among them that are looked at, at about 3 µs each. Unit: nodes.
  public static let preemptionProbes = 16
  /// Claims of one line for which devices are held at once. Unit: claims.
  public static let preemptionHolds = 16
  /// Leases of one node that may have to go; of more, those with the least to lose: a set of them
  /// is one machine word. Unit: leases.
  public static let preemptionLeases = 64
  /// Leases of one node up to which the best set is searched for and not only a good one. Unit:
  /// leases.
  public static let preemptionExact = 12
  /// Sets that are tried for one claim before good ones are enough: about 0.1 ms. Unit: sets.
  public static let preemptionSets = 1_024
  /// Lines of a lane behind its head that are looked at for claims that may preempt. Unit: lines.
  public static let preemptionLines = 64
  /// Claims for which no devices were found before a look at a lane gives up. Unit: claims.
  public static let preemptionTrials = 4
  /// Claims for which one plan makes room: each is a search of its own. Unit: claims.
  public static let moveClaims = 64
  /// Nodes of one search whose leases are tried elsewhere, and the same node again without a lease
  /// that has no place: each places some leases anew. Unit: trials.
  public static let moveProbes = 24
  /// Sets of leases that are tried for one claim before good ones are enough. Unit: sets.
  public static let moveSets = 4_096
  /// Time between the claim of an owner and the order to give a lent device back that reaches the
  /// agent: a tick and a message. Part of every promise to reclaim. Unit: nanoseconds.
  public static let orderDelay = Span.seconds(1)
  /// Principals that may approve the work of one service: a list that a person can read, looked
  /// through for each approval. Unit: principals.
  public static let approvers = 64
  /// Actions of one service that need an approval, looked through for each submission. Unit:
  /// actions.
  public static let guardedActions = 64
  /// Chain depth of a claim's ancestry: deeper is a loop in all workloads seen. Unit: claims.
  public static let chainDepth = 32
  /// Attempts of one piece of work as its caller counts them. Unit: attempts.
  public static let attempts = 100
  /// Grants of one claim that may fail to start or lose their node before it ends. Unit: grants.
  public static let startAttempts = 3
  /// Greatest weight of a profile or a job, 100.000. With 1,024,000 milli-cores a claim's rate then
  /// stays below 2⁶³. Unit: thousandths.
  public static let weightMilli: Int32 = 100_000
  /// Greatest weight of a tenant, 1,000.000: a larger ratio is a typing error. Unit: thousandths.
  public static let tenantWeightMilli: Int32 = 1_000_000
  /// Greatest device: 1,024 cores of one CPU set. Unit: thousandths of a device or core.
  public static let deviceMilli: Int32 = 1_024_000
  /// Longest span that a policy or claim may name, 366 days: anything longer is a typing error and
  /// would let prices pass 2⁵³. Unit: nanoseconds.
  public static let spanMax = Span.seconds(366 * 86_400)
  /// Greatest step of pool time between two commands that is believed; a longer one is a clock that
  /// jumped, and is credited as this. Loops tick every second. Unit: nanoseconds.
  public static let clockStepMax = Span.seconds(3_600)
  /// Greatest number of tokens, or of tool calls times depth, in an estimate; 2⁴⁰ of either at the
  /// longest span each stays within 128 bits. Unit: tokens, calls.
  public static let workMax: Int64 = 1 << 40
  /// Greatest amount of memory: 2⁵⁰ bytes = 1 PiB. Unit: bytes.
  public static let memoryMax = Bytes(1 << 50)
  /// Suspect nodes are ready again after this many signs of life in a row. Unit: messages.
  public static let heardToBeReady: UInt8 = 2
  /// Kinds of work in the mix by which places are scored, given or learned: all of them are looked
  /// at for each place, or whenever values are worked out. Unit: kinds.
  public static let mixKinds = 512
  /// Points of nodes that are kept for demands that come again, for all demands together: 128 MiB.
  /// Unit: points.
  public static let scoreLeaves = 1 << 24
  /// Demands that do without while there is no room for their points, before all others' are given
  /// up. Unit: lookups.
  public static let scoreRefusals = 4_096
  /// Nodes with the most points that have no place after all, before every node is looked at. Unit:
  /// nodes.
  public static let scoreProbes = 64
  /// Changes of nodes that are kept for those points, in each lane; twice as many as nodes, where
  /// that is more. Unit: changes.
  public static let scoreNotes = 4_096
  /// Changes that a question looks at itself; with more it looks at every node. Unit: changes.
  public static let scoreUnread = 64
  /// Claims that the kinds of a mix stand for, 2²⁶; with a node's 16 GPUs in millionths of
  /// thousandths that stays below 2⁶³. Unit: claims.
  public static let mixPopulation: Int64 = 1 << 26
  /// Sizes of nodes with 8 GPUs or more for which room is kept for a gang that never came; of more,
  /// those of the first nodes. Unit: sizes.
  public static let nodeShapes = 64
  /// Measured values kept, one for each measure and subject. Unit: measurements.
  public static let signals = 1_024
  /// Factors by which an estimate may be corrected, 0.100 … 10.000: what is further off is no
  /// estimate, and is to be mended where it is made. Unit: thousandths.
  public static let correctionMilli: ClosedRange<Int32> = 100...10_000

  // MARK: sized per pool

  /// Nodes. Unit: nodes.
  public var nodes = 100_000
  /// Devices of all nodes, parts of CPU sets counted apiece. Unit: devices.
  public var devices = 1_600_000
  /// Tenants. Unit: tenants.
  public var tenants = 10_000
  /// Buckets of all tenants. Unit: buckets.
  public var buckets = 40_000
  /// Budgets of delegations, closed ones included while they are remembered. Unit: budgets.
  public var budgets = 40_000
  /// How long a closed delegation is remembered, so that a late caller is told why. Unit:
  /// nanoseconds.
  public var delegationMemory = Span.seconds(86_400)
  /// Applications, workflows and principals with a live claim or a restriction. Unit: identities.
  public var identities = 400_000
  /// Claims queued, parked and running. Unit: claims.
  public var claims = 500_000
  /// Leases that hold a device. Unit: leases.
  public var leases = 500_000
  /// Corrections in force: four model classes of one service for each tenant. Unit: corrections.
  public var corrections = 40_000
  /// Quotes, ended ones included while they are remembered. Unit: quotes.
  public var quotes = 40_000
  /// How long a quote that ended is remembered, so that a late caller is told why. Unit:
  /// nanoseconds.
  public var quoteMemory = Span.seconds(60)
  /// Claims that wait, in all queues together. Unit: claims.
  public var queuedClaims = 100_000
  /// Claims that wait, of one tenant; a policy may set less. Unit: claims.
  public var queuedClaimsPerTenant = 10_000
  /// Claims of one root workflow that live at once: a loop that spawns is stopped. Unit: claims.
  public var liveClaimsPerWorkflow = 1_000
  /// Steps after which a `tick` says that more is due, 1 at least. One step is one decision, about
  /// 0.1 ms at most where a long queue waits, and commands come between two ticks. Unit: events.
  public var stepsPerTick = 256
  /// How long a silent node stays suspect before its devices are quarantined. Unit: nanoseconds.
  public var silentAfter = Span.seconds(30)

  /// The defaults.
  public init() {}
}
