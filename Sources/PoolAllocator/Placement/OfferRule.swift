/// Every constant of the score "offer value", with its unit and its why (docs/placement.md).
///
/// Values are in 64ths of a thousandth of a GPU, parts of a whole in 65,536ths; all arithmetic is
/// on integers. They were chosen by experiment on one public trace (docs/decisions/0036), and the
/// places that a pool chooses depend on each of them.
enum OfferRule {
  /// A thousandth of a GPU is 1 shifted by so much. Unit: bits.
  static let valueBits: Int64 = 6
  /// One, as a part of a whole. Unit: 65,536ths.
  static let one: Int64 = 65_536

  // MARK: the score

  /// Processor prices under which free GPUs are valued; the least value counts. Unit: prices.
  static let prices = 17
  /// Step between two prices: 16 steps are 0.24 GPUs for a core. Unit: 65,536ths of a thousandth of
  /// a GPU, for a thousandth of a core.
  static let priceStep: Int64 = 982
  /// Places whose scores are in one step of it are equals, and the first of them is taken. Without
  /// it, noise in the tables decides. 40 thousandths of a GPU. Unit: values.
  static let coarse: Int64 = 40 << valueBits

  // MARK: the mix

  /// Counts of all kinds at which each is halved, so that old work is forgotten. Unit: claims.
  static let forgetsAt: Int64 = 16_384
  /// Claims before the first tables of a learned mix, and least between two. Unit: claims.
  static let claimsMin: Int64 = 16
  /// Most claims between two tables; below that a quarter of all that came. Unit: claims.
  static let claimsMax: Int64 = 500
  static let claimsPart: Int64 = 4

  /// Kinds of which the supply is counted with one claim, while tables are worked out. Unit: kinds.
  static let suppliesPerClaim = 8
  /// Entries of tables that are written with one claim, about. Unit: entries.
  static let entriesPerClaim = 32_768

  // MARK: the regime: what runs out first

  /// Processor demand beside GPU demand, as parts of what there is of each, from which on the
  /// processors count as short, 0.94, and the width of the ramp up to fully short at 0.98.
  static let cpuBoundFrom: Int64 = 61_604
  static let cpuBoundWidth: Int64 = 2_621
  /// From half of the ramp on, kinds are valued one by one.
  static let cpuBoundHalf: Int64 = 32_768

  // MARK: offers

  /// Offers that free room is valued for, and how many fewer where processors are short. Unit:
  /// claims.
  static let offers: Int64 = 240
  static let offersCut: Int64 = 112
  /// Offers in one step of the tables. Unit: claims.
  static let offersPerStep: Int64 = 16
  /// What a share earns beside its size, and how much less where processors are short: a share that
  /// fits uses what nothing else can. Unit: thousandths of a GPU.
  static let shareBonus: Int64 = 20
  static let shareBonusCut: Int64 = 5
  /// Least part of a kind of shares that one GPU may expect where many have room for it: 0.05.
  static let rateMin: Int64 = 3_276

  // MARK: scarcity

  /// Weights of room for work that runs out of room: 0.2 of its size for shares, all of it for
  /// gangs and for processor time. Unit: 1,024ths.
  static let shareWeight: Int64 = 204
  static let gangWeight: Int64 = 1_024
  static let hostWeight: Int64 = 1_024
  /// GPUs of one claim from which on it is a gang that may lack a node. Unit: GPUs.
  static let gangFrom = 8
  /// Claims in which one gang for a whole node of each shape is expected, though none came. Unit:
  /// claims.
  static let priorClaims: Int64 = 1_000
  /// The part of its processor time that such a gang leaves. Unit: parts.
  static let priorHostPart: Int32 = 16
  /// Greatest number of arrivals that are told apart, times 256: with more, every kind is short.
  static let arrivalsMax: Int64 = 1 << 40
  /// Price of a pool that work insists on: 0.1 of a GPU, and no more than half for all such work.
  /// Unit: 1,024ths; 65,536ths.
  static let poolWeight: Int64 = 102
  static let poolPriceMax: Int64 = 32_768
  /// Members of a kind without processor time that one node counts for. Unit: claims.
  static let endless: Int64 = 99
}
