public import PoolAllocator

/// A machine of which every device is stated.
public struct DescribedMachine: Sendable {
  /// Its name in reports.
  public var name: String
  /// What an operator approves for it.
  public var enrolment: Enrolment
  /// Its devices, instances after their board.
  public var devices: [DeviceReport]
  /// Processor time that leases may use.
  public var cpu: MilliCPU
  /// Host memory that leases may use.
  public var hostMemory: Bytes
  /// What its agent enforces.
  public var enforcement: Enforcement

  /// Makes a machine.
  public init(
    name: String, enrolment: Enrolment, devices: [DeviceReport], cpu: MilliCPU,
    hostMemory: Bytes, enforcement: Enforcement
  ) {
    self.name = name
    self.enrolment = enrolment
    self.devices = devices
    self.cpu = cpu
    self.hostMemory = hostMemory
    self.enforcement = enforcement
  }

  /// The same as a shape of a world.
  var shape: NodeShape {
    let boards = devices.filter { $0.kind == .gpu }
    return NodeShape(
      boards: boards.count, partitioned: boards.filter(\.isPartitioned).count, small: 0,
      cpuSets: devices.filter { $0.kind == .cpu }.count, island: 0, isLabelled: false, rack: nil,
      enforcement: enforcement, described: self)
  }
}
