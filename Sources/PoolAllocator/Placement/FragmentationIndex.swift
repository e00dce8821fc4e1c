/// What the expected mix of work could not use of free GPU time, and how much worse a placement
/// makes it: fragmentation gradient descent (Weng et al., "Beware of Fragmentation", USENIX ATC
/// 2023), in integers.
///
/// Derived from the policy's mix. All amounts are thousandths of a GPU times `population`, so that
/// nothing is rounded before points are given.
struct FragmentationIndex: Sendable {
  /// A kind of work as it is compared.
  private struct Kind: BitwiseCopyable, Sendable {
    var share: Int32
    var devices: Int
    var cpu: Int32
    var popularity: Int64
    var pools: UInt64
  }

  /// Kinds that use GPUs, by share. No other kind can use any of what is free.
  private var kinds: [Kind] = []
  /// All kinds' popularity together.
  private(set) var population: Int64 = 0

  init() {}

  init(_ rule: PlacementRule) {
    for kind in rule.mix {
      population += Int64(kind.popularity)
      guard kind.share.value > 0 else { continue }
      kinds.append(
        Kind(
          share: kind.share.value, devices: Int(kind.devices), cpu: kind.cpu.value,
          popularity: Int64(kind.popularity), pools: kind.pools))
    }
    kinds.sort { $0.share < $1.share }
  }

  /// What the mix could not use of some GPUs: for a kind that these GPUs can serve, what is left on
  /// those with too little for one share; for any other kind all that is free.
  /// - Parameters:
  ///   - free: free thousandths of the GPUs of one node in one pool.
  ///   - cpu: free milli-cores of the node.
  /// - Complexity: O(kinds + different shares × GPUs).
  func unusable(of free: [Int32], cpu: Int32, pool: UInt16) -> Int64 {
    var total: Int64 = 0
    for milli in free { total += Int64(milli) }
    guard total > 0 else { return 0 }
    var (share, enough, useful) = (Int32(0), 0, Int64(0))
    var usable: Int64 = 0
    for kind in kinds {
      if kind.share != share {
        (share, enough, useful) = (kind.share, 0, 0)
        for milli in free where milli >= share {
          enough += 1
          useful += Int64(milli)
        }
      }
      // No larger share fits where this one does not.
      if enough == 0 { break }
      if kind.devices <= enough, kind.cpu <= cpu, kind.pools & (1 << UInt64(pool)) != 0 {
        usable += kind.popularity * useful
      }
    }
    return total * population - usable
  }

  /// What no kind could use of some GPUs. Unit: thousandths of a GPU.
  ///
  /// The GPUs that a kind can use are those with enough left for one share, so the kind that can
  /// use most has all that any other can.
  /// - Complexity: O(kinds × GPUs).
  func useless(of free: [Int32], cpu: Int32, pool: UInt16) -> Int64 {
    var total: Int64 = 0
    for milli in free { total += Int64(milli) }
    var most: Int64 = 0
    for kind in kinds where kind.cpu <= cpu && kind.pools & (1 << UInt64(pool)) != 0 {
      var (enough, useful) = (0, Int64(0))
      for milli in free where milli >= kind.share {
        enough += 1
        useful += Int64(milli)
      }
      if enough >= kind.devices { most = max(most, useful) }
    }
    return total - most
  }

  /// Points of a placement, 0 … 99, for what it makes usable less what it makes unusable: 50 where
  /// nothing changes, on a curve that is steepest there (a logistic one, by the GPU), rounded down.
  /// Places that are nearly as good are equals, and the first of them is taken.
  func points(_ gain: Int64) -> Int64 {
    let scaled = gain * 1_000_000
    var (low, high) = (0, 99)
    while low < high {
      let middle = (low + high + 1) / 2
      if scaled >= Self.floor(of: middle) * population { low = middle } else { high = middle - 1 }
    }
    return Int64(low)
  }

  /// The least gain with so many points: 1,000 ln(p / (100 − p)).
  /// Unit: millionths of a thousandth of a GPU.
  private static func floor(of points: Int) -> Int64 {
    points == 50 ? 0 : points > 50 ? floors[points - 51] : -floors[49 - points]
  }

  /// For 51 … 99 points.
  private static let floors: [Int64] = [
    40_005_335, 80_042_708, 120_144_312, 160_342_650, 200_670_695, 241_162_057, 281_851_152,
    322_773_392, 363_965_377, 405_465_108, 447_312_218, 489_548_225, 532_216_814, 575_364_145,
    619_039_208, 663_294_217, 708_185_058, 753_771_802, 800_119_300, 847_297_860, 895_384_047,
    944_461_609, 994_622_575, 1_045_968_555, 1_098_612_289, 1_152_679_510, 1_208_311_206,
    1_265_666_373, 1_324_925_415, 1_386_294_361, 1_450_010_176, 1_516_347_489, 1_585_627_264,
    1_658_228_077, 1_734_601_055, 1_815_289_967, 1_900_958_761, 1_992_430_165, 2_090_741_097,
    2_197_224_577, 2_313_634_929, 2_442_347_035, 2_586_689_344, 2_751_535_313, 2_944_438_979,
    3_178_053_830, 3_476_098_690, 3_891_820_298, 4_595_119_850,
  ]
}
