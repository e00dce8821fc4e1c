/// How NVML answered. Every case but `running` and `described` leaves the machine with its CPUs
/// only.
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
  /// Nothing came from the process that asks the driver before its deadline, in milliseconds.
  case late(deadlineMilliseconds: Int)
  /// The process that asks the driver could not be started, died, or wrote what makes no sense.
  case askerFailed(reason: String)
  /// The machine is described, not probed.
  case described(driverVersion: String?, nvmlVersion: String?)

  /// One word for programs.
  public var word: String {
    switch self {
    case .running: "running"
    case .notAsked: "not_asked"
    case .noLibrary: "no_library"
    case .notTrusted: "not_trusted"
    case .unfitLibrary: "unfit_library"
    case .driverFailed: "driver_failed"
    case .late: "late"
    case .askerFailed: "asker_failed"
    case .described: "described"
    }
  }

  /// Why there are no GPUs, in words; nil when NVML runs.
  public var reason: String? {
    switch self {
    case .running, .described: nil
    case .notAsked: "NVML was not asked"
    case .noLibrary(let reason): "no NVML library: \(reason)"
    case .notTrusted(let path, let reason): "NVML library \(path) not trusted: \(reason)"
    case .unfitLibrary(let path, let reason): "NVML library \(path) unfit: \(reason)"
    case .driverFailed(_, _, let reason): reason
    case .late(let deadline):
      "the driver did not answer within \(deadline) ms; --deadline gives it longer"
    case .askerFailed(let reason): "the driver could not be asked: \(reason)"
    }
  }

  /// The library that was loaded or refused; nil when none was.
  public var path: String? {
    switch self {
    case .running(let path, _, _), .notTrusted(let path, _), .unfitLibrary(let path, _),
      .driverFailed(let path, _, _):
      path
    case .notAsked, .noLibrary, .late, .askerFailed, .described: nil
    }
  }
}
