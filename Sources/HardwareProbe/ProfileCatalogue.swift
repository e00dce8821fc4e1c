internal import StrictJSON

/// The hardware profiles of one directory.
public struct ProfileCatalogue: Sendable, Equatable {
  /// The profiles, sorted by name; names are unique.
  public let profiles: [HardwareProfile]

  /// Makes a catalogue of the given profiles.
  ///
  /// - Throws: `ProfileErrors` when two profiles have one name, or claim one device.
  public init(profiles: [HardwareProfile]) throws(ProfileErrors) {
    self.profiles = profiles.sorted { $0.name < $1.name }
    var owners: [String: String] = [:]
    var messages: [String] = []
    for profile in self.profiles {
      let claims =
        ["profile name \(profile.name)"] + profile.match.nvmlNames.map { "NVML name \($0)" }
        + profile.match.pciDeviceIDs.map { "PCI device \($0)" }
        + [profile.match.cpuArchitecture].compactMap { $0 }.map { "architecture \($0)" }
      for claim in Set(claims).sorted() {
        if let owner = owners[claim] {
          messages.append("\(claim) is claimed by \(owner) and by \(profile.name)")
        }
        owners[claim] = profile.name
      }
    }
    if !messages.isEmpty { throw ProfileErrors(messages: messages) }
  }

  /// Reads every `*.json` of a directory.
  ///
  /// - Throws: `ProfileErrors` with all errors of all files: a catalogue with holes would price
  ///   devices by whatever happens to match instead.
  public init(directory: String) throws(ProfileErrors) {
    guard let names = Syscalls.listDirectory(directory, limit: ProbeLimits.directoryEntries) else {
      throw ProfileErrors(
        messages: ["\(directory): cannot be read; name a directory of hardware profiles"])
    }
    let files = names.filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }
    if files.isEmpty {
      throw ProfileErrors(messages: ["\(directory): no hardware profile (*.json) in it"])
    }
    if files.count > ProbeLimits.profiles {
      throw ProfileErrors(messages: ["\(directory): more than \(ProbeLimits.profiles) profiles"])
    }
    var profiles: [HardwareProfile] = []
    var messages: [String] = []
    for file in files {
      let path = "\(directory)/\(file)"
      do throws(ProfileErrors) {
        switch Syscalls.readFile(path, limit: ProbeLimits.profileBytes) {
        case .text(let text): profiles.append(try HardwareProfile(json: text, file: path))
        case .absent: throw ProfileErrors(messages: ["\(path): cannot be read"])
        case .refused(let reason): throw ProfileErrors(messages: ["\(path): \(reason)"])
        }
      } catch {
        messages += error.messages
      }
    }
    if !messages.isEmpty { throw ProfileErrors(messages: messages) }
    try self.init(profiles: profiles)
  }

  /// The profile of that name; nil when there is none.
  ///
  /// - Complexity: O(profiles).
  public func profile(named name: String) -> HardwareProfile? {
    profiles.first { $0.name == name }
  }
}

/// What is wrong with hardware profiles, one line each: `FILE:line:column: path: problem; hint`.
public struct ProfileErrors: Error, Sendable, Equatable, CustomStringConvertible {
  /// The lines; never empty.
  public let messages: [String]

  /// Makes an error of the given lines.
  public init(messages: [String]) { self.messages = messages }

  /// All lines.
  public var description: String { messages.joined(separator: "\n") }
}
