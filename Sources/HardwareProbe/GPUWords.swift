/// NVML's numbers in words. Pure tables; a number that a table lacks is shown as a number.
enum GPUWords {
  /// Generations of chips.
  static func architecture(_ number: UInt64) -> String {
    let words: [UInt64: String] = [
      2: "kepler", 3: "maxwell", 4: "pascal", 5: "volta", 6: "turing", 7: "ampere", 8: "ada",
      9: "hopper", 10: "blackwell", 13: "rubin",
    ]
    return words[number] ?? "nvml-\(number)"
  }

  /// Why clocks are lower than they could be, lowest bit first.
  static func clockReasons(_ bits: UInt64) -> [String] {
    let words = [
      "idle", "application_clocks", "power_cap", "hardware_slowdown", "sync_boost",
      "software_thermal", "hardware_thermal", "power_brake", "display_clocks", "board_limit",
      "reliability",
    ]
    return (0..<64).filter { bits & (1 << $0) != 0 }.map { bit in
      bit < words.count ? words[bit] : "bit-\(bit)"
    }
  }

  /// Reasons that speak of trouble rather than of saving.
  static let slowdowns: Set<String> = ["hardware_slowdown", "hardware_thermal", "power_brake"]

  /// What the driver asks for to mend a GPU.
  static func recoveryAction(_ number: UInt64) -> String {
    let words = [
      "none", "reset", "reboot", "drain_p2p", "drain_and_reset", "imex_recovery", "bus_reset",
      "system_reboot",
    ]
    return number < words.count ? words[Int(number)] : "nvml-\(number)"
  }

  /// States of the NVLink fabric.
  static func fabricState(_ number: UInt64) -> String {
    let words = ["not_supported", "not_started", "in_progress", "completed"]
    return number < words.count ? words[Int(number)] : "nvml-\(number)"
  }

  /// Modes of computing.
  static func computeMode(_ number: UInt64) -> String {
    let words = ["default", "exclusive_thread", "prohibited", "exclusive_process"]
    return number < words.count ? words[Int(number)] : "nvml-\(number)"
  }

  /// Generation of NVLink; NVML counts half steps. Nil for a number that is none.
  static func linkVersion(_ number: UInt64) -> Int? {
    switch number {
    case 1: 1
    case 2, 3: 2
    case 4, 5: 3
    case 6: 4
    case 7: 5
    default: nil
    }
  }

  /// What is at the other end of a port.
  static func remote(_ number: UInt64?) -> GPULink.Remote {
    switch number {
    case 0: .gpu
    case 1: .npu
    case 2: .nvswitch
    default: .unknown
    }
  }

  /// What two GPUs have in common.
  static func path(_ number: UInt64) -> GPULink.Path? {
    switch number {
    case 0: .board
    case 10: .single
    case 20: .multiple
    case 30: .hostbridge
    case 40: .node
    case 50: .system
    default: nil
    }
  }
}
