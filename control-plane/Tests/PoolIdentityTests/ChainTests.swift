import Foundation
import PoolIdentity
import Testing

/// A chain says what it was given to say, and nothing that was changed holds.
@Suite struct ChainTests {
  private static let root = RootKey()
  private static let now: Int64 = 1_800_000_000

  private static let first = Link(
    audience: "pool", tenant: "acme", by: "human:lead", to: "agent:planner", budget: "plans",
    ceiling: .p1, actions: [.look, .prepare], lanes: ["shared", "batch"], expires: now + 600)

  /// The first link as the next one's holder may have it.
  private static func next(
    _ to: String = "agent:planner/worker", _ change: (inout Link) -> Void = { _ in }
  ) -> Link {
    var link = first
    link.by = nil
    link.to = to
    change(&link)
    return link
  }

  private static func begun(_ change: (inout Link) -> Void = { _ in }) throws -> Chain {
    var link = first
    change(&link)
    return try Chain.begin(link, by: root)
  }

  private static func verified(
    _ chain: Chain, root: RootKey = ChainTests.root, audience: String = "pool",
    now: Int64 = ChainTests.now
  ) throws(ChainError) -> Mandate {
    try chain.verified(root: root, audience: audience, now: now)
  }

  // MARK: what holds

  @Test func aChainAllowsWhatItsLastLinkLeaves() throws {
    let one = try Self.begun()
    #expect(try Self.verified(one).onBehalfOf == ["human:lead"])
    let two = try one.narrowed(
      Self.next {
        $0.budget = "plans-a"
        $0.ceiling = .p2
        $0.actions = [.look]
        $0.lanes = ["batch"]
        $0.expires = Self.now + 60
      })
    let read = try Chain(text: two.text)
    #expect(read.links == two.links)
    let mandate = try Self.verified(read)
    #expect(mandate.tenant == "acme" && mandate.principal == "agent:planner/worker")
    #expect(mandate.onBehalfOf == ["human:lead", "agent:planner"])
    #expect(mandate.budgets == ["plans", "plans-a"] && mandate.budget == "plans-a")
    #expect(mandate.ceiling == .p2 && mandate.actions == [.look] && mandate.lanes == ["batch"])
    #expect(mandate.expires == Self.now + 60)
    // Whoever narrowed it still has what they had.
    #expect(try Self.verified(one).actions == [.look, .prepare])
  }

  @Test func aBudgetThatStaysIsNamedOnce() throws {
    let chain = try Self.begun().narrowed(Self.next()).narrowed(
      Self.next("agent:planner/worker/third"))
    let mandate = try Self.verified(chain)
    #expect(mandate.budgets == ["plans"])
    #expect(mandate.onBehalfOf == ["human:lead", "agent:planner", "agent:planner/worker"])
  }

  @Test func theTextHasNothingOfItsHoldersBefore() throws {
    let one = try Self.begun()
    let two = try one.narrowed(Self.next())
    #expect(Self.secret(of: one.text) != Self.secret(of: two.text))
  }

  // MARK: what is wider

  private static let widenings: [(what: String, change: @Sendable (inout Link) -> Void)] = [
    ("it is for another server", { $0.audience = "pool-2" }),
    ("it is for another tenant", { $0.tenant = "zeta" }),
    ("only the first link says who gives", { $0.by = "human:boss" }),
    ("the action execute", { $0.actions.insert(.execute) }),
    ("all lanes", { $0.lanes = nil }),
    ("the lane fast", { $0.lanes = ["shared", "fast"] }),
    ("the class P0", { $0.ceiling = .p0 }),
    ("it ends later", { $0.expires += 1 }),
    ("the name agent:x is not below agent:planner", { $0.to = "agent:x" }),
    ("the name agent:planner-2 is not below agent:planner", { $0.to = "agent:planner-2" }),
  ]

