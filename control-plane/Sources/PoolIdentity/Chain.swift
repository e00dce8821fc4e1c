import Crypto
import Foundation
import StrictJSON

/// A delegation that whoever holds it can narrow and hand on without asking anybody: links, each
/// signed by the key that the link before it names, the first by the server; and the secret of the
/// last one. Whoever has the text has the right, so it is a secret.
///
/// A signature covers what it is for, the place of its link, the signature before it and what the
/// link says: no link can be taken out, put elsewhere or put into another chain.
public struct Chain: Sendable {
  private struct Block: Sendable {
    var payload: [UInt8]
    var signature: [UInt8]
    var link: Link
    /// The key that signs the next link.
    var key: Curve25519.Signing.PublicKey
  }

  /// How the text of a chain begins.
  public static let prefix = "chain_"
  /// Most links of a chain. Unit: links.
  public static let linksMax = 4
  /// Longest text. Unit: bytes.
  public static let bytesMax = 4_096
  /// What a signature of ours is for.
  private static let domain = Array("gpupool delegation chain 1\n".utf8)
  /// In place of the signature before the first one.
  private static let nothing = [UInt8](repeating: 0, count: 64)

  private let blocks: [Block]
  private let secret: Curve25519.Signing.PrivateKey

  private init(
    _ blocks: [Block], _ secret: Curve25519.Signing.PrivateKey
  ) throws(ChainError) {
    self.blocks = blocks
    self.secret = secret
    guard text.utf8.count <= Self.bytesMax else { throw .tooLong }
  }

  /// Begins a chain.
  /// - Throws: `ChainError` where the link does not say who gives, or is too long.
  public static func begin(_ link: Link, by root: RootKey) throws(ChainError) -> Chain {
    guard link.by != nil else { throw .giverMissing }
    let next = Curve25519.Signing.PrivateKey()
    return try Chain([try block(link, 0, after: nothing, by: root.secret, naming: next)], next)
  }

  /// The chain with one link more.
  /// - Throws: `ChainError` where the link is wider than the last one, or one too many.
  public func narrowed(_ link: Link) throws(ChainError) -> Chain {
    guard blocks.count < Self.linksMax else { throw .tooDeep }
    if let what = link.excess(over: last) { throw .wider(link: blocks.count + 1, what: what) }
    return try extended(link)
  }

  /// The chain with one link more, whatever that says: for tests of what is refused.
  package func extended(_ link: Link) throws(ChainError) -> Chain {
    let next = Curve25519.Signing.PrivateKey()
    let block = try Self.block(
      link, blocks.count, after: blocks[blocks.count - 1].signature, by: secret, naming: next)
    return try Chain(blocks + [block], next)
  }

  private static func block(
    _ link: Link, _ place: Int, after previous: [UInt8], by key: Curve25519.Signing.PrivateKey,
    naming next: Curve25519.Signing.PrivateKey
  ) throws(ChainError) -> Block {
    let payload = link.payload(key: Array(next.publicKey.rawRepresentation))
    // What nobody could read is not signed.
    _ = try read(payload)
    guard let signature = try? key.signature(for: message(place, previous, payload)) else {
      throw .unsigned(link: place + 1)
    }
    return Block(
      payload: payload, signature: Array(signature), link: link, key: next.publicKey)
  }

  private static func read(_ payload: [UInt8]) throws(ChainError) -> (link: Link, key: [UInt8]) {
    do throws(JSONErrors) {
      return try Link.read(payload)
    } catch {
      throw .unreadable(error.description)
    }
  }

  private static func message(
    _ place: Int, _ previous: [UInt8], _ payload: [UInt8]
  ) -> [UInt8] {
    domain + [UInt8(place)] + previous + payload
  }

  /// What its links say, whether or not that holds.
  public var links: [Link] { blocks.map(\.link) }
  /// What the last link says, whether or not that holds.
  public var last: Link { blocks[blocks.count - 1].link }

  // MARK: whether it holds

  /// What it allows now.
  /// - Parameters:
  ///   - root: the key with which the server begins chains.
  ///   - audience: the server's name.
  ///   - now: seconds since 1970.
  /// - Throws: `ChainError` where it allows nothing.
  public func verified(
    root: RootKey, audience: String, now: Int64
  ) throws(ChainError) -> Mandate {
    var (signer, previous) = (root.secret.publicKey, Self.nothing)
    for (place, block) in blocks.enumerated() {
      let message = Self.message(place, previous, block.payload)
      guard signer.isValidSignature(block.signature, for: message) else {
        throw .unsigned(link: place + 1)
      }
      (signer, previous) = (block.key, block.signature)
    }
    guard secret.publicKey.rawRepresentation == signer.rawRepresentation else {
      throw .foreignSecret
    }
    guard let by = blocks[0].link.by else { throw .giverMissing }
    for place in blocks.indices.dropFirst() {
      if let what = blocks[place].link.excess(over: blocks[place - 1].link) {
        throw .wider(link: place + 1, what: what)
      }
    }
    guard last.audience == audience else { throw .otherAudience(last.audience) }
    guard last.expires > now else { throw .expired }
    var budgets: [String] = []
    for link in links where budgets.last != link.budget { budgets.append(link.budget) }
    return Mandate(
      tenant: last.tenant, principal: last.to, onBehalfOf: [by] + links.dropLast().map(\.to),
      budgets: budgets, budget: last.budget, ceiling: last.ceiling, actions: last.actions,
      lanes: last.lanes, expires: last.expires)
  }

  // MARK: its text

  /// Its text: a secret.
  public var text: String {
    var writer = JSONWriter()
    writer.object { writer in
      writer.array("blocks") { writer in
        for block in blocks {
          writer.object { writer in
            writer.string("payload", Base64URL.text(block.payload))
            writer.string("signature", Base64URL.text(block.signature))
          }
        }
      }
      writer.string("secret", Base64URL.text(secret.rawRepresentation))
    }
    return Self.prefix + Base64URL.text(writer.bytes)
  }

  /// Reads a text; whether it holds is not seen yet.
  /// - Throws: `ChainError` where it is none.
  public init(text: String) throws(ChainError) {
    guard text.utf8.count <= Self.bytesMax else { throw .tooLong }
    guard text.utf8.starts(with: Self.prefix.utf8),
      let bytes = Base64URL.bytes(text.utf8.dropFirst(Self.prefix.utf8.count))
    else { throw .foreign }
    let read: (blocks: [Block], secret: Curve25519.Signing.PrivateKey)
    do throws(JSONErrors) {
      read = try JSONDocument(bytes).decode { root in
        try root.object { fields in
          let blocks = fields.array("blocks", min: 1, max: Self.linksMax) { try Self.block($0) }
          let secret = fields.read("secret") { value in
            try Curve25519.Signing.PrivateKey(rawRepresentation: try value.base64URL(32...32))
          }
          return (try blocks.value, try secret.value)
        }
      }
    } catch {
      throw .unreadable(error.description)
    }
    blocks = read.blocks
    secret = read.secret
  }

  private static func block(_ value: JSONValue) throws -> Block {
    let (payload, signature) = try value.object { fields in
      let payload = fields.read("payload") { try $0.base64URL(1...bytesMax) }
      let signature = fields.read("signature") { try $0.base64URL(64...64) }
      return (try payload.value, try signature.value)
    }
    let (link, key) = try Link.read(payload)
    return Block(
      payload: payload, signature: signature, link: link,
      key: try Curve25519.Signing.PublicKey(rawRepresentation: key))
  }
}
