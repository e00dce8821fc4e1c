/// An agent's account of its whole node.
public struct Advertisement: Sendable {
  /// The node as a whole.
  public var report: NodeReport
  /// Whether the agent could list everything; an incomplete account changes nothing.
  public var isComplete: Bool
  /// Every device.
  public var devices: [DeviceReport]
  /// Fencing numbers of the leases whose processes live, or whose outcome is still to be told: any
  /// other lease is lost once a report accounts for its node.
  public var living: [Fencing]

  /// Makes an account.
  public init(
    report: NodeReport, isComplete: Bool = true, devices: [DeviceReport], living: [Fencing] = []
  ) {
    self.report = report
    self.isComplete = isComplete
    self.devices = devices
    self.living = living
  }
}

/// How a holder, or for `lost` the leader, says that its work ended.
public enum Outcome: UInt8, BitwiseCopyable, Sendable {
  /// The work is done.
  case completed
  /// The work failed; the time is billed all the same.
  case failed
  /// Its agent ended it because nobody told it to go on; the time is billed, and the claim waits
  /// again.
  case lost
}

/// Everything that may change a pool. The principal and the request stay in the journal's record.
public enum Command: Sendable {
  // MARK: the pool
  /// First record of every leadership; the epoch must be greater than the last.
  case begin(epoch: UInt32)
  /// Expiry, settlement, unparking, dispatch: does what is due, a bounded number of steps.
  case tick
  /// Puts a policy in force; its generation must be greater than the last.
  case activate(PolicyGeneration, CompiledPolicy)
  /// Records what was measured or learned outside.
  case signal(Signal)
  /// Puts a restriction on one identity, replaces it, or lifts it (nil).
  case restrict(IdentityKind, Key, Restriction?)
  /// Says how something does that work depends on.
  case reportDependency(Key, DependencyState)

  // MARK: nodes
  /// Names a node and what is approved for it.
  case enrol(Enrolment)
  /// Takes an agent's account.
  case advertise(NodeID, Advertisement)
  /// A silent or suspect node was heard. (Heartbeats of ready nodes are not commands.)
  case hear(NodeID)
  /// A ready node was not heard.
  case silence(NodeID)
  /// No new lease on a node.
  case cordon(NodeID)
  /// Ends a cordon or a drain.
  case uncordon(NodeID)
  /// No new lease on a node; running ones end at the deadline.
  case drain(NodeID, deadline: Instant)
  /// An operator vouches that nothing lives on a node that is not ready.
  case fence(NodeID)
  /// Forgets a node without leases.
  case forget(NodeID)

  // MARK: limits
  /// Gives a delegation a budget, or gives a known one another limit or end.
  case delegate(DelegationSpec)
  /// Closes a delegation and all that were given out of it.
  case revoke(Key)
  /// Two principals open the emergency of a bucket for a while.
  case raiseEmergency(BucketID, EmergencyRaise)

  // MARK: claims
  /// Asks for devices.
  case submit(ClaimSpec)
  /// Asks for a price that holds for a while, under a name; without a length, as long as the
  /// policy says.
  case quote(Key, ClaimSpec, lasts: Span?)
  /// Withdraws a claim.
  case cancel(ClaimID)
  /// Another principal approves what a claim plans, by the hash of the plan.
  case approve(ClaimID, by: Key, plan: Key)
  /// Another principal denies it, or takes back an approval that no lease rests on yet.
  case deny(ClaimID, by: Key)

  // MARK: leases
  /// The agent started a lease.
  case confirmStarted(LeaseID, Fencing)
  /// Pays the next quantum.
  case renew(LeaseID, Fencing)
  /// The holder saved its work: a stop loses only what it does from now on.
  case confirmCheckpoint(LeaseID, Fencing)
  /// The holder gives a lease back.
  case release(LeaseID, Fencing, Outcome)
  /// The agent saw that nothing of a lease lives.
  case confirmEmpty(LeaseID, Fencing)
}
