/// The hardware profiles of one directory.
public struct ProfileCatalogue: Sendable, Equatable {
  /// The profiles, sorted by name.
  public var profiles: [HardwareProfile]
  /// Makes a catalogue of the given profiles.
  public init(profiles: [HardwareProfile]) {
    self.profiles = profiles.sorted { $0.name < $1.name }
  }
}
