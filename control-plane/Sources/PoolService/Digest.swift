import Crypto
import PoolAllocator

/// Keys made of SHA-256: for names that whoever asks may choose.
enum Digest {
  static func key(_ bytes: [UInt8]) -> Key {
    let halves = Array(SHA256.hash(data: bytes).prefix(16))
    return Key(high: number(halves[..<8]), low: number(halves[8...]))
  }

  static func key(_ kind: String, _ text: String) -> Key { key(Array("\(kind)/\(text)".utf8)) }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
