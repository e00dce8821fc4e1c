/// What NVML said of one node, unjudged: values and return codes, no opinion.
///
/// Made by `NVMLReader` from the library, or by `NVMLRecordParser` from the lines that a child
/// process wrote. `GPUFolding` makes an inventory of it.
struct NVMLRecord: Sendable, Equatable {
  /// How asking went.
  var status: NVMLStatus
  /// CUDA version of the driver, 12040 for 12.4; nil when it does not say.
  var cudaVersion: Int?
  /// GPUs that the driver counts, which may be more than were asked.
  var count: Int = 0
  /// One for each GPU that was asked, ascending by index.
  var gpus: [GPURecord] = []
  /// What is known between two GPUs.
  var pairs: [PairRecord] = []
  /// Indexes of GPUs at which the driver stopped answering.
  var silent: [Int] = []
  /// True when everything that was to be asked was answered.
  var isComplete = false
}

/// An answer to one question: a value, or NVML's code.
struct Answer<Value: Sendable & Equatable>: Sendable, Equatable {
  /// Nil when there was none; also when NVML said "not available" in the value's place.
  var value: Value?
  /// NVML's return code; -1 when the library lacks the call.
  var code: Int32
  /// How long ago the value was told, in milliseconds; nil for one that was told now. Then `code`
  /// says why it was not told now.
  var ageMilliseconds: UInt64?

  /// How the one who asked should take it.
  var meaning: NVMLReturn.Class { NVMLReturn(code: code).meaning }
}

/// Texts that a GPU or a MIG device tells of itself.
enum GPUText: String, CaseIterable, Sendable {
  case name, uuid, serial
  case partNumber = "board_part_number"
  case busID = "bus_id"
  case cluster
}

/// Numbers that a GPU or a MIG device tells of itself; units stand in the names.
enum GPUNumber: String, CaseIterable, Sendable {
  // Identity and place.
  case minor, architecture, module
  case computeMajor = "compute_major"
  case computeMinor = "compute_minor"
  case pciDevice = "pci_device"
  case pciSubsystem = "pci_subsystem"
  case pcieGeneration = "pcie_generation"
  case pcieGenerationMax = "pcie_generation_max"
  case pcieGenerationGPU = "pcie_generation_gpu"
  case pcieWidth = "pcie_width"
  case pcieWidthMax = "pcie_width_max"
  case pcieReplays = "pcie_replays"
  case memoryNode = "memory_node"
  // Memory, in bytes.
  case memoryTotal = "memory_total_bytes"
  case memoryUsed = "memory_used_bytes"
  case memoryReserved = "memory_reserved_bytes"
  case bar1Total = "bar1_total_bytes"
  // Modes.
  case persistence, virtualization
  case computeMode = "compute_mode"
  case migMode = "mig_mode"
  case migPending = "mig_pending"
  case accounting
  case accountingBuffer = "accounting_buffer"
  // Load.
  case utilization = "utilization_percent"
  case memoryUtilization = "memory_utilization_percent"
  // Health.
  case eccMode = "ecc_mode"
  case eccPending = "ecc_pending"
  case eccCorrected = "ecc_corrected_volatile"
  case eccUncorrected = "ecc_uncorrected_volatile"
  case eccCorrectedTotal = "ecc_corrected_aggregate"
  case eccUncorrectedTotal = "ecc_uncorrected_aggregate"
  case retiredSingleBit = "retired_single_bit"
  case retiredDoubleBit = "retired_double_bit"
  case retirementPending = "retirement_pending"
  case remappedCorrected = "remapped_corrected"
  case remappedUncorrected = "remapped_uncorrected"
  case remapPending = "remap_pending"
  case remapFailed = "remap_failed"
  case rowsExhausted = "row_banks_exhausted"
  case sramOverThreshold = "sram_over_threshold"
  case channelRepairPending = "channel_repair_pending"
  case tpcRepairPending = "tpc_repair_pending"
  case recoveryAction = "recovery_action"
  // Power, clocks, heat.
  case power = "power_milliwatts"
  case powerLimit = "power_limit_milliwatts"
  case powerLimitDefault = "power_limit_default_milliwatts"
  case powerLimitMin = "power_limit_min_milliwatts"
  case powerLimitMax = "power_limit_max_milliwatts"
  case energy = "energy_millijoules"
  case temperature = "temperature_celsius"
  case temperatureSlowdown = "temperature_slowdown_celsius"
  case temperatureShutdown = "temperature_shutdown_celsius"
  case clockGraphics = "clock_graphics_mhz"
  case clockSM = "clock_sm_mhz"
  case clockMemory = "clock_memory_mhz"
  case clockGraphicsMax = "clock_graphics_max_mhz"
  case clockSMMax = "clock_sm_max_mhz"
  case clockMemoryMax = "clock_memory_max_mhz"
  case clockReasons = "clock_reasons"
  // NVLink fabric.
  case fabricState = "fabric_state"
  case fabricStatus = "fabric_status"
  case fabricClique = "fabric_clique"
  case fabricHealth = "fabric_health"
  case linkSpeed = "link_speed_mbps"
  // MIG devices.
  case gpuInstance = "gpu_instance"
  case computeInstance = "compute_instance"
  case gpuSlices = "gpu_slices"
  case computeSlices = "compute_slices"
  case multiprocessors
  case instanceMemory = "instance_memory_mib"
  case profileID = "profile_id"
  case placementStart = "placement_start"
  case placementSize = "placement_size"
}

