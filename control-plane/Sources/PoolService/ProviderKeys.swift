import Foundation
import Glibc
import JWTKit
import PoolStore
import Synchronization

/// The public keys of an identity provider, read again when their file changes.
final class ProviderKeys: Sendable {
  /// What tells that a file is another one.
  private struct Known: Sendable {
    var stamp: FileStamp
    /// The algorithm of each key: the only one with which it signs.
    var algorithms: [String: String] = [:]
    let keys = JWTKeyCollection()
  }

  private let path: String
  private let known = Mutex<Known?>(nil)

  /// Reads the keys of a file.
  /// - Throws: `StoreError` where it has none.
  init(_ path: String) async throws(StoreError) {
    self.path = path
    _ = try await current()
  }

  /// Sees that a token was signed with one of the keys, in the way that the key is for.
  /// - Throws: `Problem` where it was not, `StoreError` where the keys cannot be read any more.
  func verify(_ token: ProviderToken) async throws {
    let known = try await current()
    let only = known.algorithms.count == 1 ? known.algorithms.keys.first : nil
    guard let id = token.key ?? only, known.algorithms[id] == token.algorithm else {
      throw Problem.unauthenticated(
        because: "the provider of the token has no such key for \(token.algorithm)")
    }
    do {
      _ = try await known.keys.verify(token.text, as: Unread.self)
    } catch {
      throw Problem.unauthenticated(because: "the signature of the token does not hold")
    }
  }

  /// The keys as the file has them now.
  private func current() async throws(StoreError) -> Known {
    guard let stamp = FileStamp(path) else { throw unreadable("it is not there") }
    if let known = known.withLock({ $0 }), known.stamp == stamp { return known }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw unreadable("it cannot be opened")
    }
    var fresh = Known(stamp: stamp)
    do {
      for var key in try JSONDecoder().decode(JWKS.self, from: data).keys {
        guard let algorithm = Self.algorithm(of: key) else { continue }
        // A key that may sign in several ways would be held to the first that somebody sends.
        key.algorithm = algorithm
        let id = key.keyIdentifier ?? JWKIdentifier(string: "")
        key.keyIdentifier = id
        guard fresh.algorithms.updateValue(algorithm.rawValue, forKey: id.string) == nil else {
          throw unreadable("two of its keys have one kid")
        }
        try await fresh.keys.add(jwk: key)
      }
    } catch let error as StoreError {
      throw error
    } catch {
      throw unreadable("\(error)")
    }
    guard !fresh.algorithms.isEmpty else { throw unreadable("it has no key") }
    let read = fresh
    known.withLock { $0 = read }
    return read
  }

  /// How a key signs; nil where it signs nothing.
  private static func algorithm(of key: JWK) -> JWK.Algorithm? {
    if let named = key.algorithm { return named == .rsaOAEP ? nil : named }
    switch (key.keyType, key.curve?.rawValue) {
    case (.rsa, _): return .rs256
    case (.ecdsa, "P-256"?): return .es256
    case (.ecdsa, "P-384"?): return .es384
    case (.ecdsa, "P-521"?): return .es512
    case (.octetKeyPair, _): return .eddsa
    default: return nil
    }
  }

  private func unreadable(_ why: String) -> StoreError {
    StoreError(
      .unavailable, "\(path) is no set of public keys: \(why)",
      remedy: "write it anew: a JWK set of RSA, EC or Ed25519 keys")
  }
}

/// What the library reads of a token's claims: nothing. They are read here, strictly.
private struct Unread: JWTPayload {
  init(from decoder: any Decoder) {}
  func encode(to encoder: any Encoder) {}
  func verify(using algorithm: some JWTAlgorithm) {}
}
