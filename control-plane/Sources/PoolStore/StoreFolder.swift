import Glibc

/// The folder of a store: made for its owner alone, and held by one process.
final class StoreFolder: Sendable {
  let path: String
  private let lock: CInt

  /// Makes the folder where it is missing, and takes it.
  /// - Throws: where it cannot be made, is open to others, or another process has it.
  init(_ path: String) throws(StoreError) {
    self.path = path
    if mkdir(path, 0o700) != 0, errno != EEXIST {
      throw Self.failed("the folder \(path) cannot be made", errno)
    }
    var state = stat()
    guard stat(path, &state) == 0, state.st_mode & S_IFMT == S_IFDIR else {
      throw Self.failed("\(path) is no folder", ENOTDIR)
    }
    guard state.st_mode & 0o077 == 0 else {
      throw StoreError(
        .unavailable, "the folder \(path) is open to other users",
        remedy: "close it: chmod 700 \(path)")
    }
    lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw Self.failed("\(path)/lock cannot be opened", errno) }
    guard Self.take(lock) else {
      close(lock)
      throw StoreError(
        .inUse, "another process has the folder \(path)",
        remedy: "end that one first, or name another folder")
    }
  }

  deinit { close(lock) }

  /// Room that is left on its disk for this user. Unit: bytes.
  var room: Int64? {
    var state = statvfs()
    guard statvfs(path, &state) == 0 else { return nil }
    return Int64(clamping: UInt64(state.f_bavail) * UInt64(state.f_frsize))
  }

  /// Gives the folder up.
  func release() { flock(lock, LOCK_UN) }

  /// Waits a second at most: a process that ends may leave the lock to a child until that has begun
  /// its own program.
  private static func take(_ lock: CInt) -> Bool {
    for _ in 0..<50 {
      if flock(lock, LOCK_EX | LOCK_NB) == 0 { return true }
      usleep(20_000)
    }
    return false
  }

  /// Whether a journal was made here once.
  var isMarked: Bool {
    var state = stat()
    return fstat(lock, &state) == 0 && state.st_size > 0
  }

  /// Notes that there is a journal, so that one which is gone is not taken for a new one, and makes
  /// the names in the folder durable.
  func mark() throws(StoreError) {
    let text = Array("this folder has a journal\n".utf8)
    guard isMarked || write(lock, text, text.count) == text.count, fsync(lock) == 0 else {
      throw Self.failed("\(path)/lock cannot be written", errno)
    }
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw Self.failed("the folder \(path) cannot be opened", errno) }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw Self.failed("the folder \(path) is not durable", errno) }
  }

  private static func failed(_ what: String, _ code: CInt) -> StoreError {
    StoreError(
      .unavailable, "\(what): \(String(cString: strerror(code)))",
      remedy: "see that the disk is there and that this user may write to it")
  }
}
