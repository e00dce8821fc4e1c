import Foundation
import PoolAllocator
import PoolIdentity
import PoolStore
import StrictJSON

/// What is said of a generation of the policy: which content, proposed and approved by whom, when.
struct GenerationEntry: Hashable, Sendable {
  let generation: PolicyGeneration
  /// The one that was in force before; 0: none.
  let previous: PolicyGeneration
  /// SHA-256 of its content.
  let hash: String
  /// The proposal; nil: somebody put it in force alone.
  var proposal: Int64?
  /// Who proposed it, or put it in force.
  let proposer: String
  /// Who approved it.
  var approvers: [String] = []
  /// When. Unit: seconds since 1970.
  let at: Int64

  /// Writes its members.
  func write(_ writer: inout JSONWriter) {
    writer.int64("generation", Int64(generation.value))
    writer.int64("previous_generation", Int64(previous.value))
    writer.string("sha256", hash)
    if let proposal { writer.int64("proposal", proposal) }
    writer.string("proposer", proposer)
    writer.array("approvers") { writer in
      for approver in approvers { writer.string(approver) }
    }
    writer.string("at", UTC.text(at))
  }

  fileprivate static func read(_ value: JSONValue) throws -> GenerationEntry {
    try value.object { fields in
      fields.ignoreUnknownKeys()
      let generation = fields.int64("generation", in: 1...Int64(UInt32.max))
      let previous = fields.int64("previous_generation", in: 0...Int64(UInt32.max))
      let hash = fields.read("sha256") { try $0.hash() }
      let proposal = fields.optionalInt64("proposal", in: 1...Int64.max)
      let proposer = fields.string("proposer")
      let approvers = fields.array("approvers", max: 16) { try $0.string() }
      let at = fields.read("at") { try $0.moment() }
      return GenerationEntry(
        generation: PolicyGeneration(UInt32(try generation.value)),
        previous: PolicyGeneration(UInt32(try previous.value)), hash: try hash.value,
        proposal: try proposal.value, proposer: try proposer.value,
        approvers: try approvers.value, at: try at.value)
    }
  }
}

/// An entry with the signature of the server that put the generation in force. Both stand in the
/// note of its record.
struct SignedEntry: Hashable, Sendable {
  let entry: GenerationEntry
  /// The entry as it was signed.
  let text: String
  /// The signature of the text (Ed25519), in base64.
  let signature: String

  /// Signs an entry.
  init(_ entry: GenerationEntry, by authority: Authority) throws {
    var writer = JSONWriter()
    writer.object { writer in
      // No chain begins so: nothing that is signed as one can be taken for the other.
      writer.string("kind", "policy_generation")
      writer.string("server", authority.audience)
      entry.write(&writer)
    }
    self.entry = entry
    text = writer.text
    signature = Data(try authority.key.signature(of: writer.bytes)).base64EncodedString()
  }

  /// Takes the entry of a note; nil where it has none, as those of earlier servers.
  init?(_ note: RequestNote) {
    let found = try? JSONDocument(note.text).decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        let entry = fields.string("entry")
        let signature = fields.string("signature")
        return (text: try entry.value, signature: try signature.value)
      }
    }
    guard let found, let document = try? JSONDocument(text: found.text),
      let entry = try? document.decode({ try GenerationEntry.read($0) })
    else { return nil }
    (self.entry, text, signature) = (entry, found.text, found.signature)
  }

  /// Whether a server's key signed it.
  func isSigned(by authority: Authority) -> Bool {
    guard let bytes = Data(base64Encoded: signature) else { return false }
    return authority.key.hasSigned(Array(text.utf8), Array(bytes))
  }

  /// Writes its members.
  func write(_ writer: inout JSONWriter) {
    writer.string("entry", text)
    writer.string("signature", signature)
  }
}