  @Test(arguments: ChainTests.widenings.indices)
  func aWiderLinkIsRefused(index: Int) throws {
    let (what, change) = Self.widenings[index]
    let (chain, link) = (try Self.begun(), Self.next("agent:planner/worker", change))
    #expect(throws: ChainError.wider(link: 2, what: what)) { try chain.narrowed(link) }
    // Also where its holder signs it all the same.
    let forced = try chain.extended(link)
    #expect(throws: ChainError.wider(link: 2, what: what)) { try Self.verified(forced) }
    let read = try Chain(text: forced.text)
    #expect(throws: ChainError.wider(link: 2, what: what)) { try Self.verified(read) }
    // And where a later link is narrow again.
    let hidden = try forced.extended(Self.next("agent:planner/worker/third"))
    #expect(throws: ChainError.self) { try Self.verified(hidden) }
  }

  @Test func whatIsEmptyAllowsNothing() throws {
    let mandate = try Self.verified(
      try Self.begun {
        $0.actions = []
        $0.lanes = []
      })
    #expect(mandate.actions.isEmpty && mandate.lanes == [])
  }

  @Test func aChainHasFourLinks() throws {
    var chain = try Self.begun()
    for _ in 2...4 { chain = try chain.narrowed(Self.next("agent:planner")) }
    #expect(try Self.verified(chain).principal == "agent:planner")
    #expect(throws: ChainError.tooDeep) { try chain.narrowed(Self.next("agent:planner")) }
    let forced = try chain.extended(Self.next("agent:planner"))
    #expect(throws: ChainError.self) { try Chain(text: forced.text) }
  }

  // MARK: whose it is, and until when

