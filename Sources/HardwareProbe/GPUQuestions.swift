internal import CNVML

/// The questions to one GPU that has a handle.
struct GPUQuestions {
  let library: NVMLLibrary
  let device: NVMLLibrary.Device

  /// Asks who it is first. A GPU that is lost says so there, and is asked nothing more: each
  /// further call may take seconds, or not return.
  func ask(_ record: inout GPURecord) {
    askIdentity(&record.facts)
    guard record.facts.fatalCode == nil else { return }
    askPlace(&record)
    for (number, call) in Self.plain { record.facts.set(number, library.number(call, of: device)) }
    askPairs(&record.facts)
    askLoad(&record.facts)
    askHealth(&record.facts)
    askPower(&record.facts)
    guard record.facts.fatalCode == nil else { return }
    record.processes = ProcessList(library: library, device: device).all()
    if record.processes.value?.isEmpty == false {
      record.samples = ProcessSamples(library: library, device: device).newest()
    }
    record.accounting = accounting(record.facts)
    askMIG(&record)
    record.ports = NVLinkPorts(library: library, device: device).ask(&record.facts)
  }

  /// Name, identifier, place and memory: what every GPU can say.
  private func askIdentity(_ facts: inout DriverFacts) {
    facts.set(.name, library.text(CNVML_TEXT_NAME, of: device))
    facts.set(.uuid, library.text(CNVML_TEXT_UUID, of: device))
    let pci = library.structure(CNVML_STRUCT_PCI, cnvml_pci(), of: device)
    if let value = pci.value {
      facts.set(.busID, Answer(value: NVMLText.string(tuple: value.bus_id), code: 0))
      facts.set(.pciDevice, Answer(value: UInt64(value.pci_device_id), code: 0))
      facts.set(.pciSubsystem, Answer(value: UInt64(value.pci_subsystem_id), code: 0))
    } else {
      facts.set(.busID, Answer(value: nil, code: pci.code))
    }
    askMemory(&facts)
  }

  /// By the newer call, which tells the driver's own part apart, else the older.
  func askMemory(_ facts: inout DriverFacts) {
    let newer = library.structure(
      CNVML_STRUCT_MEMORY_V2, cnvml_memory_v2(), version: UInt32(CNVML_MEMORY_V2), of: device)
    if let memory = newer.value {
      facts.set(.memoryTotal, NVMLLibrary.answer(memory.total, 0))
      facts.set(.memoryUsed, NVMLLibrary.answer(memory.used, 0))
      facts.set(.memoryReserved, NVMLLibrary.answer(memory.reserved, 0))
      return
    }
    guard NVMLReturn(code: newer.code).isForOlder else {
      return facts.set(.memoryTotal, Answer(value: nil, code: newer.code))
    }
    let older = library.structure(CNVML_STRUCT_MEMORY_V1, cnvml_memory_v1(), of: device)
    guard let memory = older.value else {
      return facts.set(.memoryTotal, Answer(value: nil, code: older.code))
    }
    facts.set(.memoryTotal, NVMLLibrary.answer(memory.total, 0))
    facts.set(.memoryUsed, NVMLLibrary.answer(memory.used, 0))
  }

  private func askPlace(_ record: inout GPURecord) {
    let handle = device.handle
    let table = library.table
    let capability = library.pair(CNVML_PAIR_COMPUTE_CAPABILITY, of: device)
    record.facts.set(.computeMajor, capability.first)
    record.facts.set(.computeMinor, capability.second)
    record.facts.set(.serial, library.text(CNVML_TEXT_SERIAL, of: device))
    record.facts.set(.partNumber, library.text(CNVML_TEXT_PART_NUMBER, of: device))
    let scope = UInt32(CNVML_SCOPE_NODE)
    record.cpus = library.mask { cnvml_cpu_affinity_within(table, handle, $0, $1, scope) }
    // The older call may tell more CPUs, those of the socket: not in the place of a late answer.
    if record.cpus.value == nil, record.cpus.meaning != .later {
      let older = library.mask { cnvml_cpu_affinity(table, handle, $0, $1) }
      if older.meaning != .absent { record.cpus = older }
    }
    record.nodes = library.mask { cnvml_memory_affinity(table, handle, $0, $1, scope) }
    let bar1 = library.structure(CNVML_STRUCT_BAR1, cnvml_bar1(), of: device)
    record.facts.set(.bar1Total, NVMLLibrary.answer(bar1.value?.total ?? 0, bar1.code))
  }

