import Glibc

/// The file of a Unix socket, before somebody listens at it.
public struct SocketFile: Sendable {
  private let path: String

  /// Names it.
  public init(_ path: String) { self.path = path }

  /// Removes what a process left behind that was killed: a socket at which nobody listens.
  /// - Throws: `StoreError` where something else is there, or somebody listens.
  public func clear() throws(StoreError) {
    var state = stat()
    guard lstat(path, &state) == 0 else {
      if errno == ENOENT { return }
      throw failed("cannot be looked at", errno)
    }
    guard state.st_mode & S_IFMT == S_IFSOCK else {
      throw StoreError(
        .unavailable, "\(path) is there and is no socket", remedy: "name another path: --socket")
    }
    let code = connection()
    guard code != 0 else {
      throw StoreError(
        .inUse, "another process listens at \(path)", remedy: "end that one first")
    }
    guard code == ECONNREFUSED else { throw failed("cannot be tried", code) }
    guard unlink(path) == 0 else { throw failed("cannot be removed", errno) }
  }

  /// Connects to it.
  /// - Returns: why that failed; 0 where somebody listens.
  private func connection() -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { place in place.copyBytes(from: path.utf8) }
    let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard file >= 0 else { return errno }
    defer { close(file) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(file, $0, length) }
    }
    return result == 0 ? 0 : errno
  }

  private func failed(_ what: String, _ code: CInt) -> StoreError {
    StoreError(
      .unavailable, "the socket \(path) \(what): \(String(cString: strerror(code)))",
      remedy: "see whose it is, or name another path: --socket")
  }
}
