import Foundation
import PoolIdentity
import PoolStore

/// The key with which a server begins chains, and the name for which it takes them.
struct Authority: Sendable {
  let key: RootKey
  let audience: String

  /// Reads the key, or makes it where there is none.
  /// - Throws: `StoreError` where the file is not as it was written, or cannot be.
  init(at path: String, audience: String) throws(StoreError) {
    self.audience = audience
    key = try Self.key(at: path)
  }

  /// The public half of the key as OpenSSL reads it.
  var publicKeyPEM: String {
    let head: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
    let text = Data(head + key.publicKey).base64EncodedString()
    return "-----BEGIN PUBLIC KEY-----\n\(text)\n-----END PUBLIC KEY-----\n"
  }

  private static func key(at path: String) throws(StoreError) -> RootKey {
    guard FileManager.default.fileExists(atPath: path) else {
      let key = RootKey()
      try PrivateFile.replace(path, with: Array("\(key.hex)\n".utf8))
      return key
    }
    let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    guard let line = text.split(separator: "\n").first, let key = RootKey(hex: String(line)) else {
      throw StoreError(
        .damaged(record: nil), "\(path) has no key",
        remedy: "bring it back, or remove it: a new one is made, and no token holds any more")
    }
    return key
  }
}
