/// How the place of a claim is chosen among all that have room for it.
public struct PlacementRule: Hashable, Sendable {
  /// What makes one place better than another.
  public enum Score: UInt8, BitwiseCopyable, CaseIterable, Sendable {
    /// The tightest fit in the first lane that has room.
    case bestFit
    /// What takes least from the work to be expected, among all lanes that cost the claim the same:
    /// the least growth of free GPU time that the mix could not use.
    case fragmentation
    /// What takes least of what free room is worth to the work to be expected, among all lanes that
    /// cost the claim the same. Room is worth the offers of work that it can still take, and more
    /// where few others could take them. A mix that is not given is learned from claims as they
    /// come in.
    case offerValue
  }

  /// What makes one place better than another.
  public var score = Score.bestFit
  /// The work to be expected; `bestFit` does without, and `offerValue` may.
  public var mix: [MixKind] = []

  /// Makes the rule that takes the tightest fit.
  public init() {}

  /// Makes a rule.
  public init(score: Score, mix: [MixKind]) {
    self.score = score
    self.mix = mix
  }

  /// Whether the core can rely on it, under a policy of so many pools.
  func isSound(pools: Int) -> Bool {
    guard mix.count <= Limits.mixKinds, score != .fragmentation || !mix.isEmpty else {
      return false
    }
    let known: UInt64 = pools >= 64 ? .max : (1 << UInt64(pools)) - 1
    var population: Int64 = 0
    for kind in mix {
      population += Int64(kind.popularity)
      let usesGPUs = kind.share.value > 0
      guard kind.popularity > 0, population <= Limits.mixPopulation,
        0...1000 ~= kind.share.value, 0...Limits.deviceMilli ~= kind.cpu.value,
        (usesGPUs ? 1...Limits.devicesPerMember : 0...0) ~= Int(kind.devices),
        kind.pools & ~known == 0, usesGPUs || kind.pools == 0 && kind.cpu.value > 0
      else { return false }
    }
    return true
  }
}

/// One kind of work in the mix that is expected.
public struct MixKind: BitwiseCopyable, Hashable, Sendable {
  /// How often it comes, beside the other kinds. Unit: claims.
  public var popularity: UInt32
  /// GPUs of one claim, on one node; 0 where it uses processor time alone.
  public var devices: UInt8
  /// Share of each GPU, 1,000 for whole ones; 0 where it uses processor time alone.
  public var share: MilliGPU
  /// Processor time of the node.
  public var cpu: MilliCPU
  /// Pools whose GPUs it accepts: bit n stands for `CompiledPolicy.pools[n]`.
  public var pools: UInt64

  /// Makes a kind.
  public init(
    popularity: UInt32, devices: UInt8, share: MilliGPU, cpu: MilliCPU, pools: UInt64
  ) {
    self.popularity = popularity
    self.devices = devices
    self.share = share
    self.cpu = cpu
    self.pools = pools
  }
}
