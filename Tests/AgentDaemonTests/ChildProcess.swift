import Foundation

/// A process of a test. Foundation's own waits for everyone who inherited a pipe of it, and passes
/// on which signals the threads of the tests block.
final class ChildProcess {
  let pid: pid_t
  private var status: Int32?

  /// Starts a program with nothing on standard input, and its errors at the end of a file.
  /// - Parameters:
  ///   - isLeader: whether it gets a session of its own.
  ///   - variables: what its environment has beside ours.
  init(
    _ program: String, _ arguments: [String], errors: String = "/dev/null", isLeader: Bool = false,
    variables: [String: String] = [:]
  ) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(
      &actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var (none, every) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    sigfillset(&every)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &every)
    let flags = Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF)
    posix_spawnattr_setflags(&attributes, flags | (isLeader ? 0x80 : 0))
    let words = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    let all = ProcessInfo.processInfo.environment.merging(variables) { $1 }
    let environment = all.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for variable in environment { free(variable) } }
    var pid: pid_t = 0
    guard posix_spawn(&pid, program, &actions, &attributes, words, environment) == 0 else {
      throw POSIXError(.ENOENT)
    }
    self.pid = pid
  }

  deinit {
    guard isRunning else { return }
    kill(pid, SIGKILL)
    waitpid(pid, nil, 0)
  }

  var isRunning: Bool {
    var found: Int32 = 0
    if status == nil, waitpid(pid, &found, WNOHANG) == pid { status = found }
    return status == nil
  }

  /// Its exit code, or the number of the signal that ended it, below zero; nil while it runs.
  var code: Int32? {
    guard !isRunning, let status else { return nil }
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
  }
}
