internal import CNVML

/// NVLink ports of one GPU and the fabric that it belongs to.
struct NVLinkPorts {
  let library: NVMLLibrary
  let device: NVMLLibrary.Device

  /// Asks the fabric into `facts` and gives the ports. None when the GPU has none; the value is nil
  /// when it does not say, as with MIG on.
  func ask(_ facts: inout DriverFacts) -> Answer<[PortRecord]> {
    askFabric(&facts)
    let count = GPUQuestions(library: library, device: device)
      .fields([UInt32(CNVML_FIELD_LINK_COUNT)])[0].value
    var ports: [PortRecord] = []
    var isSupported = false
    for port in 0..<min(count.map { Int(clamping: $0) } ?? 36, ProbeLimits.ports) {
      let state = library.number(CNVML_U32_OF_LINK_STATE, UInt32(port), of: device)
      let result = NVMLReturn(code: state.code)
      if result.isSuccess { isSupported = true }
      if let value = state.value {
        ports.append(record(port, isActive: value == 1))
      } else if !result.isHole {
        return Answer(value: nil, code: state.code)
      }
    }
    // With MIG on, ports are "not supported" on GPUs that do have them.
    if !isSupported && facts[.migMode] == 1 { return Answer(value: nil, code: 3) }
    return Answer(value: ports, code: 0)
  }

  private func record(_ port: Int, isActive: Bool) -> PortRecord {
    guard isActive else { return PortRecord(port: port, isActive: false) }
    let number = UInt32(port)
    let remote = library.structure(
      CNVML_STRUCT_OF_LINK_REMOTE_PCI, number, cnvml_pci(), of: device)
    let errors = [CNVML_LINK_ERROR_REPLAY, CNVML_LINK_ERROR_RECOVERY, CNVML_LINK_ERROR_CRC_FLIT]
      .compactMap { library.wide(CNVML_U64_OF_LINK_ERRORS, number, $0, of: device).value }
    return PortRecord(
      port: port, isActive: true,
      versionCode: library.number(CNVML_U32_OF_LINK_VERSION, number, of: device).value,
      remoteType: library.number(CNVML_U32_OF_LINK_REMOTE_TYPE, number, of: device).value,
      remoteBusID: remote.value.flatMap { NVMLText.string(tuple: $0.bus_id) },
      errors: errors.isEmpty ? nil : min(CapacityRules.sum(errors), UInt64(Int64.max)))
  }

  /// The newest form that the driver knows.
  private func askFabric(_ facts: inout DriverFacts) {
    let third = library.structure(
      CNVML_STRUCT_FABRIC_V, cnvml_fabric_v3(), version: UInt32(CNVML_FABRIC_V3), of: device)
    if let fabric = third.value {
      return keep(
        fabric.cluster, fabric.status, fabric.clique, fabric.state, fabric.health, in: &facts)
    }
    let second = library.structure(
      CNVML_STRUCT_FABRIC_V, cnvml_fabric_v2(), version: UInt32(CNVML_FABRIC_V2), of: device)
    if let fabric = second.value {
      return keep(
        fabric.cluster, fabric.status, fabric.clique, fabric.state, fabric.health, in: &facts)
    }
    let first = library.structure(CNVML_STRUCT_FABRIC_V1, cnvml_fabric_v1(), of: device)
    if let fabric = first.value {
      keep(fabric.cluster, fabric.status, fabric.clique, fabric.state, nil, in: &facts)
    }
  }

  private func keep<Bytes>(
    _ cluster: Bytes, _ status: Int32, _ clique: UInt32, _ state: UInt8, _ health: UInt32?,
    in facts: inout DriverFacts
  ) {
    let bytes = withUnsafeBytes(of: cluster) { Array($0) }
    facts.set(.cluster, Answer(value: Self.uuid(bytes), code: 0))
    facts.set(.fabricState, Answer(value: UInt64(state), code: 0))
    facts.set(.fabricStatus, Answer(value: UInt64(UInt32(bitPattern: status)), code: 0))
    facts.set(.fabricClique, Answer(value: UInt64(clique), code: 0))
    if let health { facts.set(.fabricHealth, Answer(value: UInt64(health), code: 0)) }
  }

  /// Sixteen bytes in the usual form of 36 characters.
  static func uuid(_ bytes: [UInt8]) -> String {
    let digits = bytes.prefix(16).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    var text = ""
    for (position, pair) in digits.enumerated() {
      text += [4, 6, 8, 10].contains(position) ? "-" + pair : pair
    }
    return text
  }
}
