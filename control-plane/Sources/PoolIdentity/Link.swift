import PoolWire
import StrictJSON

/// What one link of a chain says: who has what from whom. A later link may only be narrower.
public struct Link: Hashable, Sendable {
  /// The server for which it is.
  public var audience: String
  /// The tenant for whom.
  public var tenant: String
  /// Who gives; in the first link alone.
  public var by: String?
  /// Who has it.
  public var to: String
  /// The budget that pays: that of the link before it, or one given out of that.
  public var budget: String
  /// The most urgent class.
  public var ceiling: Ceiling
  /// What may be done.
  public var actions: Set<Mandate.Action>
  /// The lanes; nil: all.
  public var lanes: Set<String>?
  /// When it ends, in seconds since 1970.
  public var expires: Int64

  /// Most lanes of a link, as of a policy. Unit: lanes.
  public static let lanesMax = 64

  /// Makes one.
  public init(
    audience: String, tenant: String, by: String? = nil, to: String, budget: String,
    ceiling: Ceiling, actions: Set<Mandate.Action>, lanes: Set<String>? = nil, expires: Int64
  ) {
    self.audience = audience
    self.tenant = tenant
    self.by = by
    self.to = to
    self.budget = budget
    self.ceiling = ceiling
    self.actions = actions
    self.lanes = lanes
    self.expires = expires
  }

  /// What of it is more than another link allows; nil where nothing is. Whether its budget was
  /// given out of the other's the pool alone knows.
  func excess(over above: Link) -> String? {
    if audience != above.audience { return "it is for another server" }
    if tenant != above.tenant { return "it is for another tenant" }
    if by != nil { return "only the first link says who gives" }
    // Whoever hands on gives names below their own: nobody takes another's, or gets rid of theirs.
    guard to == above.to || to.utf8.starts(with: "\(above.to)/".utf8) else {
      return "the name \(to) is not below \(above.to)"
    }
    if let action = actions.subtracting(above.actions).map(\.rawValue).min() {
      return "the action \(action)"
    }
    if let known = above.lanes {
      guard let lanes else { return "all lanes" }
      if let lane = lanes.subtracting(known).min() { return "the lane \(lane)" }
    }
    if ceiling < above.ceiling { return "the class \(ceiling.rawValue)" }
    if expires > above.expires { return "it ends later" }
    return nil
  }

  // MARK: its document

  /// The link with the public key of the next one: the bytes that are signed.
  func payload(key: [UInt8]) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("audience", audience)
      writer.string("tenant", tenant)
      if let by { writer.string("by", by) }
      writer.string("to", to)
      writer.string("budget", budget)
      writer.string("class_max", ceiling.rawValue)
      writer.array("actions") { writer in
        for action in Mandate.Action.allCases where actions.contains(action) {
          writer.string(action.rawValue)
        }
      }
      if let lanes {
        writer.array("lanes") { writer in
          for lane in lanes.sorted() { writer.string(lane) }
        }
      }
      writer.int64("expires", expires)
      writer.string("key", Base64URL.text(key))
    }
    return writer.bytes
  }

  /// Reads what was signed.
  static func read(_ payload: [UInt8]) throws(JSONErrors) -> (link: Link, key: [UInt8]) {
    try JSONDocument(payload).decode { root in
      try root.object { fields in
        let audience = fields.read("audience") { try $0.name() }
        let tenant = fields.read("tenant") { try $0.name() }
        let by = fields.optional("by") { try $0.name() }
        let to = fields.read("to") { try $0.name() }
        let budget = fields.read("budget") { try $0.name() }
        let ceiling = fields.choice("class_max", Ceiling.words)
        let actions = fields.array("actions", max: Mandate.Action.allCases.count) {
          try $0.choice(Mandate.Action.words)
        }
        let lanes = fields.optionalArray("lanes", max: lanesMax) { try $0.name() }
        let expires = fields.int64("expires", in: 0...Int64.max)
        let key = fields.read("key") { try $0.base64URL(32...32) }
        let link = Link(
          audience: try audience.value, tenant: try tenant.value, by: try by.value,
          to: try to.value, budget: try budget.value, ceiling: try ceiling.value,
          actions: Set(try actions.value), lanes: try lanes.value.map { Set($0) },
          expires: try expires.value)
        return (link, try key.value)
      }
    }
  }
}

extension JSONValue {
  /// Reads bytes in base64 for addresses.
  /// - Parameter count: how many there may be.
  func base64URL(_ count: ClosedRange<Int>) throws(JSONAbandoned) -> [UInt8] {
    let text = try string()
    guard let bytes = Base64URL.bytes(text.utf8), count.contains(bytes.count) else {
      throw refuse("the bytes are not as they have to be")
    }
    return bytes
  }
}
