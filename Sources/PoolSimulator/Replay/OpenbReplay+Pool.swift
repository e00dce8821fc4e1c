public import PoolAllocator

/// The machines and pods of an openb trace as the production allocator sees them: each GPU model
/// is a profile with a pool and a shared lane, and the processors of all nodes are one more.
///
/// There is one tenant with more credits than it can spend and room for one claim that waits: a
/// claim starts at once or is withdrawn. All lanes cost the same, so that price prefers none.
extension OpenbReplay {
  private enum Kind: UInt64 {
    case profile = 1
    case pool, lane, service, tenant, bucket, node, boot, device, claim, action, model
  }

  private static func key(_ kind: Kind, _ number: Int) -> Key {
    Key(high: kind.rawValue, low: UInt64(number) + 1)
  }

  /// Devices of one node in the numbers of their keys: GPUs, then its processors.
  private static let devicesPerNode = Int(OpenbNodes.gpusMax) + 1
  /// Memory of every GPU: the trace says nothing of it, and no pod asks for any.
  private static let gpuMemory = Bytes(16 << 30)
  /// Longer than any replay: no lease ends.
  private static let runtime = Span.seconds(86_400)

  /// Profiles, pools and lanes have the number of the model; processors come behind the models.
  private var processors: Int { nodes.models.count }

  /// The policy.
  var policy: CompiledPolicy {
    var policy = CompiledPolicy()
    for number in 0...processors {
      let isCPU = number == processors
      policy.profiles.append(
        ProfileRule(
          key: Self.key(.profile, number), kind: isCPU ? .cpu : .gpu, weightMilli: 1_000,
          memory: Self.gpuMemory))
      policy.pools.append(
        PoolRule(key: Self.key(.pool, number), profile: Self.key(.profile, number)))
      policy.lanes.append(
        LaneRule(key: Self.key(.lane, number), pool: UInt16(number), leaseMax: Self.runtime))
    }
    let rule = ClassRule(
      quantum: .seconds(1), startWithin: Self.runtime, killWithin: .seconds(1),
      emptyBucket: .reject, overrun: .stop)
    policy.classes = Array(repeating: rule, count: 4)
    policy.services = [
      ServiceRule(key: Self.key(.service, 0), tenant: nil, serviceClass: .p2)
    ]
    policy.tenants = [TenantRule(key: Self.key(.tenant, 0), queueMax: 1)]
    policy.buckets = [
      BucketRule(
        key: Self.key(.bucket, 0), tenant: 0, cap: Credits(Credits.limit), refillPerSecond: .zero)
    ]
    policy.placement = placement
    return policy
  }

  /// The pool with its policy in force and its nodes reported.
  /// - Parameter isMovable: whether leases may be interrupted, and run on for as long as they do.
  func emptyPool(isMovable: Bool = false) -> Pool {
    var pool = Pool()
    var log = EventLog()
    var policy = policy
    if isMovable {
      let most = Limits.preemptionsPerHour
      policy.preemption = PreemptionRule(distance: 1, burst: most, perHour: most)
      for rank in policy.classes.indices { policy.classes[rank].quantum = Self.runtime }
    }
    _ = pool.apply(.begin(epoch: 1), at: .origin, into: &log)
    let answer = pool.apply(.activate(PolicyGeneration(1), policy), at: .origin, into: &log).0
    precondition(answer.verdict == .done, "the policy of a replay is sound")
    for (number, node) in nodes.nodes.enumerated() {
      guard
        let id = pool.apply(.enrol(enrolment(of: node, number)), at: .origin, into: &log).0.node
      else { preconditionFailure("a pool has room for the nodes of a trace") }
      _ = pool.apply(.advertise(id, advertisement(of: node, number)), at: .origin, into: &log)
    }
    return pool
  }

  private func profile(of node: OpenbNode) -> Key {
    Self.key(.profile, nodes.models.firstIndex(of: node.model) ?? processors)
  }

  private func enrolment(of node: OpenbNode, _ number: Int) -> Enrolment {
    var approved = [ApprovedDevices(profile: Self.key(.profile, processors), count: 1)]
    if node.gpus > 0 {
      approved.append(ApprovedDevices(profile: profile(of: node), count: UInt16(node.gpus)))
    }
    return Enrolment(key: Self.key(.node, number), rack: nil, approved: approved)
  }

  private func advertisement(of node: OpenbNode, _ number: Int) -> Advertisement {
    let report = NodeReport(
      boot: Self.key(.boot, number), generation: 1, sequence: 1, cpu: MilliCPU(node.cpuMilli),
      hostMemory: Bytes(node.memoryMiB << 20), enforcement: .cgroup)
    var devices = (0..<node.gpus).map {
      DeviceReport(
        key: Self.key(.device, number * Self.devicesPerNode + $0), kind: .gpu,
        profile: profile(of: node), memory: Self.gpuMemory)
    }
    devices.append(
      DeviceReport(
        key: Self.key(.device, number * Self.devicesPerNode + Int(OpenbNodes.gpusMax)), kind: .cpu,
        profile: Self.key(.profile, processors), capacity: MilliGPU(node.cpuMilli),
        memory: Bytes(node.memoryMiB << 20)))
    return Advertisement(report: report, devices: devices)
  }

  /// A pod as a claim.
  func claim(_ number: Int, _ pod: OpenbPod, lanes: [LaneID]) -> ClaimSpec {
    let shape: Demand.Shape =
      pod.gpus == 0
      ? .cpuOnly : pod.gpuMilli == 1_000 ? .whole : .fraction(MilliGPU(pod.gpuMilli), .zero)
    let demand = Demand(
      shape: shape, devices: UInt8(max(1, pod.gpus)), cpu: MilliCPU(pod.cpuMilli),
      hostMemory: Bytes(pod.memoryMiB << 20))
    var accepted = LaneSet.none
    for (index, model) in nodes.models.enumerated()
    where pod.gpus > 0 && (pod.models.isEmpty || pod.models.contains(model)) {
      accepted.insert(lanes[index])
    }
    if pod.gpus == 0 { accepted.insert(lanes[processors]) }
    return ClaimSpec(
      key: Self.key(.claim, number), tenant: Self.key(.tenant, 0), service: Self.key(.service, 0),
      action: Self.key(.action, 0), modelClass: Self.key(.model, 0), demand: demand,
      lanes: accepted, runtimeMax: Self.runtime)
  }

  /// The lanes of the models, then that of the processors.
  func lanes(of pool: Pool) -> [LaneID] {
    (0...processors).compactMap { pool.lane(named: Self.key(.lane, $0)) }
  }

  /// Which node a key of a device belongs to, and which of its GPUs it is; the processors are no
  /// GPU.
  static func place(of device: Key) -> (node: Int, gpu: Int?) {
    let number = Int(device.low) - 1
    let index = number % devicesPerNode
    return (number / devicesPerNode, index < Int(OpenbNodes.gpusMax) ? index : nil)
  }

  /// The pod that a claim stands for, by its row, from 0; nil for a claim that is no pod's.
  public static func pod(of claim: Key) -> Int? {
    claim.high == Kind.claim.rawValue ? Int(claim.low) - 1 : nil
  }
}
