import PoolAllocator

/// D2: on the machine itself, processes of at most one fencing number have what cannot be shared,
/// and no more shares of a device are in use than it has.
enum ProcessCheck {
  /// - Parameters:
  ///   - processes: everything that lives on the machine.
  ///   - devices: its hardware as it is.
  static func check(
    _ processes: [WorldNode.Process], on devices: [DeviceReport]
  ) throws(Violation) {
    for device in devices {
      var (milli, memory, holders) = (Int64(0), Int64(0), 0)
      var isBoardTaken = false
      for process in processes {
        for share in process.shares {
          if share.device == device.key {
            milli += Int64(share.milli.value)
            memory += share.memory.value
            holders += 1
          }
          if share.device == device.parent { isBoardTaken = true }
        }
      }
      guard holders > 0 else { continue }
      let isTooMuch =
        milli > Int64(device.capacity.value)
        || device.kind != .cpu && memory > device.memory.value
      if isTooMuch || isBoardTaken {
        let living = processes.filter { process in
          process.shares.contains { $0.device == device.key || $0.device == device.parent }
        }
        throw Violation(
          "D2",
          "fencing numbers \(living.map(\.fencing.raw)) use \(milli) of "
            + "\(device.capacity.value) and \(memory) bytes of a device")
      }
    }
  }
}
