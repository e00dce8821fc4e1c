internal import Glibc
public import PoolAllocator
internal import PoolWire

/// Runs one command under a lease that the agent of this machine handed out.
///
/// The command gets a session of its own, so that everything that it starts can be found. It is
/// started behind a gate: this program again, which waits for a byte before it becomes the command.
/// Meanwhile it is registered, so nothing runs that the agent does not know.
public struct LeaseCommand {
  /// Exit code: the lease is not there, is over, or was ended under the command.
  public static let leaseLost: Int32 = 10

  private let state: String
  private let lease: LeaseID
  private let command: [String]
  private let say: (String) -> Void

  /// Makes a command.
  /// - Parameters:
  ///   - state: the agent's folder.
  ///   - command: what to run, with its arguments.
  ///   - say: takes one line for whoever runs it.
  public init(
    state: String, lease: LeaseID, command: [String], say: @escaping (String) -> Void
  ) {
    self.state = state
    self.lease = lease
    self.command = command
    self.say = say
  }

  /// Runs it and waits for its end.
  /// - Parameters:
  ///   - program: this program, for the gate.
  ///   - gate: the words before the gate's pipe and the command, see `Gate`.
  /// - Returns: the command's exit code, or `leaseLost`.
  public func run(program: String, gate: [String]) throws(StateError) -> Int32 {
    guard let (folder, granted) = try find() else {
      say("error: lease \(lease.wire) is not handed out on this node, or is over")
      return Self.leaseLost
    }
    guard StateFolder.isHeld(state) else {
      say("error: no agent runs with \(state), and without it nobody would end the lease in time")
      return Self.leaseLost
    }
    guard let keeper = ProcessName.own else { throw StateError("/proc cannot be read") }
    let pipe = try Files.pipe()
    let signals = Signals()
    let words = [program] + gate + ["\(pipe.read)"] + command
    let started = try Child.spawn(
      words, variables: LeaseFolder.variables(granted.devices), passing: pipe.read,
      mask: signals.before)
    close(pipe.read)
    let work = Work(boot: granted.boot, leader: started, keeper: keeper)
    guard try Self.isLetIn(work, folder) else {
      close(pipe.write)
      _ = Child.wait(started.pid)
      say("error: lease \(lease.wire) ended before the command was started")
      return Self.leaseLost
    }
    var byte = UInt8(1)
    _ = Glibc.write(pipe.write, &byte, 1)
    close(pipe.write)
    let code = signals.forward(until: started.pid)
    let wasEnded = !folder.isThere || folder.end == .told
    // Whoever asks whether the command is done must find its code before it is gone.
    try? folder.exited(work, code)
    _ = Child.wait(started.pid)
    if wasEnded {
      say("lease \(lease.wire) was ended; the command ended with \(code)")
      return Self.leaseLost
    }
    return code
  }

  /// The folder of the lease, if it is handed out during this boot and did not end.
  private func find() throws(StateError) -> (LeaseFolder, LeaseFolder.Granted)? {
    guard Files.exists(state) else { throw StateError("\(state): there is no such folder") }
    guard access(StateFolder.leases(state), R_OK | X_OK) == 0 else {
      throw .failed("\(StateFolder.leases(state)) cannot be read", errno)
    }
    let leases = StateFolder.leases(state)
    for fencing in Files.names(in: leases).compactMap({ Fencing(wire: $0) }).reversed() {
      let folder = LeaseFolder(fencing, in: leases)
      guard let granted = try folder.granted(), granted.lease == lease else { continue }
      if folder.end == nil, granted.boot == Boot.id { return (folder, granted) }
    }
    return nil
  }

  /// Writes that the command is there, then looks whether the lease is over: whoever ends it does
  /// both the other way round.
  static func isLetIn(_ work: Work, _ folder: LeaseFolder) throws(StateError) -> Bool {
    do {
      try folder.register(work)
    } catch {
      // The folder is removed when the lease is forgotten.
      if folder.isThere { throw error }
      return false
    }
    guard folder.isThere, folder.end == nil else {
      folder.forget(work)
      return false
    }
    return true
  }
}

