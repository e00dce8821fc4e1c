import Foundation
import Glibc
import NIOCore
import PoolIdentity
public import PoolStore
import PoolWire
import StrictJSON

/// Who the users of this machine are when they ask through a Unix socket: the kernel says which of
/// them is at the other end.
public struct SocketPeers: Sendable {
  private let identities: [UInt32: Identity]

  /// Only the user that runs this process.
  public init(own identity: Identity) { identities = [getuid(): identity] }

  /// Reads a document of kind `socket_peers`.
  /// - Throws: `StoreError` where it is not as it has to be.
  public init(file: String) throws(StoreError) {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw StoreError(
        .unavailable, "\(file) cannot be read", remedy: "name another file: --socket-peers")
    }
    do throws(JSONErrors) {
      identities = try JSONDocument(Array(data)).decode { try Self.read($0) }
    } catch {
      throw StoreError(.unavailable, error.formatted(file: file), remedy: "change the document")
    }
  }

  private static func read(_ root: JSONValue) throws -> [UInt32: Identity] {
    try root.object { fields in
      let version = fields.int64("schema_version", in: 1...1)
      let kind = fields.choice("kind", ["socket_peers": true])
      var known: [UInt32: Identity] = [:]
      let list = fields.array("peers", max: 10_000) { value -> Identity in
        let (user, identity) = try peer(value)
        guard known.updateValue(identity, forKey: user) == nil else {
          throw value.refuse("an earlier peer has the uid \(user)", hint: "remove one of them")
        }
        return identity
      }
      _ = try (version.value, kind.value, list.value)
      return known
    }
  }

  private static func peer(_ value: JSONValue) throws -> (UInt32, Identity) {
    try value.object { fields in
      // The last number stands for no user.
      let user = fields.int64("uid", in: 0...Int64(UInt32.max) - 1)
      let principal = fields.read("principal") { try $0.name() }
      let holder = RoleFields(&fields)
      let (role, tenant) = try holder.value(of: value)
      return (UInt32(try user.value), Identity(try principal.value, role, of: tenant))
    }
  }

  /// Who a user is; nil where nothing says so.
  func identity(of user: UInt32) -> Identity? { identities[user] }
}

/// What the kernel knows of the other end of a Unix socket: `ucred` of unix(7).
private struct PeerCredentials: Sendable {
  var process: Int32
  var user: UInt32
  var group: UInt32
}

extension Context {
  /// The user at the other end of a Unix socket; nil where the kernel does not say it.
  var peer: UInt32? {
    get async {
      guard let socket = channel as? any SocketOptionProvider else { return nil }
      let found: EventLoopFuture<PeerCredentials> = socket.unsafeGetSocketOption(
        level: NIOBSDSocket.OptionLevel.socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
      return try? await found.get().user
    }
  }
}
