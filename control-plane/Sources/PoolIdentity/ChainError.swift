/// Why a chain is none, or does not hold.
public enum ChainError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The text does not begin as chains do, or is no base64.
  case foreign
  /// The text is longer than chains are.
  case tooLong
  /// It has as many links as a chain may have.
  case tooDeep
  /// A part of it is not as it has to be, in words.
  case unreadable(String)
  /// A link was not signed by the key that the link before it names, or by the server's; the number
  /// of the link, from 1.
  case unsigned(link: Int)
  /// The secret is not that of the last link.
  case foreignSecret
  /// The first link does not say who gives.
  case giverMissing
  /// A link allows more than the one before it; its number, from 1, and what of it is wider.
  case wider(link: Int, what: String)
  /// It is for another server; for which.
  case otherAudience(String)
  /// It has ended.
  case expired

  public var description: String {
    switch self {
    case .foreign: "the token is no chain"
    case .tooLong: "the token is longer than \(Chain.bytesMax) bytes"
    case .tooDeep: "a chain has \(Chain.linksMax) links at most"
    case .unreadable(let why): "the token cannot be read: \(why)"
    case .unsigned(let link): "the signature of link \(link) of the token does not hold"
    case .foreignSecret: "the secret of the token is not that of its last link"
    case .giverMissing: "the first link of the token does not say who gives"
    case .wider(let link, let what):
      "link \(link) of the token is wider than the one before it: \(what)"
    case .otherAudience(let name): "the token is for \"\(name)\", not for this server"
    case .expired: "the token has expired"
    }
  }
}
