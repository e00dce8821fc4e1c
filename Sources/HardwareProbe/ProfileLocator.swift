/// Finds the directory of hardware profiles.
///
/// In this order, the first that applies, and no other after it fails:
/// 1. the directory that the caller names (`--profiles DIR`);
/// 2. the environment variable `POOL_HARDWARE_PROFILES`, not in a privileged process;
/// 3. `share/pool-allocator/hardware-profiles` beside the program's `bin`, else
///    `hardware-profiles` beside the program or at most four directories up (a checkout);
/// 4. `/usr/local/share/pool-allocator/hardware-profiles`, then the same below `/usr/share`.
///
/// In a privileged process a directory of 3 counts only when it belongs to root or to the owner of
/// the program and nobody else may write it: profiles are prices.
public enum ProfileLocator {
  /// The environment variable that names a directory.
  public static let variable = "POOL_HARDWARE_PROFILES"

  /// Who named a directory.
  public enum Origin: String, Sendable, CaseIterable {
    case caller, environment, program, system
  }

  /// Where profiles were looked for and found.
  public struct Location: Sendable, Equatable {
    /// The directory; nil when there is none.
    public var directory: String?
    /// Who named it; nil when there is none.
    public var origin: Origin?
    /// Every directory that was looked at, the last being the one that was found.
    public var tried: [String]
    /// What an operator should know, each one clause.
    public var notes: [String]
  }

  static let systemDirectories = [
    "/usr/local/share/pool-allocator/hardware-profiles",
    "/usr/share/pool-allocator/hardware-profiles",
  ]

  /// Looks on the running machine. A directory that was named is answered whether or not it is
  /// there: reading it says what is wrong.
  ///
  /// - Parameter named: What the caller names; nil when nothing.
  public static func locate(named: String?) -> Location {
    locate(
      named: named, environment: Syscalls.environment(variable),
      program: Syscalls.resolve("/proc/self/exe"), isPrivileged: Syscalls.isPrivileged(),
      ownership: Syscalls.ownership)
  }

  /// The decision. Pure but for `ownership`, which tells owner and mode of a path.
  static func locate(
    named: String?, environment: String?, program: String?, isPrivileged: Bool,
    ownership: (String) -> Syscalls.Ownership?
  ) -> Location {
    if let named {
      return Location(directory: named, origin: .caller, tried: [named], notes: [])
    }
    var location = Location(directory: nil, origin: nil, tried: [], notes: [])
    if let environment {
      if !isPrivileged {
        return Location(
          directory: environment, origin: .environment, tried: [environment], notes: [])
      }
      location.notes.append("\(variable) is ignored in a privileged process")
    }
    let owner = program.flatMap { ownership($0)?.userID }
    for path in besides(program) {
      location.tried.append(path)
      guard let found = ownership(path), found.isDirectory else { continue }
      let isOwn = found.userID == 0 || found.userID == owner
      if isPrivileged, !isOwn || found.mode & 0o022 != 0 {
        location.notes.append("\(path) is passed over: others than its owner may write it")
        continue
      }
      location.directory = path
      location.origin = .program
      return location
    }
    for path in systemDirectories {
      location.tried.append(path)
      guard ownership(path)?.isDirectory == true else { continue }
      location.directory = path
      location.origin = .system
      return location
    }
    return location
  }

  /// The places beside a program, nearest first but for that of an installation.
  private static func besides(_ program: String?) -> [String] {
    guard let program else { return [] }
    var parts = program.split(separator: "/").dropLast()
    func joined(_ parts: some Sequence<Substring>, _ below: String) -> String {
      (Array(parts) + [Substring(below)]).map { "/" + $0 }.joined()
    }
    var paths = [joined(parts.dropLast(), "share/pool-allocator/hardware-profiles")]
    for _ in 0..<5 where !parts.isEmpty {
      paths.append(joined(parts, "hardware-profiles"))
      parts = parts.dropLast()
    }
    return paths
  }
}