  /// Calls that give one number.
  private static let plain: [(GPUNumber, cnvml_u32_call)] = [
    (.minor, CNVML_U32_MINOR_NUMBER), (.architecture, CNVML_U32_ARCHITECTURE),
    (.module, CNVML_U32_MODULE_ID), (.memoryNode, CNVML_U32_NUMA_NODE),
    (.pcieGeneration, CNVML_U32_PCIE_GENERATION),
    (.pcieGenerationMax, CNVML_U32_PCIE_GENERATION_MAX),
    (.pcieGenerationGPU, CNVML_U32_PCIE_GENERATION_GPU),
    (.pcieWidth, CNVML_U32_PCIE_WIDTH), (.pcieWidthMax, CNVML_U32_PCIE_WIDTH_MAX),
    (.pcieReplays, CNVML_U32_PCIE_REPLAYS), (.persistence, CNVML_U32_PERSISTENCE_MODE),
    (.computeMode, CNVML_U32_COMPUTE_MODE), (.virtualization, CNVML_U32_VIRTUALIZATION_MODE),
    (.accounting, CNVML_U32_ACCOUNTING_MODE), (.accountingBuffer, CNVML_U32_ACCOUNTING_BUFFER),
    (.retirementPending, CNVML_U32_RETIREMENT_PENDING), (.power, CNVML_U32_POWER_USAGE),
    (.powerLimit, CNVML_U32_POWER_LIMIT), (.powerLimitDefault, CNVML_U32_POWER_LIMIT_DEFAULT),
  ]

  /// Calls that give two numbers.
  private func askPairs(_ facts: inout DriverFacts) {
    let pairs: [(GPUNumber, GPUNumber, cnvml_pair_call)] = [
      (.migMode, .migPending, CNVML_PAIR_MIG_MODE),
      (.eccMode, .eccPending, CNVML_PAIR_ECC_MODE),
      (.powerLimitMin, .powerLimitMax, CNVML_PAIR_POWER_RANGE),
    ]
    for (first, second, call) in pairs {
      let answer = library.pair(call, of: device)
      facts.set(first, answer.first)
      facts.set(second, answer.second)
    }
  }

  private func askLoad(_ facts: inout DriverFacts) {
    let load = library.structure(CNVML_STRUCT_UTILIZATION, cnvml_utilization(), of: device)
    facts.set(.utilization, NVMLLibrary.answer(load.value?.gpu ?? 0, load.code))
    facts.set(.memoryUtilization, NVMLLibrary.answer(load.value?.memory ?? 0, load.code))
  }

  private func askHealth(_ facts: inout DriverFacts) {
    let totals: [(GPUNumber, UInt32, UInt32)] = [
      (.eccCorrected, CNVML_ECC_CORRECTED, CNVML_ECC_VOLATILE),
      (.eccUncorrected, CNVML_ECC_UNCORRECTED, CNVML_ECC_VOLATILE),
      (.eccCorrectedTotal, CNVML_ECC_CORRECTED, CNVML_ECC_AGGREGATE),
      (.eccUncorrectedTotal, CNVML_ECC_UNCORRECTED, CNVML_ECC_AGGREGATE),
    ]
    for (number, type, counter) in totals {
      facts.set(number, library.wide(CNVML_U64_OF_ECC_TOTAL, type, counter, of: device))
    }
    facts.set(.retiredSingleBit, retiredPages(cause: UInt32(CNVML_RETIRED_BY_SINGLE_BIT)))
    facts.set(.retiredDoubleBit, retiredPages(cause: UInt32(CNVML_RETIRED_BY_DOUBLE_BIT)))
    var rows: [UInt32] = [0, 0, 0, 0]
    let code = cnvml_remapped_rows(library.table, device.handle, &rows)
    let names: [GPUNumber] = [
      .remappedCorrected, .remappedUncorrected, .remapPending, .remapFailed,
    ]
    for (name, value) in zip(names, rows) { facts.set(name, NVMLLibrary.answer(value, code)) }
    let banks = library.structure(CNVML_STRUCT_ROW_HISTOGRAM, cnvml_row_histogram(), of: device)
    facts.set(.rowsExhausted, NVMLLibrary.answer(banks.value?.none ?? 0, banks.code))
    let sram = library.structure(
      CNVML_STRUCT_SRAM, cnvml_sram(), version: UInt32(CNVML_SRAM_V1), of: device)
    facts.set(.sramOverThreshold, NVMLLibrary.answer(sram.value?.is_over_threshold ?? 0, sram.code))
    let repair = library.structure(
      CNVML_STRUCT_REPAIR, cnvml_repair(), version: UInt32(CNVML_REPAIR_V1), of: device)
    let pending = repair.value ?? cnvml_repair()
    facts.set(.channelRepairPending, NVMLLibrary.answer(pending.channel_pending, repair.code))
    facts.set(.tpcRepairPending, NVMLLibrary.answer(pending.tpc_pending, repair.code))
    let fields = fields([UInt32(CNVML_FIELD_RECOVERY_ACTION), UInt32(CNVML_FIELD_LINK_SPEED)])
    facts.set(.recoveryAction, fields[0])
    facts.set(.linkSpeed, fields[1])
  }

