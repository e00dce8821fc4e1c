internal import Glibc
internal import PoolWire
internal import StrictJSON

/// What proves to the server who a node is.
public struct Credential: Equatable, Sendable {
  /// The node that it is of.
  public let node: String
  /// The secret; never printed.
  let secret: String
  /// When it came, on the wall clock, which goes on while the machine is off. Unit: seconds.
  let receivedAt: Int64
  /// How long it is good for from then. Unit: seconds.
  let lasts: Int64

  /// Longest secret that is taken. Unit: bytes.
  static let secretBytesMax = 4096

  /// When it is time for another one: a third of its life is left. Unit: seconds of the wall clock.
  var renewFrom: Int64 { receivedAt + lasts - lasts / 3 }

  /// Reads what a server answers to a join or a renewal.
  static func answer(_ bytes: [UInt8], at now: Int64) throws(JSONErrors) -> Credential {
    let document = try JSONDocument(bytes)
    return try document.decode { root in
      try root.object { fields in
        // A later server may say more.
        fields.ignoreUnknownKeys()
        let node = fields.name("node")
        let secret = fields.read("credential") { try $0.secret() }
        let lasts = fields.int64("expires_in_seconds", in: 1...10 * 366 * 86_400)
        return Credential(
          node: try node.value, secret: try secret.value, receivedAt: now,
          lasts: try lasts.value)
      }
    }
  }

  /// As it is kept on disk.
  var bytes: [UInt8] {
    var writer = JSONWriter(.compact)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "credential")
      writer.string("node", node)
      writer.string("credential", secret)
      writer.int64("received_at_seconds", receivedAt)
      writer.int64("expires_in_seconds", lasts)
    }
    return writer.bytes + [UInt8(ascii: "\n")]
  }

  /// Reads what is kept on disk.
  static func kept(_ bytes: [UInt8]) throws(JSONErrors) -> Credential {
    let document = try JSONDocument(bytes)
    return try document.decode { root in
      try root.object { fields in
        let head = try fields.head("credential")
        let node = fields.name("node")
        let secret = fields.read("credential") { try $0.secret() }
        let received = fields.int64("received_at_seconds", in: 0...1 << 40)
        let lasts = fields.int64("expires_in_seconds", in: 1...10 * 366 * 86_400)
        _ = try head.value
        return Credential(
          node: try node.value, secret: try secret.value, receivedAt: try received.value,
          lasts: try lasts.value)
      }
    }
  }

  /// Reads a file that holds a join credential and nothing else but white space around it.
  public static func joinSecret(file: String) throws(StateError) -> String {
    guard let bytes = try Files.read(file, upTo: secretBytesMax + 256) else {
      throw StateError("\(file): there is no such file")
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let word = text.split { $0 == "\n" || $0 == "\r\n" || $0 == " " || $0 == "\t" }
    guard word.count == 1, let secret = word.first.map(String.init), isSecret(secret) else {
      throw StateError("\(file): expected one join credential, as the operator was given it")
    }
    return secret
  }

  /// What may stand in a header.
  static func isSecret(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= secretBytesMax
      && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }
}

extension JSONValue {
  fileprivate func secret() throws(JSONAbandoned) -> String {
    let text = try string(1...Credential.secretBytesMax)
    guard Credential.isSecret(text) else {
      throw refuse("this is no credential", hint: "expected printable ASCII without spaces")
    }
    return text
  }
}
