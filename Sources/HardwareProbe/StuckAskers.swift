internal import Synchronization

/// Processes that were started to ask the driver and could not be ended, because they are stuck in
/// the kernel. Each costs memory and a process number until the driver lets go of it, so whoever
/// asks again and again must not leave one behind each time.
final class StuckAskers: Sendable {
  /// Those of this process.
  static let shared = StuckAskers()

  private let most: Int
  private let processes = Mutex<[Syscalls.Child]>([])

  /// - Parameter most: How many there may be before nobody is started any more.
  init(most: Int = ProbeLimits.stuckAskers) { self.most = most }

  /// Remembers one that could not be ended.
  func add(_ child: Syscalls.Child) { processes.withLock { $0.append(child) } }

  /// How many there still are. One that the driver has let go of ends by itself, since it was
  /// killed; it is taken off the list.
  func count() -> Int {
    processes.withLock { processes in
      processes.removeAll { Syscalls.isReaped($0) }
      return processes.count
    }
  }

  /// Why no further process may be started; nil when one may.
  func refusal() -> String? {
    let count = count()
    guard count >= most else { return nil }
    return "\(count) processes that asked it before are stuck in it, and no more are started"
  }
}