/// What a GPU or a MIG device said of itself. A call that the library lacks has no entry.
struct DriverFacts: Sendable, Equatable {
  private(set) var texts: [GPUText: Answer<String>] = [:]
  private(set) var numbers: [GPUNumber: Answer<UInt64>] = [:]

  /// A text, or nil.
  subscript(text: GPUText) -> String? { texts[text]?.value }
  /// A number, or nil.
  subscript(number: GPUNumber) -> UInt64? { numbers[number]?.value }

  /// The code that a question was answered with; -1 when it has no answer.
  func code(_ text: GPUText) -> Int32 { texts[text]?.code ?? NVMLReturn.noSymbol }
  /// The code that a question was answered with; -1 when it has no answer.
  func code(_ number: GPUNumber) -> Int32 { numbers[number]?.code ?? NVMLReturn.noSymbol }

  /// Keeps an answer, unless the library lacks the call.
  mutating func set(_ text: GPUText, _ answer: Answer<String>) {
    if answer.code != NVMLReturn.noSymbol { texts[text] = answer }
  }

  /// Keeps an answer, unless the library lacks the call.
  mutating func set(_ number: GPUNumber, _ answer: Answer<UInt64>) {
    if answer.code != NVMLReturn.noSymbol { numbers[number] = answer }
  }

  /// The questions that got no answer now and may get one later, in the order of the lists above.
  var late: [(name: String, code: Int32, ageMilliseconds: UInt64?)] {
    let told =
      GPUText.allCases.compactMap { text in
        texts[text].map { (text.rawValue, $0.code, $0.value == nil ? nil : $0.ageMilliseconds) }
      }
      + GPUNumber.allCases.compactMap { number in
        numbers[number].map {
          (number.rawValue, $0.code, $0.value == nil ? nil : $0.ageMilliseconds)
        }
      }
    return told.filter { NVMLReturn(code: $0.1).meaning == .later }
  }

  /// The names of questions that this process may not ask, in the order of the lists above.
  var denied: [String] {
    func isDenied(_ code: Int32?) -> Bool {
      code.map { NVMLReturn(code: $0).meaning == .notAllowed } ?? false
    }
    return GPUText.allCases.filter { isDenied(texts[$0]?.code) }.map(\.rawValue)
      + GPUNumber.allCases.filter { isDenied(numbers[$0]?.code) }.map(\.rawValue)
  }

  /// The first code that says that the device, or the whole driver, is gone.
  var fatalCode: Int32? {
    let codes =
      GPUText.allCases.compactMap { texts[$0]?.code }
      + GPUNumber.allCases.compactMap { numbers[$0]?.code }
    return codes.first { [.deviceGone, .driverGone].contains(NVMLReturn(code: $0).meaning) }
  }
}

