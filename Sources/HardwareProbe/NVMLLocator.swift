/// Where NVML may be, and which of those places may be believed.
enum NVMLLocator {
  /// The environment variable that names a library; ignored by a privileged process.
  static let variable = "POOL_NVML_LIBRARY"

  /// The name by which the loader finds it. Never the name without a version: that is the link
  /// for compilers, and may be a stub.
  static let soname = "libnvidia-ml.so.1"

  /// Places that a loader's configuration may miss, tried after the plain name.
  static let fallbacks = [
    "/usr/lib/wsl/lib/libnvidia-ml.so.1",
    "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
    "/usr/lib/aarch64-linux-gnu/libnvidia-ml.so.1",
    "/usr/lib64/libnvidia-ml.so.1",
    "/usr/local/nvidia/lib64/libnvidia-ml.so.1",
    "/run/nvidia/driver/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
    "/run/nvidia/driver/usr/lib/aarch64-linux-gnu/libnvidia-ml.so.1",
    "/run/nvidia/driver/usr/lib64/libnvidia-ml.so.1",
  ]

  /// The loader's own variable, by which the plain name may lead anywhere.
  static let loaderVariable = "LD_LIBRARY_PATH"

  /// The places to try, in order. A named library is the only one: falling back from it to
  /// another would answer a question that nobody asked.
  ///
  /// - Parameter loaderPath: What the environment tells the loader. A privileged process does not
  ///   ask by the plain name then, since the loader would believe it.
  static func candidates(
    explicit: String?, environment: String?, loaderPath: String? = nil, isPrivileged: Bool
  ) -> (paths: [String], note: String?) {
    if let explicit { return ([explicit], nil) }
    guard isPrivileged else {
      return (environment.map { [$0] } ?? [soname] + fallbacks, nil)
    }
    let ignored = [(variable, environment), (loaderVariable, loaderPath)]
      .filter { $0.1 != nil }.map(\.0)
    let note =
      ignored.isEmpty
      ? nil : "\(ignored.joined(separator: " and ")) not heeded in a privileged process"
    return ((loaderPath == nil ? [soname] : []) + fallbacks, note)
  }

  /// The places to try for a search; none when nothing is searched.
  static func candidates(
    for search: Probe.NVMLSearch, isPrivileged: Bool
  ) -> (paths: [String], note: String?) {
    var explicit: String?
    switch search {
    case .none: return ([], nil)
    case .library(let path): explicit = path
    case .standard: break
    }
    return candidates(
      explicit: explicit, environment: Syscalls.environment(variable),
      loaderPath: Syscalls.environment(loaderVariable), isPrivileged: isPrivileged)
  }

  /// Why a privileged process must not load `path`; nil when it may.
  ///
  /// Whoever can write the file, or swap any directory on the way to it, would run code as root.
  /// A directory that others can write is safe only when it is sticky: then they cannot replace
  /// an entry that belongs to root.
  ///
  /// - Parameters:
  ///   - path: An absolute path without symbolic links.
  ///   - ownership: Owner and mode of a path.
  static func distrust(
    _ path: String, ownership: (String) -> Syscalls.Ownership?
  ) -> String? {
    guard path.hasPrefix("/") else { return "not an absolute path" }
    guard let file = ownership(path), file.isFile else { return "not a regular file" }
    if file.userID != 0 { return "not owned by root" }
    if file.mode & 0o022 != 0 { return "writable by others than root" }
    var directory = Substring(path)
    while let slash = directory.lastIndex(of: "/") {
      directory = directory[..<slash]
      let name = directory.isEmpty ? "/" : String(directory)
      guard let owner = ownership(name), owner.isDirectory else { return "\(name): no directory" }
      if owner.userID != 0 { return "\(name) is not owned by root" }
      if owner.mode & 0o022 != 0 && owner.mode & 0o1000 == 0 {
        return "\(name) is writable by others than root"
      }
    }
    return nil
  }
}
