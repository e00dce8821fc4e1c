/// What a claim that waits asks of a device, in one place of a few bytes.
struct Outlook: BitwiseCopyable, Equatable, Sendable {
  /// When the last of its leases is gone; the origin where it has none, the far future where nobody
  /// knows.
  var at = Instant.origin
  /// Row of the claim that it is kept for.
  var keeper = Outlook.nobody
  /// Row of its lane.
  var lane = Outlook.nowhere
  /// What it offers to whom it is given empty.
  var form = Form.nothing

  static let nobody = UInt32.max
  static let nowhere = UInt16.max

  /// What a device can be given as.
  enum Form: BitwiseCopyable, Equatable {
    /// It is not usable, or partitioned.
    case nothing
    case gpu
    case cpu
    case slice(UInt16?)
  }
}

/// The outlooks of the devices of nodes, as far as they were worked out: a node is forgotten by any
/// change of its leases, devices or plans, and read anew when a claim that waits asks for it
/// (docs/decisions/0041).
///
/// Derived from the tables, not in the digest.
struct Outlooks: Sendable {
  /// By device row.
  private var devices: [Outlook] = []
  /// By node row: usable devices of each kind; nil: not known.
  private var usable: [Usable?] = []

  /// Usable devices of a node in any lane.
  private struct Usable: BitwiseCopyable, Sendable {
    var gpus: UInt8 = 0
    var slices: UInt8 = 0
    var sets: UInt8 = 0
  }

  /// Whether the outlooks of a node's devices are known.
  func knows(_ node: UInt32) -> Bool { Int(node) < usable.count && usable[Int(node)] != nil }

  /// Whether a node is known to have too few devices for a demand.
  func lacks(_ node: UInt32, for demand: Demand) -> Bool {
    guard Int(node) < usable.count, let usable = usable[Int(node)] else { return false }
    return switch demand.shape {
    case .whole, .fraction: usable.gpus < demand.devices
    case .slice: usable.slices < demand.devices
    case .cpuOnly: usable.sets < demand.devices
    }
  }

  /// That of a device of a known node.
  subscript(device: UInt32) -> Outlook { devices[Int(device)] }

  /// Something of a node changed.
  mutating func forget(node: UInt32) {
    if Int(node) < usable.count { usable[Int(node)] = nil }
  }

  /// A node is known from now on; its devices are set next.
  mutating func learn(node: UInt32) {
    while usable.count <= Int(node) { usable.append(nil) }
    usable[Int(node)] = Usable()
  }

  mutating func set(_ device: UInt32, of node: UInt32, _ outlook: Outlook) {
    while devices.count <= Int(device) { devices.append(Outlook()) }
    devices[Int(device)] = outlook
    switch outlook.form {
    case .nothing: break
    case .gpu: usable[Int(node)]?.gpus += 1
    case .slice: usable[Int(node)]?.slices += 1
    case .cpu: usable[Int(node)]?.sets += 1
    }
  }

  /// A lease has a device until a moment.
  mutating func extend(_ device: UInt32, until moment: Instant) {
    devices[Int(device)].at = max(devices[Int(device)].at, moment)
  }
}

extension Pool {
  /// Works out the outlooks of some nodes.
  /// - Complexity: O(devices and leases of the nodes).
  mutating func learnOutlooks(of nodes: [UInt32]) {
    for node in nodes where !placement.outlooks.knows(node) {
      placement.outlooks.learn(node: node)
      var row = placement.devices.first(of: node)
      while row != RowLists.none {
        placement.outlooks.set(row, of: node, outlook(row))
        row = placement.devices.next(after: row)
      }
      var lease = placement.leases.first(of: node)
      while lease != RowLists.none {
        let end = gone(lease, reclaimFor: nil)
        for index in leases[row: lease].uses.indices {
          placement.outlooks.extend(uses[index].device.row, until: end)
        }
        lease = placement.leases.next(after: lease)
      }
    }
  }

  /// The outlook of a device without leases.
  func outlook(_ row: UInt32) -> Outlook {
    let device = devices[row: row]
    let form: Outlook.Form =
      switch (device.report.kind, device.slice) {
      case (.gpu, _): device.mode == .mig ? .nothing : .gpu
      case (.cpu, _): .cpu
      case (.slice, let slice): .slice(slice)
      }
    return Outlook(
      keeper: device.pin ?? Outlook.nobody, lane: device.lane.map { UInt16($0) } ?? Outlook.nowhere,
      form: device.health == .usable ? form : .nothing)
  }

  /// Whether a device would serve a demand if it were empty, by its outlook.
  func couldServe(_ wish: Wish, _ row: UInt32, _ outlook: Outlook, lane: UInt32) -> Bool {
    guard outlook.lane == lane else { return false }
    return switch (wish.demand.shape, outlook.form) {
    case (.whole, .gpu): true
    case (.slice, .slice(let slice)): slice == wish.slice
    case (.fraction(_, let bytes), .gpu): devices[row: row].report.memory >= bytes
    case (.cpuOnly, .cpu): devices[row: row].capacity.value >= wish.demand.cpu.value
    default: false
    }
  }

  /// What is known of outlooks is what the tables say.
  func checkOutlooks() {
    for node in 0..<UInt32(nodes.extent) where placement.outlooks.knows(node) {
      var row = placement.devices.first(of: node)
      while row != RowLists.none {
        var expected = outlook(row)
        leases.forEach { lease, known in
          guard uses(of: known).contains(where: { $0.device.row == row }) else { return }
          expected.at = max(expected.at, gone(lease.row, reclaimFor: nil))
        }
        invariant(placement.outlooks[row] == expected, "a known outlook is that of the tables")
        row = placement.devices.next(after: row)
      }
    }
  }
}
