import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite("A GPU that was reset")
struct ResetTests {
  private static let uuid = "GPU-a"
  private static let xid = DriverEvent(kind: .xid, uuid: uuid, data: 95)
  private static let second: UInt64 = 1_000_000_000

  /// A look at a node of one GPU; `change` makes it what it is to be.
  private func look(_ change: (inout GPUEntry) -> Void = { _ in }) -> NodeInventory {
    var gpu = GPUEntry(
      index: 0, uuid: Self.uuid, name: "NVIDIA H200", memory: nil, state: .usable,
      profile: .notChecked)
    gpu.pciBusID = "00000000:1B:00.0"
    change(&gpu)
    var inventory = MIGTests.inventory([gpu])
    inventory.nvml = .running(path: "l", driverVersion: nil, nvmlVersion: nil)
    return inventory
  }

  private func lost() -> NodeInventory {
    look { gpu in
      gpu.uuid = nil
      gpu.pciBusID = nil
      gpu.isLost = true
      gpu.state = .unusable(reason: "GPU is lost (NVML code 15)")
    }
  }

  private func counting(_ energy: UInt64?, persistence: UInt64 = 1) -> NodeInventory {
    look { gpu in
      gpu.readings.numbers = [("persistence", persistence)]
      if let energy { gpu.readings.numbers.append(("energy_millijoules", energy)) }
    }
  }

  private func asking(_ action: String?) -> NodeInventory {
    look { gpu in
      gpu.readings.recoveryAction = action
      if let action, action != "none" {
        gpu.state = .unusable(reason: "the driver asks for: \(action)")
      }
    }
  }

  /// The words of the GPU's health after each look, an XID that only a reset mends before the
  /// first, and the signs of resets that were told.
  private func run(_ looks: [NodeInventory]) -> (words: [String], signs: [String]) {
    var health = NodeHealth()
    var signs: [String] = []
    let words = looks.enumerated().map { index, look in
      let changes = health.look(
        look, after: index == 0 ? [Self.xid] : [], at: UInt64(index) * Self.second)
      for case .reset(_, let sign) in changes { signs.append(sign) }
      return health.health(of: Self.uuid)?.word ?? "-"
    }
    return (words, signs)
  }

  private let cleared = ["needs_reset", "needs_reset", "unknown", "healthy"]

  @Test("one that only answers well was not reset")
  func noSign() {
    let (words, signs) = run(Array(repeating: look(), count: 50))
    #expect(Set(words) == ["needs_reset"] && signs.isEmpty)
  }

  @Test("lost and back, three good looks, and it is looked at anew")
  func lostAndBack() {
    let (words, signs) = run([look(), lost(), look(), look(), look(), look()])
    #expect(words == ["needs_reset", "needs_reset"] + cleared)
    #expect(signs == ["it was lost and answers again"])
  }

  @Test("a GPU taken off the bus and put back was reset; one that is only hidden was not")
  func absent() {
    var gone = look()
    gone.gpus = []
    let back = [look(), look(), look(), look()]
    #expect(run([look(), gone] + back).words.suffix(4) == cleared[...])
    var hidden = look()
    hidden.gpus[0].source = .sysfs
    hidden.gpus[0].state = .notPermitted(reason: "NVML does not show it to this process")
    #expect(Set(run([look(), hidden] + back).words) == ["needs_reset"])
    gone.nvml = .late(deadlineMilliseconds: 5)
    #expect(Set(run([look(), gone] + back).words) == ["needs_reset"])
    let silent = look { gpu in
      (gpu.uuid, gpu.pciBusID, gpu.state) = (nil, nil, .unknown(reason: "it hangs"))
    }
    #expect(Set(run([look(), silent] + back).words) == ["needs_reset"])
  }

  @Test("a driver that no longer asks for a reset says that there was one")
  func asked() {
    let (words, signs) = run(
      [asking("reset"), asking(nil)] + Array(repeating: asking("none"), count: 4))
    #expect(words == ["needs_reset", "needs_reset"] + cleared)
    #expect(signs == ["the driver no longer asks for reset"])
    let still = [asking("reset")] + Array(repeating: asking(nil), count: 9)
    #expect(Set(run(still).words) == ["needs_reset"], "what is not told is no answer")
  }

