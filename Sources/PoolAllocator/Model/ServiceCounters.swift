/// What tenants were served in each lane, by level, weighted: what the fair order compares
/// (SEMANTICS 4.2).
///
/// Each lane counts for itself: a lane with more to give away than another does not make those who
/// wait for the other look as if they had been served less.
struct ServiceCounters: Sendable {
  /// One counter, or floor, per level.
  typealias Levels = InlineArray<4, CreditTotal>

  private var lanes: [[Levels]] = Array(repeating: [], count: Limits.lanes)
  private var floors: [Levels] = Array(
    repeating: Levels(repeating: .zero), count: Limits.lanes)

  /// What a tenant was served in a lane at a level.
  func served(_ tenant: UInt32, at level: UInt8, in lane: UInt32) -> CreditTotal {
    guard Int(tenant) < lanes[Int(lane)].count else { return .zero }
    return lanes[Int(lane)][Int(tenant)][Int(level)]
  }

  /// Sets what a tenant was served.
  mutating func set(_ tenant: UInt32, at level: UInt8, in lane: UInt32, _ served: CreditTotal) {
    while lanes[Int(lane)].count <= Int(tenant) {
      lanes[Int(lane)].append(Levels(repeating: .zero))
    }
    lanes[Int(lane)][Int(tenant)][Int(level)] = served
  }

  /// The counter of the last winner before its charge; never falls.
  func floor(at level: UInt8, in lane: UInt32) -> CreditTotal { floors[Int(lane)][Int(level)] }

  /// Raises a floor to a winner's counter.
  mutating func raise(at level: UInt8, in lane: UInt32, to served: CreditTotal) {
    floors[Int(lane)][Int(level)] = .max(floors[Int(lane)][Int(level)], served)
  }

  /// Forgets a tenant whose row will be another's.
  mutating func forget(tenant: UInt32) {
    for lane in lanes.indices where Int(tenant) < lanes[lane].count {
      lanes[lane][Int(tenant)] = Levels(repeating: .zero)
    }
  }

  /// Forgets a lane whose row will be another's.
  mutating func forget(lane: UInt32) {
    lanes[Int(lane)] = []
    floors[Int(lane)] = Levels(repeating: .zero)
  }

  /// Visits every counter that is not zero, and every floor, in the order of rows.
  func forEach(_ body: (_ lane: Int, _ tenant: Int?, _ level: Int, CreditTotal) -> Void) {
    for lane in lanes.indices {
      for level in 0..<4 where floors[lane][level] != .zero {
        body(lane, nil, level, floors[lane][level])
      }
      for tenant in lanes[lane].indices {
        for level in 0..<4 where lanes[lane][tenant][level] != .zero {
          body(lane, tenant, level, lanes[lane][tenant][level])
        }
      }
    }
  }

  mutating func pass(through coder: inout some ImageCoder) {
    coder.pass(lists: &lanes)
    coder.pass(&floors)
  }
}
