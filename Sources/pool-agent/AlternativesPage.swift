import PoolAllocator
import PoolWire

/// What would be granted at once instead of each claim that waits: what `place --explain` adds.
struct AlternativesPage {
  let session: PlaceSession

  /// A table of the alternatives; empty where nothing waits.
  func lines(_ page: Page) -> [String] {
    let pool = session.pool
    var waiting = false
    var rows: [[String]] = []
    pool.forEachClaim { id, claim in
      guard claim.isWaiting else { return }
      waiting = true
      guard let form = session.claims[id] else { return }
      let name = "\(form.name) of \(form.tenant)"
      for alternative in pool.alternatives(to: claim.spec) { rows.append(row(name, alternative)) }
    }
    guard waiting else { return [] }
    if rows.isEmpty {
      return page.prose("ALTERNATIVES: none. Nothing like what waits would be granted now.")
    }
    let header = ["CLAIM", "INSTEAD", "LANE", "PRICE", "RESERVES"]
    let why = page.prose(
      "Each would be granted now at its price in GPU-seconds, all else as it was asked for. None"
        + " is kept for anyone, and the claim itself goes on waiting unless it is cancelled.")
    return ["ALTERNATIVES"] + page.table(header: header, rows: rows) + why
  }

  private func row(_ name: String, _ alternative: Alternative) -> [String] {
    let lane = session.pool.lane(alternative.lane).map { session.names.text($0.key) } ?? "-"
    return [
      name, words(alternative), lane, Amounts.gpuSeconds(alternative.price.value),
      Amounts.gpuSeconds(alternative.reservation.value),
    ]
  }

  /// What is different, in words.
  private func words(_ alternative: Alternative) -> String {
    let (spec, demand) = (alternative.spec, alternative.spec.demand)
    switch alternative.change {
    case .lane: return "another lane"
    case .profile: return "other hardware"
    case .runtime: return "runtime \(Amounts.seconds(spec.runtimeMax.ns)) s"
    case .devices where demand.shape == .cpuOnly:
      return "cores \(Amounts.milli(Int64(demand.cpu.value)))"
    case .devices: return "devices \(demand.devices)"
    case .members: return "members \(demand.members)"
    case .service: return "service \(session.names.text(spec.service))"
    }
  }
}