  @Test("a counter that began anew is a sign, with persistence only")
  func counters() {
    let looks = [counting(900), counting(950), counting(3), counting(5), counting(7), counting(9)]
    #expect(run(looks).words == ["needs_reset", "needs_reset"] + cleared)
    #expect(run(looks).signs == ["energy_millijoules began anew"])
    let off = [900, 3, 5, 7, 9].map { counting($0, persistence: 0) }
    #expect(Set(run(off).words) == ["needs_reset"])
    let untold = [900, nil, 900, nil, 901, 902].map { counting($0) }
    #expect(Set(run(untold).words) == ["needs_reset"])
    let always = [900, 800, 700, 600, 500, 400].map { counting($0) }
    #expect(Set(run(always).words) == ["needs_reset"], "it never settles")
  }

  @Test("a bad look, or a new error, begins the count again")
  func hysteresis() {
    let bad = look { $0.state = .unusable(reason: "x") }
    #expect(
      Set(run([look(), lost(), look(), look(), bad, look(), look()]).words) == ["needs_reset"])
    #expect(run([look(), lost(), look(), bad, look(), look(), look()]).words.last == "unknown")
    var health = NodeHealth()
    for look in [look(), lost(), look(), look()] {
      _ = health.look(look, after: look.gpus[0].isLost ? [Self.xid] : [], at: 1)
    }
    #expect(health.look(look(), after: [Self.xid], at: 2).isEmpty)
    for _ in 0..<9 { _ = health.look(look(), after: [], at: 3) }
    #expect(health.health(of: Self.uuid)?.word == "needs_reset", "the sign was of before")
  }

  @Test("a healthy GPU is not doubted because a counter began anew")
  func healthy() {
    var health = NodeHealth()
    for energy: UInt64 in [5, 6, 7, 1, 2, 3, 4, 5] {
      _ = health.look(counting(energy), after: [], at: 0)
    }
    #expect(health.health(of: Self.uuid) == .healthy)
  }

  @Test("with its GPU every MIG device that needed the reset is looked at anew, and no other")
  func partitions() {
    func cut(_ energy: UInt64) -> NodeInventory {
      var inventory = counting(energy)
      inventory.gpus[0].mig.isEnabled = true
      inventory.gpus[0].mig.instances = [1, 2].map { number in
        var instance = MIGInstance(position: number)
        instance.uuid = "MIG-\(number)"
        instance.gpuInstance = UInt32(number)
        return instance
      }
      return inventory
    }
    var health = NodeHealth()
    for energy: UInt64 in [7, 8, 9] { _ = health.look(cut(energy), after: [], at: 0) }
    let xid = DriverEvent(kind: .xid, uuid: Self.uuid, data: 95, gpuInstance: 2)
    _ = health.look(cut(10), after: [xid], at: 0)
    func words() -> [String?] {
      [Self.uuid, "MIG-1", "MIG-2"].map { health.health(of: $0)?.word }
    }
    #expect(words() == ["healthy", "healthy", "needs_reset"])
    for energy: UInt64 in [1, 2, 3] { _ = health.look(cut(energy), after: [], at: 0) }
    #expect(words() == ["healthy", "healthy", "unknown"])
    _ = health.look(cut(4), after: [], at: 0)
    #expect(words() == ["healthy", "healthy", "healthy"])
  }

  @Test("which codes say that a GPU is lost", arguments: [15, 16, 28, 8, 14, 3, 9])
  func lostCodes(code: Int) throws {
    let isLost = [15, 16, 28].contains(code)
    for key in ["handle", "GetPowerUsage"] {
      let gpu = try FakeDriver.gpus(FakeDriver.h100(0, "\(key) = \(code)"))[0]
      #expect(gpu.isLost == isLost, "\(key)")
    }
  }
}
