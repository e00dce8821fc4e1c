internal import Glibc

/// A copy of the fake `libnvidia-ml.so.1` with its own configuration beside it.
///
/// The loader tells libraries apart by their file, so every copy is a machine of its own, and tests
/// that run side by side do not share one.
public struct FakeNVML: Sendable {
  /// The library: give it to the probe by its path.
  public var path: String { directory.root + "/libnvidia-ml.so.1" }

  private let directory: FakeMachine

  /// Makes a copy that reads `configuration`; the form is described in `fake_nvml.h`.
  ///
  /// - Returns: nil when `libFakeNVML.so` is not beside the running program.
  public init?(_ configuration: String) {
    guard let library = Self.builtLibrary() else { return nil }
    directory = FakeMachine()
    directory.write(bytes: library, to: "/libnvidia-ml.so.1")
    configure(configuration)
  }

  /// Changes the configuration; the next init reads it.
  public func configure(_ configuration: String) {
    directory.write(configuration, to: "/fake_nvml.ini")
  }

  private static func builtLibrary() -> [UInt8]? {
    guard let resolved = realpath("/proc/self/exe", nil) else { return nil }
    defer { free(resolved) }
    let executable = String(cString: resolved)
    let directory = executable[..<(executable.lastIndex(of: "/") ?? executable.startIndex)]
    guard let file = fopen("\(directory)/libFakeNVML.so", "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
  }
}
