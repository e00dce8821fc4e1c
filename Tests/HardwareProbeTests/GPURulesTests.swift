import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite("What speaks against a GPU")
struct GPURulesTests {
  @Test(
    "reasons not to use it",
    arguments: [
      ("recovery_action = 1", "the driver asks for: reset"),
      ("recovery_action = 4", "the driver asks for: drain_and_reset"),
      (
        "remapped_rows_corrected = 0\nremapped_rows_uncorrected = 9\nremapped_rows_failure = 1",
        "faulty memory could not be remapped; the GPU must be replaced"
      ),
      ("compute_mode = 2", "its compute mode is prohibited"),
      ("virtualization_mode = 3", "it is given to virtual machines"),
      (
        "fabric_state = 2",
        "the NVLink fabric is not ready (in_progress); is the fabric manager running?"
      ),
      (
        "fabric_state = 3\nfabric_status = 3",
        "the NVLink fabric refused it: not supported (NVML code 3)"
      ),
      ("GetPowerUsage = 15", "GPU is lost (NVML code 15)"),
      ("GetEccMode = RESET_REQUIRED", "GPU needs a reset (NVML code 16)"),
      ("every_call = 15", "GPU is lost (NVML code 15)"),
    ])
  func unusable(line: String, reason: String) throws {
    let gpus = try FakeDriver.gpus(FakeDriver.h100(0, line) + FakeDriver.h100(1))
    #expect(gpus[0].state == .unusable(reason: reason))
    #expect(gpus[1].isOfferable)
  }

  @Test(
    "remarks on one that works",
    arguments: [
      (
        "remapped_rows_corrected = 1\nremapped_rows_uncorrected = 0\nremapped_rows_pending = 1",
        "faulty memory is set aside at the next reset"
      ),
      ("retired_pages_pending = 1", "faulty memory is set aside at the next reset"),
      (
        "ecc_mode = on\necc_uncorrected_volatile = 3",
        "3 uncorrected memory errors since the driver was loaded"
      ),
      ("row_remapper_histogram = 600, 30, 9, 0, 1", "1 memory banks have no spare rows left"),
      (
        "sram_aggregate_parity = 9\nsram_threshold_exceeded = 1",
        "errors of on-chip memory are over the threshold"
      ),
      ("clocks_event_reasons = hw_thermal idle", "slowed down: hardware_thermal"),
      (
        "power_usage_mw = !NO_PERMISSION\nGetEccMode = NO_PERMISSION\nGetTemperature = 4",
        "limited: no permission to ask for ecc_mode, ecc_pending, power_milliwatts and 1 more"
      ),
      (
        "pcie_width_current = 8\npcie_width_max = 16", "PCI Express runs 8 of 16 lanes"
      ),
    ])
  func warnings(line: String, warning: String) throws {
    let gpu = try FakeDriver.gpus(FakeDriver.h100(0, line))[0]
    #expect(gpu.state == .usable)
    #expect(gpu.warnings == [warning])
  }

  @Test("a sound GPU says nothing, and what it does not say is nil")
  func sound() throws {
    let gpu = try FakeDriver.gpus(FakeDriver.h100(0))[0]
    #expect(gpu.state == .usable && gpu.warnings.isEmpty)
    for name in ["power_milliwatts", "temperature_celsius", "ecc_mode", "retired_double_bit"] {
      #expect(gpu.readings[name] == nil, "\(name)")
    }
    #expect(gpu.mig.isEnabled == nil && gpu.mig.instances?.isEmpty == true)
  }

  @Test("numbers come with their units")
  func readings() throws {
    let gpu = try FakeDriver.gpus(
      FakeDriver.h100(
        0,
        """
        gpu_utilization = 71
        memory_utilization = 3
        power_usage_mw = 412000
        power_enforced_limit_mw = 700000
        energy_mj = 5000000000
        temperature_c = 54
        temperature_slowdown_c = 87
        clock_sm_mhz = 1980
        max_clock_sm_mhz = 1980
        clocks_event_reasons = sw_power_cap
        retired_pages_uncorrected = 2
        pcie_gen_current = 4
        pcie_gen_gpu_max = 5
        minor_number = 3
        """))[0]
    let expected: [String: UInt64] = [
      "utilization_percent": 71, "power_milliwatts": 412_000, "power_limit_milliwatts": 700_000,
      "energy_millijoules": 5_000_000_000, "temperature_celsius": 54,
      "temperature_slowdown_celsius": 87, "clock_sm_mhz": 1980, "clock_sm_max_mhz": 1980,
      "retired_double_bit": 2, "pcie_generation": 4, "pcie_generation_gpu": 5, "minor": 3,
    ]
    for (name, value) in expected { #expect(gpu.readings[name] == value, "\(name)") }
    #expect(gpu.readings.clockReasons == ["power_cap"])
    #expect(gpu.readings.architecture == "hopper" && gpu.computeCapability == "9.0")
    #expect(gpu.pci?.device.text == "10de:2330")
  }

  @Test("a library of 2018 is enough for name, memory and processes")
  func old() throws {
    let gpu = try FakeDriver.gpus(
      FakeDriver.h100(0, "power_usage_mw = 1000")
        + "[gpu 0 process 0]\npid = 5\nmemory = 1 GiB\n", edition: .of2018)[0]
    #expect(gpu.isOfferable)
    #expect(gpu.memory?.reservedBytes == nil)
    #expect(gpu.memory?.usedBytes == (1 << 30) + (551 << 20))
    #expect(gpu.processes?.map(\.pid) == [5])
    #expect(gpu.mig.isEnabled == nil)
    #expect(gpu.readings["power_milliwatts"] == 1000)
  }

  @Test("more GPUs than eight")
  func many() throws {
    let gpus = try FakeDriver.gpus((0..<20).map { FakeDriver.h100($0) }.joined())
    #expect(gpus.count == 20 && gpus.allSatisfy { $0.isOfferable })
    #expect(gpus[0].links?.count == 19)
  }

  @Test("texts without an end are cut")
  func unterminated() throws {
    let gpu = try FakeDriver.gpus(FakeDriver.h100(0, "text = unterminated"))[0]
    let name = try #require(gpu.name)
    #expect(name.count <= ProbeLimits.nameCharacters && name.hasPrefix("NVIDIA H100"))
  }
}
