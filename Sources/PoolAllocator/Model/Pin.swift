/// Concrete devices kept for a waiting claim, and when it can have them at the latest: whatever
/// else runs on them has ended by then (SEMANTICS 4.4).
public struct Pin: BitwiseCopyable, Sendable {
  /// The lane of the devices.
  public let lane: LaneID
  /// The machine of the first member.
  public let node: NodeID
  /// The devices, member by member, as a run of the pool's arena.
  let uses: Span32
  /// Members for which devices are kept.
  public let members: UInt16
  /// Processor time kept beside the devices of each member.
  let cpu: MilliCPU
  /// Host memory kept beside them.
  let hostMemory: Bytes
  /// The claim starts by then, unless nodes fail, operators intervene or a claim that goes before
  /// it takes the devices; then `claimUnpinned` says why.
  public let starts: Instant
  /// Whether others were stopped for it: what is kept then gives way to no other claim.
  public let isHeld: Bool
}
