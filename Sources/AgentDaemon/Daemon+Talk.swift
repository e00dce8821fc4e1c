internal import AgentCore
internal import PoolAllocator
internal import PoolWire
internal import StrictJSON

/// The message that the server has not answered yet, and when to say it again.
struct PostBox {
  /// A message as it is sent.
  struct Letter: Sendable {
    var purpose: Uplink.Purpose
    var body: [UInt8]
    var isUnderWay = false
  }

  var letter: Letter?
  var backoff = Backoff()
  /// When to try again; nil: nothing failed. Unit: nanoseconds of the boot-time clock.
  var retryAt: Int64?
  /// Whether the server does not take the credential.
  var isRefused = false
  var isInTrouble = false
}

/// When the credential is to be renewed.
struct Renewal {
  /// Unit: nanoseconds of the boot-time clock.
  private(set) var dueAt: Int64
  private(set) var isUnderWay = false
  private var backoff = Backoff()

  /// Time between two tries at least. Unit: nanoseconds.
  private static let pause: Int64 = 10_000_000_000

  init(of credential: Credential, at now: Int64) {
    let left = credential.renewFrom - Boot.wallSeconds
    // A wall clock that was wrong must not put it off for ever.
    let wait = min(max(left, 0), credential.lasts - credential.lasts / 3)
    dueAt = now + wait * 1_000_000_000
  }

  mutating func begin() {
    isUnderWay = true
    dueAt = .max
  }

  mutating func fail(at now: Int64, using random: inout some RandomNumberGenerator) {
    isUnderWay = false
    dueAt = now + Self.pause + backoff.failed(using: &random)
  }
}

/// What is said to the server, and what it answers.
extension Daemon {
  /// Sends a message, or keeps it until the server may be asked again. A message that was not
  /// delivered gives way to a later one, which says the same and more.
  mutating func send(_ message: NodeMessage) {
    var writer = JSONWriter(.compact)
    writer.nodeMessage(message, report: found?.document)
    post.letter = PostBox.Letter(
      purpose: .message(generation: message.generation, sequence: message.sequence),
      body: writer.bytes)
    if post.retryAt == nil { deliver() }
  }

  /// Says again what failed, when its time has come.
  mutating func resend() {
    guard let moment = post.retryAt, Boot.nanoseconds >= moment else { return }
    post.retryAt = nil
    if post.letter?.isUnderWay == false { deliver() }
  }

  private mutating func deliver() {
    guard let letter = post.letter else { return }
    post.letter?.isUnderWay = true
    link.post(
      options.server.path("v1", "nodes", credential.node, "messages"), secret: credential.secret,
      body: letter.body, for: letter.purpose)
  }

  /// Asks for the next credential when a third of the present one's life is left.
  mutating func renew() {
    guard !renewal.isUnderWay, Boot.nanoseconds >= renewal.dueAt else { return }
    renewal.begin()
    link.post(
      options.server.path("v1", "nodes", credential.node, "credential"),
      secret: credential.secret, body: Array("{}".utf8), for: .renewal)
  }

  mutating func take(
    _ answer: Uplink.Answer, to purpose: Uplink.Purpose
  ) throws(StateError) {
    switch purpose {
    case .join: break
    case .renewal: try takeRenewal(answer)
    case .message: takeReply(answer, to: purpose)
    }
  }

  private mutating func takeRenewal(_ answer: Uplink.Answer) throws(StateError) {
    let now = Boot.nanoseconds
    guard case .said(200...201, let body) = answer,
      let next = try? Credential.answer(body, at: Boot.wallSeconds), next.node == credential.node
    else {
      complain(
        "the credential is not renewed: \(answer.trouble ?? "the server's answer makes no sense")")
      return renewal.fail(at: now, using: &random)
    }
    try state.keep(next)
    credential = next
    renewal = Renewal(of: next, at: now)
  }

  private mutating func takeReply(_ answer: Uplink.Answer, to purpose: Uplink.Purpose) {
    let isLatest = post.letter?.purpose == purpose
    switch answer {
    case .said(200, let body):
      do {
        let form = try NodeReplyForm(JSONDocument(body))
        succeed(isLatest)
        take(form)
      } catch {
        let first = error.errors.first.map(\.description) ?? ""
        fail("its reply cannot be read: \(first)", isLatest)
      }
    // A later message is answered instead, or was already.
    case .said(204, _), .said(409, _): succeed(isLatest)
    default:
      if answer.isRefused { post.isRefused = true }
      fail(answer.trouble ?? "it answers what makes no sense", isLatest)
    }
  }

  private mutating func take(_ form: NodeReplyForm) {
    for order in form.reply.orders ?? [] {
      guard let key = order.claim, let name = form.names.name(key) else { continue }
      claims[key] = NamePath.parts(name)
    }
    if let orders = form.reply.orders {
      let named = Set(orders.compactMap(\.claim))
      claims = claims.filter { named.contains($0.key) }
    }
    agent.take(form.reply, at: now)
  }

  private mutating func succeed(_ isLatest: Bool) {
    if isLatest { post.letter = nil }
    post.backoff.succeeded()
    post.retryAt = nil
    post.isRefused = false
    if post.isInTrouble {
      post.isInTrouble = false
      options.say("the server answers again")
    }
  }

  private mutating func fail(_ trouble: String, _ isLatest: Bool) {
    if isLatest { post.letter?.isUnderWay = false }
    if post.retryAt == nil {
      post.retryAt = Boot.nanoseconds + post.backoff.failed(using: &random)
    }
    post.isInTrouble = true
    complain("the server: \(trouble); leases run until they end")
  }
}