  /// "Too small" is an answer here: only the number is asked for. A driver that does not take the
  /// newer form, or takes no empty buffers in it, is asked in the older one.
  private func retiredPages(cause: UInt32) -> Answer<UInt64> {
    var count: UInt32 = 0
    var code = cnvml_retired_pages(library.table, device.handle, cause, &count)
    if NVMLReturn(code: code).isForOlder {
      code = cnvml_retired_pages_v1(library.table, device.handle, cause, &count)
    }
    return NVMLLibrary.answer(count, NVMLReturn(code: code).meaning == .tooSmall ? 0 : code)
  }

  /// Fields that are whole numbers, one answer for each.
  func fields(_ numbers: [UInt32]) -> [Answer<UInt64>] {
    var fields = numbers.map { number in
      var field = cnvml_field()
      field.field = number
      return field
    }
    let code = cnvml_fields(library.table, device.handle, &fields, UInt32(fields.count))
    return fields.map { field in
      guard code == 0 else { return Answer(value: nil, code: code) }
      guard field.code == 0 else { return Answer(value: nil, code: field.code) }
      switch field.type {
      case 1: return NVMLLibrary.answer(field.value.u32, 0)
      case 2, 3: return NVMLLibrary.answer(field.value.u64, 0)
      case 4: return NVMLLibrary.answer(UInt64(clamping: field.value.i64), 0)
      default: return Answer(value: nil, code: 0)
      }
    }
  }

  private func askPower(_ facts: inout DriverFacts) {
    let numbers: [(GPUNumber, cnvml_u32_of_call, UInt32)] = [
      (.temperature, CNVML_U32_OF_TEMPERATURE, CNVML_TEMPERATURE_GPU),
      (.temperatureShutdown, CNVML_U32_OF_THRESHOLD, CNVML_THRESHOLD_SHUTDOWN),
      (.temperatureSlowdown, CNVML_U32_OF_THRESHOLD, CNVML_THRESHOLD_SLOWDOWN),
      (.clockGraphics, CNVML_U32_OF_CLOCK, CNVML_CLOCK_GRAPHICS),
      (.clockSM, CNVML_U32_OF_CLOCK, CNVML_CLOCK_SM),
      (.clockMemory, CNVML_U32_OF_CLOCK, CNVML_CLOCK_MEMORY),
      (.clockGraphicsMax, CNVML_U32_OF_CLOCK_MAX, CNVML_CLOCK_GRAPHICS),
      (.clockSMMax, CNVML_U32_OF_CLOCK_MAX, CNVML_CLOCK_SM),
      (.clockMemoryMax, CNVML_U32_OF_CLOCK_MAX, CNVML_CLOCK_MEMORY),
    ]
    for (number, call, argument) in numbers {
      facts.set(number, library.number(call, argument, of: device))
    }
    facts.set(.energy, library.wide(CNVML_U64_ENERGY, of: device))
    var reasons = library.wide(CNVML_U64_CLOCK_EVENT_REASONS, of: device)
    if reasons.meaning == .absent {
      reasons = library.wide(CNVML_U64_CLOCK_THROTTLE_REASONS, of: device)
    }
    facts.set(.clockReasons, reasons)
  }

  /// What the driver remembers of the latest processes; nil when accounting is off.
  private func accounting(_ facts: DriverFacts) -> [AccountingRecord]? {
    guard facts[.accounting] == 1 else { return nil }
    let list = ProcessList(library: library, device: device)
    return list.accountedPIDs()?.suffix(ProbeLimits.accounted).compactMap { pid in
      let answer = library.structure(
        CNVML_STRUCT_OF_ACCOUNTING_STATS, pid, cnvml_accounting(), of: device)
      guard let stats = answer.value else { return nil }
      return AccountingRecord(
        pid: pid, utilizationPercent: NVMLLibrary.answer(stats.gpu_utilization, 0).value,
        memoryMaxBytes: NVMLLibrary.answer(stats.max_memory, 0).value,
        milliseconds: NVMLLibrary.answer(stats.time, 0).value, isRunning: stats.is_running != 0)
    }
  }
}
