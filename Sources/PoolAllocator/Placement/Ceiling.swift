/// What the shelves of one lane could give if they were empty: tells *never* from *not now*.
///
/// Per number of devices the greatest processor time and host memory of any node that has so many.
struct Ceiling: Sendable {
  /// Greatest milli-cores of a node with at least so many GPUs of the lane; −1 where there is none.
  var cpu = InlineArray<17, Int32>(repeating: -1)
  /// Greatest host memory likewise.
  var hostMemory = InlineArray<17, Int64>(repeating: -1)
  /// Greatest memory of a GPU.
  var deviceMemory: Int64 = -1
  /// Greatest CPU part, in milli-cores.
  var cpuPart: Int32 = -1
  /// Strongest enforcement of a node.
  var enforcement = Enforcement.none
  /// Most instances on a node, by row of the policy's slices.
  var slices: [UInt8] = []

  /// What one node has for the lane.
  struct Shelf {
    var gpus = 0
    var deviceMemory: Int64 = -1
    var cpuPart: Int32 = -1
    var slices: [(slice: UInt16, count: UInt8)] = []
  }

  /// Raises the ceiling to what a shelf could give.
  mutating func absorb(_ shelf: Shelf?, of node: NodeReport) {
    guard let shelf else { return }
    for count in 0...min(shelf.gpus, Limits.devicesPerMember) {
      cpu[count] = max(cpu[count], node.cpu.value)
      hostMemory[count] = max(hostMemory[count], node.hostMemory.value)
    }
    deviceMemory = max(deviceMemory, shelf.deviceMemory)
    cpuPart = max(cpuPart, shelf.cpuPart)
    enforcement = max(enforcement, node.enforcement)
    for entry in shelf.slices {
      while slices.count <= Int(entry.slice) { slices.append(0) }
      slices[Int(entry.slice)] = max(slices[Int(entry.slice)], entry.count)
    }
  }

  /// Why a demand can never be met; nil where it can.
  func obstacle(to demand: Demand, slice: UInt16?, lane: UInt32) -> Reason? {
    guard cpu[0] >= 0 else { return Reason(.profileAbsent, .lane(lane), have: 0, need: 1) }
    guard demand.enforcement <= enforcement else {
      return Reason(
        .isolationTooWeak, .lane(lane), have: Int64(enforcement.rawValue),
        need: Int64(demand.enforcement.rawValue))
    }
    let devices = Int(demand.devices)
    switch demand.shape {
    case .whole:
      return tooFew(devices, lane) ?? tooSmall(demand, gpus: devices, lane)
    case .fraction(_, let bytes):
      if let few = tooFew(devices, lane) { return few }
      if bytes.value > deviceMemory {
        return Reason(.noNodeLargeEnough, .lane(lane), have: deviceMemory, need: bytes.value)
      }
      return tooSmall(demand, gpus: devices, lane)
    case .slice:
      let most = slice.map { Int($0) < slices.count ? Int64(slices[Int($0)]) : 0 } ?? 0
      if most == 0 { return Reason(.profileAbsent, .lane(lane), have: 0, need: 1) }
      if most < devices {
        return Reason(.noNodeLargeEnough, .lane(lane), have: most, need: Int64(devices))
      }
      return tooSmall(demand, gpus: 0, lane)
    case .cpuOnly:
      if cpuPart < 0 { return Reason(.profileAbsent, .lane(lane), have: 0, need: 1) }
      if cpuPart < demand.cpu.value {
        return Reason(
          .noNodeLargeEnough, .lane(lane), have: Int64(cpuPart), need: Int64(demand.cpu.value))
      }
      return tooSmall(demand, gpus: 0, lane)
    }
  }

  private func tooFew(_ devices: Int, _ lane: UInt32) -> Reason? {
    if cpu[devices] >= 0 { return nil }
    let most = (0...devices).last { cpu[$0] >= 0 } ?? 0
    let code: Reason.Code = most == 0 ? .profileAbsent : .noNodeLargeEnough
    return Reason(code, .lane(lane), have: Int64(most), need: Int64(devices))
  }

  private func tooSmall(_ demand: Demand, gpus: Int, _ lane: UInt32) -> Reason? {
    if cpu[gpus] < demand.cpu.value {
      return Reason(
        .noNodeLargeEnough, .lane(lane), have: Int64(cpu[gpus]), need: Int64(demand.cpu.value))
    }
    if hostMemory[gpus] < demand.hostMemory.value {
      return Reason(
        .noNodeLargeEnough, .lane(lane), have: hostMemory[gpus], need: demand.hostMemory.value)
    }
    return nil
  }
}
