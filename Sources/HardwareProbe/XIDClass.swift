/// What an XID, the NVIDIA driver's number for an error, says about the GPU. Data.
public struct XIDClass: Sendable, Equatable {
  /// How far an error reaches.
  public enum Effect: String, Sendable, CaseIterable {
    /// The program that ran is at fault or lost; the GPU is well.
    case application
    /// The GPU goes on and should be looked at.
    case warning
    /// The GPU must get no new work until it has been well for a while.
    case device
    /// The GPU is of no use until it is reset or the machine is booted.
    case fatal
  }

  /// The driver's number.
  public var number: UInt64
  /// How far it reaches.
  public var effect: Effect
  /// What it means, a few words.
  public var words: String

  /// Numbers with a class of their own. Those of effect `application` are what both NVIDIA's
  /// Kubernetes device plugin and its DRA driver ignore; the others are recalled, not checked
  /// against a document.
  public static let known: [XIDClass] = [
    XIDClass(number: 13, effect: .application, words: "exception in a graphics engine"),
    XIDClass(number: 31, effect: .application, words: "memory page fault"),
    XIDClass(number: 43, effect: .application, words: "stopped processing"),
    XIDClass(number: 45, effect: .application, words: "preemptive cleanup"),
    XIDClass(number: 48, effect: .device, words: "double-bit memory error"),
    XIDClass(number: 63, effect: .warning, words: "faulty memory noted for remapping"),
    XIDClass(number: 64, effect: .device, words: "faulty memory could not be noted"),
    XIDClass(number: 68, effect: .application, words: "exception in a video engine"),
    XIDClass(number: 74, effect: .device, words: "NVLink error"),
    XIDClass(number: 79, effect: .fatal, words: "GPU has fallen off the bus"),
    XIDClass(number: 92, effect: .warning, words: "many single-bit memory errors"),
    XIDClass(number: 94, effect: .warning, words: "contained memory error"),
    XIDClass(number: 95, effect: .fatal, words: "uncontained memory error"),
    XIDClass(number: 109, effect: .application, words: "context switch timeout"),
    XIDClass(number: 119, effect: .fatal, words: "the GPU's system processor does not answer"),
    XIDClass(number: 120, effect: .fatal, words: "error of the GPU's system processor"),
  ]

  /// The class of a number. One that is not known is taken seriously: `.device`.
  ///
  /// - Complexity: O(known).
  public static func of(_ number: UInt64) -> XIDClass {
    known.first { $0.number == number }
      ?? XIDClass(number: number, effect: .device, words: "error without a class")
  }
}

/// Something that the driver reported of its own accord.
public struct DriverEvent: Sendable, Equatable {
  /// Kinds of reports.
  public enum Kind: String, Sendable, CaseIterable {
    case xid
    case singleBit = "single_bit_error"
    case doubleBit = "double_bit_error"
    case singleBitStorm = "single_bit_storm"
    case retirement = "memory_retired"
    case retirementFailed = "memory_retirement_failed"
    case fatalPoison = "fatal_poison"
    case unavailable = "gpu_unavailable"
    case recoveryAction = "recovery_action"
    /// Waiting failed because a GPU is lost; the driver does not say which.
    case lost
    /// A kind that this version does not know.
    case other
  }

  /// The kind.
  public var kind: Kind
  /// The GPU's own identifier; nil when the driver does not say.
  public var uuid: String?
  /// The XID, or what else goes with the kind.
  public var data: UInt64
  /// The GPU instance that it concerns; nil for the whole GPU.
  public var gpuInstance: UInt32?
  /// The compute instance that it concerns.
  public var computeInstance: UInt32?

  /// Makes an event.
  public init(
    kind: Kind, uuid: String?, data: UInt64, gpuInstance: UInt32? = nil,
    computeInstance: UInt32? = nil
  ) {
    self.kind = kind
    self.uuid = uuid
    self.data = data
    self.gpuInstance = gpuInstance
    self.computeInstance = computeInstance
  }

  /// How far it reaches.
  public var effect: XIDClass.Effect {
    switch kind {
    case .xid: XIDClass.of(data).effect
    case .singleBit, .singleBitStorm, .retirement, .lost, .other: .warning
    case .doubleBit, .retirementFailed, .recoveryAction: .device
    case .fatalPoison, .unavailable: .fatal
    }
  }

  /// What happened, a few words.
  public var words: String {
    guard kind == .xid else { return kind.rawValue.replacing("_", with: " ") }
    return "XID \(data): \(XIDClass.of(data).words)"
  }
}

extension DriverEvent {
  /// The identifiers of what it concerns on a GPU: of the MIG devices in its instance where it
  /// names one, of all of them where it does not, of the GPU itself where that is not cut. NVML
  /// reports by the GPU, so whoever keeps one device a GPU would tell only one of its MIG devices.
  public func concerned(on gpu: GPUEntry) -> [String] {
    guard let own = gpu.uuid, uuid == nil || uuid == own else { return [] }
    guard gpu.mig.isEnabled == true, let instances = gpu.mig.instances else { return [own] }
    return instances.filter { instance in
      (gpuInstance == nil || instance.gpuInstance == gpuInstance)
        && (computeInstance == nil || instance.computeInstance == computeInstance)
    }.compactMap(\.uuid)
  }
}
