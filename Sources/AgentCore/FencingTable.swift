public import PoolAllocator

/// The highest fencing number that was seen for each device; never falls.
public struct FencingTable: Hashable, Sendable {
  /// One device.
  public struct Row: BitwiseCopyable, Hashable, Sendable {
    /// UUID of the device.
    public let device: Key
    /// The highest number that was seen for it.
    public fileprivate(set) var highest: Fencing

    /// Makes a row, as it was stored.
    public init(device: Key, highest: Fencing) {
      self.device = device
      self.highest = highest
    }
  }

  /// By device.
  public private(set) var rows: [Row]
  /// What was seen at least for devices without a row.
  public private(set) var floor: Fencing

  /// Makes a table, as it was stored; of a device that is named twice the higher number counts.
  public init(rows: [Row] = [], floor: Fencing = Fencing(raw: 0)) {
    self.rows = []
    self.floor = floor
    for row in rows { _ = raise(row.device, to: row.highest, keeping: []) }
  }

  /// The highest number that was seen for a device.
  /// - Complexity: O(log n).
  public func highest(of device: Key) -> Fencing {
    let index = place(of: device)
    return index < rows.count && rows[index].device == device ? rows[index].highest : floor
  }

  /// Notes a number. Where the table is full, the least of those that are not kept becomes the
  /// floor.
  /// - Parameter keeping: devices whose row must stay, by key.
  /// - Returns: whether the table changed.
  mutating func raise(_ device: Key, to fencing: Fencing, keeping: [Key]) -> Bool {
    guard fencing > highest(of: device) else { return false }
    let index = place(of: device)
    if index < rows.count, rows[index].device == device {
      rows[index].highest = fencing
      return true
    }
    rows.insert(Row(device: device, highest: fencing), at: index)
    guard rows.count > AgentLimits.fences else { return true }
    let others = rows.indices.filter { !keeping.contains(rows[$0].device) }
    guard let least = others.min(by: { rows[$0].highest < rows[$1].highest }) else { return true }
    floor = max(floor, rows[least].highest)
    rows.remove(at: least)
    return true
  }

  private func place(of device: Key) -> Int {
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle].device < device { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
