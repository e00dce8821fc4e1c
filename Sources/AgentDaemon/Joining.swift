internal import PoolWire
internal import StrictJSON

/// Why an agent ended, with the exit code that says so.
public struct DaemonEnd: Error, Equatable, Sendable {
  /// One line for the operator.
  public let message: String
  /// The exit code.
  public let code: Int32

  /// Something of the agent or its disk failed.
  static func failed(_ error: StateError) -> DaemonEnd {
    DaemonEnd(message: error.message, code: 1)
  }
}

/// How a node gets its first credential, from one that is good for once.
struct Joining {
  let address: ServerAddress
  let mailbox: Mailbox
  let link: any Uplink.Link
  let say: (String) -> Void

  /// The body of a join: who comes, and what it has.
  static func body(_ found: FoundNode) -> [UInt8] {
    var writer = JSONWriter(.compact)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "join")
      writer.value("node", found.document.root)
    }
    return writer.bytes
  }

  /// Asks until there is an answer, and keeps the credential before anything else happens.
  func run(
    _ found: FoundNode, secret: String, state: StateFolder
  ) throws(DaemonEnd) -> Credential {
    var backoff = Backoff()
    var random = SystemRandomNumberGenerator()
    let body = Self.body(found)
    while true {
      link.post(address.path("v1", "join"), secret: secret, body: body, for: .join)
      let answer = waited()
      if case .said(200...201, let body) = answer {
        return try kept(body, found, state)
      }
      if answer.isRefused {
        throw DaemonEnd(
          message: "the server does not take this join credential, which is good for one node and "
            + "once; have another one made for node \"\(found.node.name)\"", code: 7)
      }
      let trouble = answer.trouble ?? "it says nothing"
      if case .said(let status, _) = answer, status < 500, status != 429, status != 408 {
        throw DaemonEnd(message: "the server refuses this node: \(trouble)", code: 1)
      }
      say("the server: \(trouble); asking again")
      pause(backoff.failed(using: &random))
    }
  }

  private func kept(
    _ body: [UInt8], _ found: FoundNode, _ state: StateFolder
  ) throws(DaemonEnd) -> Credential {
    let credential: Credential
    do {
      credential = try Credential.answer(body, at: Boot.wallSeconds)
    } catch {
      // The answer holds a secret, so it is not quoted.
      throw DaemonEnd(
        message: "the server's answer to the join makes no sense; the join credential is used up",
        code: 1)
    }
    do {
      try state.keep(credential)
    } catch {
      throw .failed(error)
    }
    return credential
  }

  private func waited() -> Uplink.Answer {
    while true {
      for item in mailbox.take() {
        if case .answer(.join, let answer) = item { return answer }
      }
      mailbox.wait(milliseconds: 1000)
    }
  }

  private func pause(_ nanoseconds: Int64) {
    let end = Boot.nanoseconds + nanoseconds
    while Boot.nanoseconds < end {
      mailbox.wait(milliseconds: Int32(clamping: (end - Boot.nanoseconds) / 1_000_000 + 1))
    }
  }
}
