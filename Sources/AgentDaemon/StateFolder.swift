internal import AgentCore
internal import Glibc
internal import StrictJSON

/// The folder of an agent: its record, its credential and its leases; made for its owner alone, and
/// held by one process.
public final class StateFolder: Sendable {
  /// Where it is.
  public let path: String
  private let lock: CInt

  /// Makes the folder where it is missing, and takes it.
  /// - Throws: where it cannot be made, is open to others, or another process has it.
  public init(_ path: String) throws(StateError) {
    self.path = path
    try Files.makeFolder(path)
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw StateError("\(path) is no folder")
    }
    guard status.st_uid == geteuid() else {
      throw StateError("the folder \(path) belongs to another user; name one of this user's own")
    }
    guard status.st_mode & 0o077 == 0 else {
      throw StateError("the folder \(path) is open to other users; close it: chmod 700 \(path)")
    }
    lock = open(Self.lock(path), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw .failed("\(Self.lock(path)) cannot be opened", errno) }
    guard Self.take(lock) else {
      close(lock)
      throw StateError(
        "another agent has the folder \(path); end that one first, or name another folder")
    }
    try Files.makeFolder(leases)
    try Files.sync(path)
  }

  deinit { close(lock) }

  /// The folder of its leases.
  var leases: String { Self.leases(path) }
  static func leases(_ path: String) -> String { path + "/leases" }
  private static func lock(_ path: String) -> String { path + "/lock" }

  /// Waits a second at most: whoever asks whether an agent is there has the lock for a moment.
  private static func take(_ lock: CInt) -> Bool {
    for _ in 0..<50 {
      if flock(lock, LOCK_EX | LOCK_NB) == 0 { return true }
      usleep(20_000)
    }
    return false
  }

  /// Whether a process holds a folder.
  static func isHeld(_ path: String) -> Bool {
    let descriptor = open(lock(path), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0
  }

  // MARK: the record

  /// What was stored last; nil where nothing was.
  /// - Throws: where it is damaged. Then nobody knows what was promised, and nothing is started.
  func record() throws(StateError) -> AgentRecord? {
    guard let bytes = try Files.read(path + "/agent.json") else { return nil }
    do {
      return try AgentRecordForm.record(bytes)
    } catch {
      let first = error.errors.first.map { " (\($0.description))" } ?? ""
      throw StateError(
        "\(path)/agent.json is damaged\(first), and it says which fencing numbers were seen. "
          + "See that nothing of a lease runs here, restart the machine where in doubt, then move "
          + "the file away: the server tells the agent where to go on from")
    }
  }

  /// Stores a record in one step.
  func store(_ record: AgentRecord) throws(StateError) {
    try Files.write(AgentRecordForm.bytes(record), to: "agent.json", in: path)
  }

  // MARK: the credential

  /// The credential that was kept; nil where there is none.
  func credential() throws(StateError) -> Credential? {
    guard let bytes = try Files.read(path + "/credential") else { return nil }
    do {
      return try Credential.kept(bytes)
    } catch {
      // Its text is a secret, so what is wrong with it is not quoted.
      throw StateError(
        "\(path)/credential is damaged; remove it and join again with --join-file")
    }
  }

  /// Keeps a credential.
  func keep(_ credential: Credential) throws(StateError) {
    try Files.write(credential.bytes, to: "credential", in: path)
  }
}
