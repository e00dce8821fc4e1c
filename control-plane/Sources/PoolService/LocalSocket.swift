import Glibc
public import PoolStore

/// A Unix socket of this machine, and who may ask through it without a credential.
public struct LocalSocket: Sendable {
  /// Longest path; the kernel's structure has one byte more. Unit: bytes.
  private static let pathMax = 107

  /// Where it is.
  public let path: String
  let peers: SocketPeers

  /// Names a socket.
  /// - Throws: `StoreError` where the path is longer than the kernel takes.
  public init(_ path: String, _ peers: SocketPeers) throws(StoreError) {
    guard (1...Self.pathMax).contains(path.utf8.count) else {
      throw StoreError(
        .unavailable, "the path of the socket \(path) is too long",
        remedy: "name one of \(Self.pathMax) bytes at most")
    }
    self.path = path
    self.peers = peers
  }

  /// Removes what a process left behind that was killed: a socket at which nobody listens.
  /// - Throws: `StoreError` where something else is there, or somebody listens.
  func clear() throws(StoreError) { try SocketFile(path).clear() }

  /// Opens it to its owner and its group alone.
  func restrict() -> Bool { chmod(path, 0o660) == 0 }
}