/// The process that waits at a pipe and then becomes the command.
public enum Gate {
  /// Runs the gate.
  /// - Parameter words: the number of the pipe's descriptor, the command and its arguments.
  /// - Returns: an exit code, where the command was not let in or cannot be run.
  public static func run(_ words: [String], say: (String) -> Void) -> Int32 {
    guard let pipe = words.first.flatMap({ Int32($0) }), words.count > 1 else { return 2 }
    var byte = UInt8(0)
    var count = 0
    repeat { count = Glibc.read(pipe, &byte, 1) } while count < 0 && errno == EINTR
    guard count == 1 else { return 1 }
    close(pipe)
    let arguments = words.dropFirst().map { strdup($0) } + [nil]
    if let name = arguments[0] { execvp(name, arguments) }
    let code = errno
    say("error: \(words[1]): \(String(cString: strerror(code)))")
    return code == ENOENT ? 127 : 126
  }
}

/// A process of our own.
private enum Child {
  /// POSIX_SPAWN_SETSID of glibc, which its headers show to some only.
  private static let ownSession: Int16 = 0x80

  /// Starts a program as the leader of a session, with variables beside its own environment.
  static func spawn(
    _ words: [String], variables: [(name: String, value: String)], passing descriptor: Int32,
    mask: sigset_t
  ) throws(StateError) -> ProcessName {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Onto itself: that alone takes the mark off that closes it.
    posix_spawn_file_actions_adddup2(&actions, descriptor, descriptor)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var mask = mask
    posix_spawnattr_setsigmask(&attributes, &mask)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | ownSession)
    let arguments = words.map { strdup($0) } + [nil]
    let environment = environment(variables).map { strdup($0) } + [nil]
    defer { for text in arguments + environment { free(text) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, words[0], &actions, &attributes, arguments, environment)
    guard code == 0 else { throw .failed("\(words[0]) cannot be started", code) }
    guard let status = ProcessStat.read(pid) else {
      kill(pid, SIGKILL)
      _ = wait(pid)
      throw StateError("/proc does not show the process that was started")
    }
    return ProcessName(pid: pid, start: status.start)
  }

  private static func environment(_ variables: [(name: String, value: String)]) -> [String] {
    var lines: [String] = []
    var place = environ
    while let entry = place.pointee {
      let line = String(cString: entry)
      if !variables.contains(where: { line.hasPrefix($0.name + "=") }) { lines.append(line) }
      place += 1
    }
    return lines + variables.map { "\($0.name)=\($0.value)" }
  }

  /// Waits for a process and takes it in.
  static func wait(_ pid: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 { if errno != EINTR { return 1 } }
    return status
  }
}

/// The signals that go on to the command.
private struct Signals {
  /// What was blocked before, without them: nothing could ask the command to end otherwise.
  let before: sigset_t
  private let waited: sigset_t

  /// Blocks them, so that they wait until they are asked for.
  init() {
    signal(SIGCHLD, SIG_DFL)
    var (set, old) = (sigset_t(), sigset_t())
    sigemptyset(&set)
    let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD]
    for number in numbers { sigaddset(&set, number) }
    sigprocmask(SIG_BLOCK, &set, &old)
    for number in numbers { sigdelset(&old, number) }
    (waited, before) = (set, old)
  }

  /// Passes signals on until a process has ended, and leaves it to be taken in.
  /// - Returns: its exit code; 128 and the signal's number where one ended it.
  func forward(until pid: pid_t) -> Int32 {
    var set = waited
    while true {
      var info = siginfo_t()
      let how = WEXITED | WNOHANG | WNOWAIT
      if waitid(P_PID, id_t(pid), &info, how) == 0, info._sifields._sigchld.si_pid == pid {
        let status = info._sifields._sigchld.si_status
        return info.si_code == CLD_EXITED ? status : 128 + status
      }
      var number: Int32 = 0
      guard sigwait(&set, &number) == 0 else { continue }
      if number != SIGCHLD { kill(-pid, number) }
    }
  }
}