  @Test func itIsOfOneServerAndForOneServer() throws {
    let chain = try Self.begun()
    #expect(throws: ChainError.unsigned(link: 1)) { try Self.verified(chain, root: RootKey()) }
    for other in ["", "poo", "pool ", "pool-2", "POOL"] {
      #expect(throws: ChainError.otherAudience("pool")) {
        try Self.verified(chain, audience: other)
      }
    }
  }

  @Test func itEnds() throws {
    let chain = try Self.begun()
    #expect(try Self.verified(chain, now: Self.now + 599).expires == Self.now + 600)
    for late in [600, 601, 1_000_000] {
      #expect(throws: ChainError.expired) { try Self.verified(chain, now: Self.now + Int64(late)) }
    }
  }

  @Test func theFirstLinkSaysWhoGives() throws {
    #expect(throws: ChainError.giverMissing) { try Self.begun { $0.by = nil } }
  }

  // MARK: what was changed

  private static func object(_ text: String) throws -> [String: Any] {
    let bytes = try #require(Base64URL.bytes(text.utf8.dropFirst(Chain.prefix.utf8.count)))
    return try #require(
      try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
  }

  private static func secret(of text: String) -> String {
    ((try? object(text))?["secret"] as? String) ?? ""
  }

  private static func text(_ object: [String: Any]) throws -> String {
    let data = try JSONSerialization.data(withJSONObject: object)
    return Chain.prefix + Base64URL.text(data)
  }

  /// A chain with other blocks.
  private static func chain(
    _ chain: Chain, _ change: (inout [[String: Any]]) -> Void
  ) throws -> Chain {
    var object = try Self.object(chain.text)
    var blocks = try #require(object["blocks"] as? [[String: Any]])
    change(&blocks)
    object["blocks"] = blocks
    return try Chain(text: try Self.text(object))
  }

  @Test func everyByteCounts() throws {
    let text = try Self.begun().narrowed(Self.next()).text
    var bytes = Array(text.utf8)
    for index in bytes.indices {
      bytes[index] ^= 1
      let changed = String(decoding: bytes, as: UTF8.self)
      #expect(throws: ChainError.self, "byte \(index)") {
        try Self.verified(try Chain(text: changed))
      }
      bytes[index] ^= 1
    }
    for length in 0..<text.utf8.count {
      #expect(throws: ChainError.self) {
        try Self.verified(try Chain(text: String(text.prefix(length))))
      }
    }
  }

  @Test func linksStayWhereTheyAre() throws {
    let chain = try Self.begun().narrowed(Self.next()).narrowed(
      Self.next("agent:planner/worker/third"))
    let other = try Self.begun().narrowed(Self.next())
    let foreign = try #require(try Self.object(other.text)["blocks"] as? [[String: Any]])
    let changes: [(String, (inout [[String: Any]]) -> Void)] = [
      ("the last is dropped", { $0.removeLast() }), ("the first is dropped", { $0.removeFirst() }),
      ("one is dropped", { $0.remove(at: 1) }), ("two are swapped", { $0.swapAt(1, 2) }),
      ("all are turned", { $0.reverse() }), ("one is doubled", { $0.insert($0[1], at: 1) }),
      ("the last is doubled", { $0.append($0[2]) }), ("one is another's", { $0[1] = foreign[1] }),
      ("the first is another's", { $0[0] = foreign[0] }),
      ("what was signed is another's", { $0[1]["payload"] = foreign[1]["payload"] }),
    ]
    for (what, change) in changes {
      #expect(throws: ChainError.self, "\(what)") {
        try Self.verified(try Self.chain(chain, change))
      }
    }
    #expect(throws: ChainError.foreignSecret) {
      try Self.verified(try Self.chain(chain) { $0.removeLast() })
    }
  }

  @Test func whoeverHasALinkAloneHasNothing() throws {
    // The secret of the first link's holder makes no other second link of somebody else's chain.
    let (mine, theirs) = (try Self.begun(), try Self.begun { $0.to = "agent:other" })
    var object = try Self.object(theirs.text)
    object["secret"] = Self.secret(of: mine.text)
    let stolen = try Chain(text: try Self.text(object))
    #expect(throws: ChainError.foreignSecret) { try Self.verified(stolen) }
    let extended = try stolen.narrowed(Self.next("agent:other/worker"))
    #expect(throws: ChainError.unsigned(link: 2)) { try Self.verified(extended) }
  }

  @Test func nothingUnknownIsRead() throws {
    let chain = try Self.begun()
    var object = try Self.object(chain.text)
    object["more"] = 1
    let text = try Self.text(object)
    #expect(throws: ChainError.self) { try Chain(text: text) }
    for wrong in ["", "chain_", "chain_e30", "pool_00", chain.text + "=", " " + chain.text] {
      #expect(throws: ChainError.self, "\(wrong)") { try Chain(text: wrong) }
    }
    let long = Chain.prefix + String(repeating: "A", count: Chain.bytesMax)
    #expect(throws: ChainError.tooLong) { try Chain(text: long) }
  }

  @Test(arguments: ["", "a b", "a\nb", "é", String(repeating: "x", count: 129)])
  func whatIsNoNameIsNotSigned(name: String) throws {
    #expect(throws: ChainError.self) { try Self.begun { $0.to = name } }
    let chain = try Self.begun { $0.lanes = nil }
    #expect(throws: ChainError.self) { try chain.narrowed(Self.next { $0.lanes = [name] }) }
  }

  @Test func aChainThatIsTooLongIsNotMade() throws {
    let lanes = Set((0..<64).map { "lane-\($0)-" + String(repeating: "x", count: 100) })
    #expect(throws: ChainError.tooLong) { try Self.begun { $0.lanes = lanes } }
  }
}

/// How keys and bytes are written.
@Suite struct TextTests {
  @Test func aKeyIsReadAsItWasWritten() throws {
    let key = RootKey()
    #expect(key.hex.utf8.count == 64)
    #expect(RootKey(hex: key.hex)?.hex == key.hex)
    for wrong in ["", String(key.hex.dropLast()), key.hex + "0", "g" + key.hex.dropFirst()] {
      #expect(RootKey(hex: wrong) == nil)
    }
  }

  @Test func bytesHaveOneText() {
    for count in 0..<70 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      #expect(Base64URL.bytes(Base64URL.text(bytes).utf8) == bytes)
    }
    #expect(Base64URL.text(Array("any carnal pleas".utf8)) == "YW55IGNhcm5hbCBwbGVhcw")
    #expect(Base64URL.text([0xFB, 0xFF]) == "-_8")
    for wrong in ["A", "AB", "AAB", "QQ==", "+/8", "A A", "-_9"] {
      #expect(Base64URL.bytes(wrong.utf8) == nil, "\(wrong)")
    }
  }
}
