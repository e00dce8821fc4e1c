/// Where NVML may be, and which of those places may be believed.
enum NVMLLocator {
  /// The environment variable that names a library; ignored by a privileged process.
  static let variable = "POOL_NVML_LIBRARY"

  /// The name by which the loader finds it. Never the name without a version: that is the link
  /// for compilers, and may be a stub.
  static let soname = "libnvidia-ml.so.1"

  /// Where Windows puts the libraries of its driver for Linux below it.
  static let wslFolder = "/usr/lib/wsl/lib"

  /// Folders of libraries below the root of a system, in the order in which they are searched.
  static let libraryFolders = [
    "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64",
    "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
  ]

  /// Where a driver that runs in a container puts its files.
  static let driverRoot = "/run/nvidia/driver"

  /// Places that a loader's configuration may miss, tried after the plain name.
  static let fallbacks =
    [
      "\(wslFolder)/\(soname)",
      "/usr/lib/x86_64-linux-gnu/\(soname)",
      "/usr/lib/aarch64-linux-gnu/\(soname)",
      "/usr/lib64/\(soname)",
      "/usr/local/nvidia/lib64/\(soname)",
    ] + places(below: driverRoot)

  /// The places where a driver has it whose files are below `root`.
  static func places(below root: String) -> [String] {
    libraryFolders.map { "\(root)\($0)/\(soname)" }
  }

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

  /// Whether a search is for what somebody named, and not for whatever there is.
  static func isNamed(_ search: Probe.NVMLSearch) -> Bool {
    switch search {
    case .none: false
    case .library, .driverRoot: true
    case .standard: !Syscalls.isPrivileged() && Syscalls.environment(variable) != nil
    }
  }

  /// The places to try for a search; none when nothing is searched.
  static func candidates(
    for search: Probe.NVMLSearch, isPrivileged: Bool
  ) -> (paths: [String], note: String?) {
    var explicit: String?
    switch search {
    case .none: return ([], nil)
    case .library(let path): explicit = path
    case .driverRoot(let path):
      var root = path
      while root.hasSuffix("/") { root.removeLast() }
      return (places(below: root), nil)
    case .standard: break
    }
    return candidates(
      explicit: explicit, environment: Syscalls.environment(variable),
      loaderPath: Syscalls.environment(loaderVariable), isPrivileged: isPrivileged)
  }

  /// What may be given to the loader.
  enum Admission: Equatable {
    /// This, by name or path.
    case path(String)
    /// There is no such file.
    case missing
    /// The file must not be loaded; why.
    case refused(reason: String)
  }

  /// What of a candidate may be given to the loader. In a privileged process that is the plain
  /// name, for which the loader has its own places, and an absolute path that root alone can write.
  static func admit(
    _ candidate: String, plainName: String = soname, isPrivileged: Bool
  ) -> Admission {
    guard isPrivileged, candidate != plainName else { return .path(candidate) }
    guard candidate.hasPrefix("/") else { return .refused(reason: "not an absolute path") }
    guard let resolved = Syscalls.resolve(candidate) else { return .missing }
    if let reason = distrust(resolved, ownership: Syscalls.ownership) {
      return .refused(reason: reason)
    }
    return .path(resolved)
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
