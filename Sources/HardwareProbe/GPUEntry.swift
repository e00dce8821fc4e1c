/// One GPU as NVML shows it. A field is nil when the driver does not say.
public struct GPUEntry: Sendable, Equatable {
  /// NVML's index, which changes with the driver and inside containers: the key is `uuid`.
  public var index: Int
  /// The GPU's own identifier, such as `GPU-5d1c…`.
  public var uuid: String?
  /// The product name, such as `NVIDIA H200`.
  public var name: String?
  /// Memory of the whole GPU and what of it is taken; nil for a GPU that shares the host's memory
  /// and for one that did not answer.
  public var memory: GPUMemory?
  /// Whether it can take work.
  public var state: GPUState
  /// The hardware profile, and which rule found it.
  public var profile: ProfileMatch

  /// Makes an entry of the given parts.
  public init(
    index: Int, uuid: String?, name: String?, memory: GPUMemory?, state: GPUState,
    profile: ProfileMatch
  ) {
    self.index = index
    self.uuid = uuid
    self.name = name
    self.memory = memory
    self.state = state
    self.profile = profile
  }

  /// True when the GPU answers, says who it is, and has a profile by which it can be priced.
  public var isOfferable: Bool { state == .usable && uuid != nil && profile.name != nil }
}

/// Memory of a GPU, in bytes.
public struct GPUMemory: Sendable, Equatable {
  /// All of it, the driver's own part included.
  public var totalBytes: UInt64
  /// What is taken. Without `reservedBytes` this includes the driver's own part.
  public var usedBytes: UInt64
  /// The driver's own part; nil when the driver is too old to tell it apart.
  public var reservedBytes: UInt64?

  /// Makes a memory of the given bytes.
  public init(totalBytes: UInt64, usedBytes: UInt64, reservedBytes: UInt64?) {
    self.totalBytes = totalBytes
    self.usedBytes = usedBytes
    self.reservedBytes = reservedBytes
  }
}

/// Whether a GPU can take work.
public enum GPUState: Sendable, Equatable {
  /// It answers every question that was asked.
  case usable
  /// It exists, but this process may not open it: it is somebody else's.
  case notPermitted(reason: String)
  /// It must not be offered; the reason in words, with NVML's code where one was given.
  case unusable(reason: String)

  /// One word for programs: `usable`, `not_permitted`, `unusable`.
  public var word: String {
    switch self {
    case .usable: "usable"
    case .notPermitted: "not_permitted"
    case .unusable: "unusable"
    }
  }

  /// Why it is not usable; nil when it is.
  public var reason: String? {
    switch self {
    case .usable: nil
    case .notPermitted(let reason), .unusable(let reason): reason
    }
  }
}

/// How NVML answered. Every case but `running` leaves the machine with its CPUs only.
public enum NVMLStatus: Sendable, Equatable {
  /// It runs; versions are nil when it does not say.
  case running(path: String, driverVersion: String?, nvmlVersion: String?)
  /// The probe was told not to ask.
  case notAsked
  /// No library was found; the words of the loader for the last place.
  case noLibrary(reason: String)
  /// A library was found but may not be loaded by a privileged process.
  case notTrusted(path: String, reason: String)
  /// A library was loaded that lacks a symbol without which nothing works.
  case unfitLibrary(path: String, reason: String)
  /// The library was loaded, but the driver does not answer.
  case driverFailed(path: String, code: Int32, reason: String)

  /// One word for programs.
  public var word: String {
    switch self {
    case .running: "running"
    case .notAsked: "not_asked"
    case .noLibrary: "no_library"
    case .notTrusted: "not_trusted"
    case .unfitLibrary: "unfit_library"
    case .driverFailed: "driver_failed"
    }
  }

  /// Why there are no GPUs, in words; nil when NVML runs.
  public var reason: String? {
    switch self {
    case .running: nil
    case .notAsked: "NVML was not asked"
    case .noLibrary(let reason): "no NVML library: \(reason)"
    case .notTrusted(let path, let reason): "NVML library \(path) not trusted: \(reason)"
    case .unfitLibrary(let path, let reason): "NVML library \(path) unfit: \(reason)"
    case .driverFailed(_, _, let reason): reason
    }
  }

  /// The library that was loaded or refused; nil when none was.
  public var path: String? {
    switch self {
    case .running(let path, _, _), .notTrusted(let path, _), .unfitLibrary(let path, _),
      .driverFailed(let path, _, _):
      path
    case .notAsked, .noLibrary: nil
    }
  }
}
