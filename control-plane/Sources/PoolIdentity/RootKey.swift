import Crypto
import Foundation

/// The Ed25519 key with which a server begins chains.
public struct RootKey: Sendable {
  let secret: Curve25519.Signing.PrivateKey

  /// Makes a new one.
  public init() { secret = Curve25519.Signing.PrivateKey() }

  /// Reads one.
  /// - Parameter hex: 64 digits, as `hex` writes them.
  /// - Returns: nil where it is none.
  public init?(hex: String) {
    let digits = Array(hex.utf8)
    guard digits.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: 64, by: 2) {
      guard let high = Self.value(digits[place]), let low = Self.value(digits[place + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    guard let secret = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes) else {
      return nil
    }
    self.secret = secret
  }

  /// The key in hexadecimal digits: a secret.
  public var hex: String {
    secret.rawRepresentation.map { byte in
      String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }.joined()
  }

  /// The public half: 32 bytes.
  public var publicKey: [UInt8] { Array(secret.publicKey.rawRepresentation) }

  /// Signs a message that cannot be mistaken for one of another kind: 64 bytes.
  /// - Throws: where the library cannot.
  public func signature(of message: [UInt8]) throws -> [UInt8] {
    Array(try secret.signature(for: message))
  }

  /// Whether a signature is this key's, of a message.
  public func hasSigned(_ message: [UInt8], _ signature: [UInt8]) -> Bool {
    secret.publicKey.isValidSignature(signature, for: message)
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
