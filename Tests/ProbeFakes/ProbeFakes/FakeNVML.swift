internal import Glibc

/// A copy of the fake `libnvidia-ml.so.1` with its own configuration beside it.
///
/// The loader tells libraries apart by their file, so every copy is a machine of its own, and tests
/// that run side by side do not share one.
public struct FakeNVML: Sendable {
  /// Which names the library has.
  public enum Edition: Sendable {
    /// All that NVML has today.
    case current
    /// Those of a driver of 2018: no later versions of calls, no MIG, no init with flags.
    case of2018

    var file: String {
      switch self {
      case .current: "libFakeNVML.so"
      case .of2018: "libFakeNVML2018.so"
      }
    }
  }

  /// The library: give it to the probe by its path.
  public var path: String { directory.root + "/libnvidia-ml.so.1" }

  /// The folder of the library: what LD_LIBRARY_PATH must name for a program that looks it up.
  public var folder: String { directory.root }

  private let directory: FakeMachine

  /// Makes a copy that reads `configuration`; the form is described in Tests/ProbeFakes/README.md.
  ///
  /// - Returns: nil when the built library, `libFakeNVML.so` or `libFakeNVML2018.so`, is not beside
  ///   the running program.
  public init?(_ configuration: String, edition: Edition = .current) {
    guard let library = Self.builtLibrary(edition.file) else { return nil }
    directory = FakeMachine()
    directory.write(bytes: library, to: "/libnvidia-ml.so.1")
    configure(configuration)
  }

  /// Changes the configuration; the next call reads it. It is replaced in one step, so that no call
  /// sees half of it.
  public func configure(_ configuration: String) {
    directory.write(configuration, to: "/fake_nvml.ini.new")
    rename(folder + "/fake_nvml.ini.new", folder + "/fake_nvml.ini")
  }

  private static func builtLibrary(_ name: String) -> [UInt8]? {
    guard let resolved = realpath("/proc/self/exe", nil) else { return nil }
    defer { free(resolved) }
    let executable = String(cString: resolved)
    let directory = executable[..<(executable.lastIndex(of: "/") ?? executable.startIndex)]
    return FakeMachine.bytes(of: "\(directory)/\(name)")
  }
}
