import Crypto
import PoolAllocator
import PoolWire

/// Keys made of SHA-256: for names that whoever asks may choose.
enum Digest {
  static func key(_ bytes: [UInt8]) -> Key {
    let halves = Array(SHA256.hash(data: bytes).prefix(16))
    return Key(high: number(halves[..<8]), low: number(halves[8...]))
  }

  /// All of it, in hexadecimal digits.
  static func hex(_ bytes: [UInt8]) -> String { Hex.text(SHA256.hash(data: bytes)) }

  static func key(_ kind: String, _ text: String) -> Key { key(Array("\(kind)/\(text)".utf8)) }

  /// The first 16 digits of the SHA-256 of a secret, by which whoever has it finds its record.
  static func mark(_ secret: String) -> String { String(key(Array(secret.utf8)).wire.prefix(16)) }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// Bytes in hexadecimal digits.
enum Hex {
  static func text(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  /// Whether a text is such digits, in the one form.
  static func isText(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }
  }
}
