import PoolIdentity
import PoolWire
import StrictJSON

/// Records of secrets that are given out: who gave what to whom, and for how long. Each is durable
/// before its secret is said, and has only its mark.
extension Engine {
  /// Writes a credential down.
  /// - Parameter op: how it came about.
  func record(
    _ op: String, _ credential: String, of holder: Identity, for seconds: Int64,
    by principal: String
  ) async throws(Unasked) {
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("op", op)
      writer.string("to", holder.name)
      writer.string("role", holder.role.rawValue)
      if let subject = holder.subject { writer.string("subject", subject) }
      writer.int64("for_seconds", seconds)
      writer.string("secret_mark", Digest.mark(credential))
    }
    try await record(op, writer.bytes, by: principal)
  }

  /// Writes a chain down that has one link.
  func record(
    _ chain: Chain, for seconds: Int64, by principal: String
  ) async throws(Unasked) {
    let link = chain.last
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("op", "token")
      writer.string("to", link.to)
      writer.string("tenant", link.tenant)
      writer.string("budget", link.budget)
      writer.string("class_max", link.ceiling.rawValue)
      writer.array("actions") { writer in
        for action in link.actions.map(\.rawValue).sorted() { writer.string(action) }
      }
      if let lanes = link.lanes {
        writer.array("lanes") { writer in for lane in lanes.sorted() { writer.string(lane) } }
      }
      writer.int64("for_seconds", seconds)
      writer.string("secret_mark", Digest.mark(chain.text))
    }
    try await record("token", writer.bytes, by: principal)
  }

  private func record(
    _ op: String, _ document: [UInt8], by principal: String
  ) async throws(Unasked) {
    _ = try await ask(.act(op, by: principal, under: vocabulary.1, document: document))
  }
}
