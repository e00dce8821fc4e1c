import Foundation
import Glibc
import JWTKit
import Logging
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

  /// A file that cannot be read, such as one that is being written.
  private struct Broken: Sendable {
    /// The file; nil: there is none.
    var stamp: FileStamp?
    /// Since when none could be read. Unit: seconds since 1970.
    var since: Int64
    /// When it was tried last. Unit: seconds since 1970.
    var tried: Int64
    var error: StoreError
  }

  private struct State: Sendable {
    var known: Known?
    var broken: Broken?
  }

  /// How long the last keys are taken while their file cannot be read. Unit: seconds.
  static let patience: Int64 = 3_600
  /// How soon a broken file is tried again that looks the same: whether it may be read shows
  /// nowhere. Unit: seconds.
  private static let triesAfter: Int64 = 10

  private let path: String
  private let state = Mutex(State())

  /// Reads the keys of a file.
  /// - Throws: `StoreError` where it has none.
  init(_ path: String) async throws(StoreError) {
    self.path = path
    let known = try await current(at: SystemClock.utc)
    if known.algorithms.isEmpty { throw unreadable("it has no key") }
  }

  /// Sees that a token was signed with one of the keys, in the way that the key is for.
  /// - Parameter now: seconds since 1970.
  /// - Throws: `Problem` where it was not, `StoreError` where the keys cannot be read any more.
  func verify(_ token: ProviderToken, at now: Int64) async throws {
    let known = try await current(at: now)
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

  /// For how long the file cannot be read; 0 where it can. Unit: seconds.
  func unread(at now: Int64) async -> Int64 {
    _ = try? await current(at: now)
    return state.withLock { state in state.broken.map { max(0, now - $0.since) } ?? 0 }
  }

  /// The keys as the file has them, or had them last: who replaces a file writes the half of it
  /// first.
  private func current(at now: Int64) async throws(StoreError) -> Known {
    let stamp = FileStamp(path)
    let seen = state.withLock { $0 }
    if let known = seen.known, known.stamp == stamp {
      if seen.broken != nil { state.withLock { $0.broken = nil } }
      return known
    }
    if let broken = seen.broken, broken.stamp == stamp,
      (0..<Self.triesAfter).contains(now - broken.tried)
    {
      return try Self.last(seen.known, broken, at: now)
    }
    do throws(StoreError) {
      let fresh = try await read(stamp)
      state.withLock { $0 = State(known: fresh) }
      return fresh
    } catch {
      let broken = Broken(
        stamp: stamp, since: seen.broken?.since ?? now, tried: now, error: error)
      state.withLock { $0.broken = broken }
      if seen.broken == nil, seen.known != nil {
        Logger(label: "pool-server").warning(
          "keys cannot be read; the last ones are taken for an hour",
          metadata: ["error": "\(error)"])
      }
      return try Self.last(seen.known, broken, at: now)
    }
  }

  /// The keys that were there last, unless that is too long ago.
  private static func last(
    _ known: Known?, _ broken: Broken, at now: Int64
  ) throws(StoreError) -> Known {
    guard let known, now - broken.since < patience else { throw broken.error }
    return known
  }

  /// Reads the file. A set without keys is one: nobody is known by it.
  private func read(_ stamp: FileStamp?) async throws(StoreError) -> Known {
    guard let stamp else { throw unreadable("it is not there") }
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
    return fresh
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
