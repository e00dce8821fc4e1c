import HardwareProbe

/// The hidden commands by which the agent starts itself to talk to the driver in another process.
enum DriverCommand {
  static let recordWord = "driver-record"
  static let eventsWord = "driver-events"

  /// Nobody sees what goes wrong here but through the record, so a bad flag only ends the process.
  static func run(_ word: String, _ words: [String]) -> Int32 {
    var search = Probe.NVMLSearch.standard
    var skipping: Set<Int> = []
    for word in words {
      if word.hasPrefix("--nvml=") {
        search = .library(path: String(word.dropFirst("--nvml=".count)))
      } else if word.hasPrefix("--driver-root=") {
        search = .driverRoot(path: String(word.dropFirst("--driver-root=".count)))
      } else if word.hasPrefix("--skip=") {
        skipping = Set(word.dropFirst("--skip=".count).split(separator: ",").compactMap { Int($0) })
      } else {
        return 2
      }
    }
    let isRead =
      word == recordWord
      ? DriverRecord.write(search, skipping: skipping) : DriverEvents.write(search)
    return isRead ? 0 : 1
  }

  /// The flags that make a started agent look where this one looks.
  static func arguments(_ word: String, _ search: Probe.NVMLSearch) -> [String] {
    switch search {
    case .library(let path): [word, "--nvml=\(path)"]
    case .driverRoot(let path): [word, "--driver-root=\(path)"]
    case .standard, .none: [word]
    }
  }
}