/// One GPU.
struct GPURecord: Sendable, Equatable {
  /// NVML's index.
  var index: Int
  /// The code with which NVML gave its handle.
  var handleCode: Int32
  var facts = DriverFacts()
  /// CPUs near it; the value is nil when the driver does not say.
  var cpus = Answer<CPUSet>(value: nil, code: NVMLReturn.noSymbol)
  /// NUMA nodes near it; the value is nil when the driver does not say.
  var nodes = Answer<CPUSet>(value: nil, code: NVMLReturn.noSymbol)
  /// Who uses it; the value is nil when the driver does not say.
  var processes = Answer<[ProcessRecord]>(value: nil, code: NVMLReturn.noSymbol)
  /// The newest sample of each process, ascending by pid; the value is nil when the driver does not
  /// tell, and when it was not asked because nobody uses the GPU.
  var samples = Answer<[SampleRecord]>(value: nil, code: NVMLReturn.noSymbol)
  /// Its NVLink ports; the value is nil when the driver does not say.
  var ports = Answer<[PortRecord]>(value: nil, code: NVMLReturn.noSymbol)
  /// Its MIG devices; nil when MIG is off.
  var instances: [InstanceRecord]?
  /// Kinds of MIG devices that it can be cut into; empty when it cannot.
  var profiles: [InstanceProfileRecord] = []
  /// What the driver remembers of processes that ran; nil when it does not.
  var accounting: [AccountingRecord]?
}

/// A process on a GPU.
struct ProcessRecord: Sendable, Equatable {
  /// How it uses the GPU.
  enum Kind: String, Sendable, CaseIterable { case compute, graphics, mps }

  var kind: Kind
  /// Nil when the driver says 0, as it does inside containers.
  var pid: UInt32?
  var usedBytes: UInt64?
  var gpuInstance: UInt32?
  var computeInstance: UInt32?
}

/// Load that one process made on a GPU, in percent of the sample period; nil for what no percentage
/// can be.
struct SampleRecord: Sendable, Equatable {
  var pid: UInt32
  /// When it was taken: microseconds since 1970 by the driver's clock.
  var timestamp: UInt64
  var multiprocessors: UInt64?
  var memory: UInt64?
  var encoder: UInt64?
  var decoder: UInt64?
}

/// One NVLink port.
struct PortRecord: Sendable, Equatable {
  var port: Int
  var isActive: Bool
  /// NVML's number for the version, which is not the version's own.
  var versionCode: UInt64?
  /// NVML's number for what is at the other end.
  var remoteType: UInt64?
  var remoteBusID: String?
  /// Replays, recoveries and CRC errors together.
  var errors: UInt64?
}

/// One position of a GPU's MIG devices that is not a hole.
struct InstanceRecord: Sendable, Equatable {
  var position: Int
  /// The code with which NVML gave its handle.
  var handleCode: Int32
  var facts = DriverFacts()
}

/// One kind of GPU instance that a GPU can be cut into.
struct InstanceProfileRecord: Sendable, Equatable {
  var id: UInt32
  /// As the driver writes it, such as `MIG 1g.10gb`; nil on drivers that have no names.
  var name: String?
  var slices: UInt32
  var instances: UInt32
  var multiprocessors: UInt32
  var memoryMiB: UInt64
  /// How many more there may be now; nil without the privilege to ask.
  var remaining: UInt32?
  var placements: [MIGPlacement]
}

/// What the driver remembers of a process.
struct AccountingRecord: Sendable, Equatable {
  var pid: UInt32
  var utilizationPercent: UInt64?
  var memoryMaxBytes: UInt64?
  var milliseconds: UInt64?
  var isRunning: Bool
}

/// What is between two GPUs.
struct PairRecord: Sendable, Equatable {
  var one: Int
  var other: Int
  /// NVML's number for the nearest common ancestor.
  var ancestor: UInt64?
  /// NVML's status of reading, writing, NVLink and atomics; 0 is "can".
  var peer: [UInt64?]
}
