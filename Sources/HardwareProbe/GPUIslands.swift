/// Which GPUs of a machine are linked with each other.
enum GPUIslands {
  /// The island of each GPU, in the order given, numbered from 0 as they appear.
  ///
  /// GPUs that NVLink connects, directly, over other GPUs or over switches, are one island. Those
  /// without NVLink are together one island, for they reach each other over PCI Express. A GPU that
  /// does not tell its links, as in MIG mode, counts as one without.
  /// - Complexity: O(GPUs² × links).
  static func numbers(of gpus: [GPUEntry]) -> [Int] {
    // 0 stands for the switches; every GPU begins with a number of its own.
    let switches = 0
    var island = Array(1..<(gpus.count + 1))
    var isLinked = Array(repeating: false, count: gpus.count)
    func join(_ row: Int, with number: Int) {
      let (least, most) = (min(island[row], number), max(island[row], number))
      for index in island.indices where island[index] == most { island[index] = least }
      isLinked[row] = true
    }
    for row in gpus.indices {
      for link in gpus[row].links ?? [] {
        switch link.remote {
        case .nvswitch: join(row, with: switches)
        case .gpu where link.overNVLink == true || (link.ports ?? 0) > 0:
          guard let peer = gpus.firstIndex(where: { $0.uuid == link.uuid }), link.uuid != nil
          else { break }
          join(row, with: island[peer])
          isLinked[peer] = true
        case .gpu, .npu, .unknown: break
        }
      }
    }
    var order: [Int] = []
    return gpus.indices.map { row in
      let number = isLinked[row] ? island[row] : gpus.count + 1
      if !order.contains(number) { order.append(number) }
      return order.firstIndex(of: number) ?? 0
    }
  }
}
