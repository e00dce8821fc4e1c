import Foundation
import JWTKit
import PoolClient
import PoolIdentity
import PoolStore
import Testing

@testable import PoolService

/// What a token says in these tests.
private struct TestClaims: JWTPayload {
  var iss: String? = "https://id.example"
  var aud: [String]? = ["pool"]
  var sub: String? = "human:lead"
  var exp: Int64? = Int64(Date().timeIntervalSince1970) + 600
  var iat: Int64? = Int64(Date().timeIntervalSince1970)
  var nbf: Int64?
  var groups: [String]? = ["acme-leads"]
  var kind: String?

  func verify(using algorithm: some JWTAlgorithm) {}
}

/// Tokens of identity providers: whom they make somebody, and a test for each that must not hold.
@Suite struct ProviderTests {
  private static let key = try? EdDSA.PrivateKey()

  /// A key set with one key.
  private static func keys(_ key: EdDSA.PrivateKey, id: String = "k-1") -> String {
    let x = Base64URL.text(key.publicKey.rawRepresentation)
    return """
      {"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": "\(id)", "x": "\(x)"}]}
      """
  }

  private static let rules = """
    {"claim": "groups", "value": "pool-operators", "role": "operator"},
    {"claim": "groups", "value": "acme-leads", "role": "owner", "tenant": "acme"},
    {"claim": "groups", "value": "zeta-leads", "role": "owner", "tenant": "zeta"},
    {"claim": "kind", "value": "agent", "role": "workload", "tenant": "acme"}
    """

  private static func document(_ rules: String = ProviderTests.rules, more: String = "") -> String {
    """
    {"schema_version": 1, "kind": "identity_providers", "providers": [
      {"issuer": "https://id.example", "audience": "pool", "jwks_file": "keys.json",
       "rules": [\(rules)]\(more)}]}
    """
  }

  /// A folder with the documents; `keys.json` stands beside `providers.json`.
  private static func inFolder(
    _ document: String, keys: String, _ body: (String) async throws -> Void
  ) async throws {
    try await Rig.inFolder { folder in
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      try Data(keys.utf8).write(to: URL(fileURLWithPath: folder + "/keys.json"))
      try Data(document.utf8).write(to: URL(fileURLWithPath: folder + "/providers.json"))
      try await body(folder)
    }
  }

  /// A server that takes the tokens of one provider.
  private static func serving(
    _ document: String = ProviderTests.document(),
    _ body: (Rig, EdDSA.PrivateKey, String) async throws -> Void
  ) async throws {
    let key = try #require(Self.key)
    try await inFolder(document, keys: keys(key)) { folder in
      let providers = try await IdentityProviders(file: folder + "/providers.json")
      try await Rig.serving(folder + "/state", providers: providers) { rig in
        try await body(rig, key, folder)
      }
    }
  }

  private static func token(
    _ key: EdDSA.PrivateKey, id: JWKIdentifier = "k-1",
    _ change: (inout TestClaims) -> Void = { _ in }
  ) async throws -> String {
    var claims = TestClaims()
    change(&claims)
    let keys = JWTKeyCollection()
    await keys.add(eddsa: key, kid: id)
    return try await keys.sign(claims, kid: id)
  }

  // MARK: whom a token makes somebody

  @Test func aRuleMakesSomebodyOfAToken() async throws {
    try await Self.serving { (rig, key, _) async throws in
      func status(
        _ method: String, _ path: String, _ body: String? = nil,
        _ change: (inout TestClaims) -> Void = { _ in }
      ) async throws -> Int {
        try await rig.client(token: try await Self.token(key, change)).send(method, path, body)
          .status
      }
      #expect(try await status("GET", "v1/queue") == 200)
      #expect(try await status("GET", "metrics") == 403)
      #expect(try await status("GET", "metrics") { $0.groups = ["pool-operators"] } == 200)
      // The first rule that holds counts, wherever the token has its claim.
      #expect(
        try await status("GET", "metrics") { $0.groups = ["acme-leads", "pool-operators"] } == 200)
      // An owner of one tenant is none of another.
      let budget = #"{"tenant": "acme", "budget": "b", "limit_gpu_seconds": 1, "for_seconds": 60}"#
      #expect(try await status("POST", "v1/delegations", budget) == 200)
      #expect(
        try await status("POST", "v1/delegations", budget) { $0.groups = ["zeta-leads"] } == 404)
      // A workload asks in its own name.
      func agent(_ claims: inout TestClaims) {
        claims.groups = nil
        claims.kind = "agent"
        claims.sub = "agent:a"
      }
      let (own, other) = (Documents.claim("c"), Documents.claim("c", by: "agent:b"))
      #expect(try await status("POST", "v1/explain", own, agent) == 200)
      #expect(try await status("POST", "v1/claims", other, agent) == 403)
    }
  }

  @Test func anotherClaimMayNameThePrincipal() async throws {
    let more = #", "principal_claim": "kind""#
    try await Self.serving(Self.document(more: more)) { (rig, key, _) async throws in
      let token = try await Self.token(key) {
        $0.groups = ["pool-operators"]
        $0.kind = "human:named"
      }
      let made = try await rig.client(token: token).send("POST", "v1/nodes", Documents.node())
      #expect(made.status == 201)
      let rows = try await rig.root.send("GET", "v1/decisions").object["decisions"]
      #expect((rows as? [[String: Any]])?.last?["principal"] as? String == "human:named")
      let nobody = try await Self.token(key)
      #expect(try await rig.client(token: nobody).send("GET", "v1/queue").status == 401)
    }
  }

  // MARK: what does not hold

  private static let wrongs: [(what: String, change: @Sendable (inout TestClaims) -> Void)] = [
    ("another audience", { $0.aud = ["pool-2"] }), ("no audience", { $0.aud = nil }),
    ("an audience that begins alike", { $0.aud = ["poo"] }),
    ("another issuer", { $0.iss = "https://id.example.org" }), ("no issuer", { $0.iss = nil }),
    ("an issuer that begins alike", { $0.iss = "https://id.example/" }),
    ("expired", { $0.exp = Int64(Date().timeIntervalSince1970) }), ("no end", { $0.exp = nil }),
    ("no beginning", { $0.iat = nil }),
    ("not yet", { $0.nbf = Int64(Date().timeIntervalSince1970) + 60 }),
    ("nobody", { $0.sub = nil }), ("an empty name", { $0.sub = "" }),
    ("longer than a day", { $0.exp = ($0.iat ?? 0) + 86_401 }),
    (
      "made in the future",
      {
        $0.iat = ($0.iat ?? 0) + 90_000
        $0.exp = ($0.iat ?? 0) + 60
      }
    ),
    (
      "a workload's, longer than an hour",
      {
        $0.groups = nil
        $0.kind = "agent"
        $0.exp = ($0.iat ?? 0) + 3_601
      }
    ),
  ]

  @Test func whatIsNotRightIsRefused() async throws {
    try await Self.serving { (rig, key, _) async throws in
      for (what, change) in Self.wrongs {
        let token = try await Self.token(key, change)
        #expect(try await rig.client(token: token).send("GET", "v1/queue").status == 401, "\(what)")
      }
      // With more than one audience one of them is enough.
      let several = try await Self.token(key) { $0.aud = ["other", "pool"] }
      #expect(try await rig.client(token: several).send("GET", "v1/queue").status == 200)
    }
  }

  @Test func whatIsNotSignedIsRefused() async throws {
    try await Self.serving { (rig, key, _) async throws in
      let good = try await Self.token(key)
      let parts = good.split(separator: ".").map { String($0) }
      let none = Base64URL.text(Array(#"{"alg":"none","typ":"JWT"}"#.utf8))
      let named = Base64URL.text(Array(#"{"alg":"none","kid":"k-1"}"#.utf8))
      let other = try await Self.token(key) { $0.groups = ["pool-operators"] }
      let body = String(other.split(separator: ".")[1])
      let symmetric = JWTKeyCollection()
      await symmetric.add(
        hmac: HMACKey(from: key.publicKey.rawRepresentation), digestAlgorithm: .sha256, kid: "k-1")
      for (what, token) in [
        ("none", "\(none).\(parts[1])."), ("none with a key", "\(named).\(parts[1])."),
        ("none with a signature", "\(none).\(parts[1]).\(parts[2])"),
        ("no signature", "\(parts[0]).\(parts[1])."),
        ("another body", "\(parts[0]).\(body).\(parts[2])"),
        ("another key", try await Self.token(try EdDSA.PrivateKey())),
        ("another name of the key", try await Self.token(key, id: "k-2")),
        ("symmetric", try await symmetric.sign(TestClaims(), kid: "k-1")),
        ("dots alone", ".."), ("no JSON", "a.b.c"), ("two parts", "\(parts[0]).\(parts[1])"),
        ("too long", String(repeating: "a", count: 9_000) + ".e30.e30"),
      ] {
        #expect(try await rig.client(token: token).send("GET", "v1/queue").status == 401, "\(what)")
      }
      #expect(try await rig.client(token: good).send("GET", "v1/queue").status == 200)
    }
  }

  @Test func whoeverMatchesNoRuleMayNothing() async throws {
    try await Self.serving { (rig, key, _) async throws in
      let others: [[String]?] = [
        nil, [], ["acme-lead"], ["acme-leads2"], ["ACME-LEADS"], [" acme-leads"],
      ]
      for groups in others {
        let token = try await Self.token(key) { $0.groups = groups }
        let reply = try await rig.client(token: token).send("GET", "v1/queue")
        #expect(reply.status == 403, "\(groups ?? [])")
        #expect((reply.object["detail"] as? String)?.contains("no rule") == true)
      }
    }
  }

  @Test func aProviderWithoutRulesOpensNothing() async throws {
    try await Self.serving(Self.document("")) { (rig, key, _) async throws in
      let token = try await Self.token(key) { $0.groups = ["acme-leads", "pool-operators"] }
      #expect(try await rig.client(token: token).send("GET", "v1/queue").status == 403)
    }
  }

  @Test func withoutProvidersNoTokenIsTaken() async throws {
    let key = try #require(Self.key)
    try await Rig.serving { rig in
      let token = try await Self.token(key)
      #expect(try await rig.client(token: token).send("GET", "v1/queue").status == 401)
    }
  }

  // MARK: keys

  @Test func keysAreReadAgainWhenTheyChange() async throws {
    try await Self.serving { rig, old, folder in
      let (new, file) = (try EdDSA.PrivateKey(), URL(fileURLWithPath: folder + "/keys.json"))
      let (first, second) = (try await Self.token(old), try await Self.token(new))
      func status(_ token: String) async throws -> Int {
        try await rig.client(token: token).send("GET", "v1/queue").status
      }
      #expect(try await status(first) == 200)
      #expect(try await status(second) == 401)
      try Data(Self.keys(new).utf8).write(to: file, options: .atomic)
      #expect(try await status(first) == 401)
      #expect(try await status(second) == 200)
      // What is half written, or not there, is not what the provider says; a set without keys is.
      for half in ["{", ""] {
        try Data(half.utf8).write(to: file, options: .atomic)
        #expect(try await status(second) == 200)
        #expect(try await status(first) == 401)
      }
      try FileManager.default.removeItem(at: file)
      #expect(try await status(second) == 200)
      let metrics = try await rig.root.send("GET", "metrics").body
      #expect(
        String(decoding: metrics, as: UTF8.self).contains(
          #"gpupool_identity_keys_unread_seconds{issuer="https://id.example"} "#))
      try Data(#"{"keys": []}"#.utf8).write(to: file, options: .atomic)
      #expect(try await status(second) == 401)
      try Data(Self.keys(new).utf8).write(to: file, options: .atomic)
      #expect(try await status(second) == 200)
    }
  }

  @Test func keysThatCannotBeReadHoldForAnHour() async throws {
    let key = try #require(Self.key)
    try await Self.inFolder(Self.document(), keys: Self.keys(key)) { folder in
      let providers = try await IdentityProviders(file: folder + "/providers.json")
      let now = Int64(Date().timeIntervalSince1970)
      let token = try await Self.token(key) { $0.exp = now + 7_200 }
      let file = URL(fileURLWithPath: folder + "/keys.json")
      func holds(after seconds: Int64) async -> Bool {
        (try? await providers.caller(of: token, at: now + seconds)) != nil
      }
      #expect(await holds(after: 0))
      try Data("{".utf8).write(to: file, options: .atomic)
      #expect(await holds(after: 10))
      // Another file that is none does not begin the hour anew.
      try Data("{}".utf8).write(to: file, options: .atomic)
      #expect(await holds(after: 3_609))
      #expect(await providers.unread(at: now + 3_609).map(\.seconds) == [3_599])
      #expect(await !holds(after: 3_610))
      await #expect(throws: StoreError.self) {
        _ = try await providers.caller(of: token, at: now + 3_610)
      }
      try Data(Self.keys(key).utf8).write(to: file, options: .atomic)
      #expect(await holds(after: 3_611))
      #expect(await providers.unread(at: now + 3_611).map(\.seconds) == [0])
    }
  }

  /// What makes a file readable again may leave no mark on it, such as a right that is given.
  @Test func aBrokenFileIsTriedAgainThoughItLooksTheSame() async throws {
    let good = Self.keys(try #require(Self.key))
    try await Self.inFolder(Self.document(), keys: good) { folder in
      let providers = try await IdentityProviders(file: folder + "/providers.json")
      let now = Int64(Date().timeIntervalSince1970)
      let path = folder + "/keys.json"
      func write(_ text: String) throws {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)], ofItemAtPath: path)
      }
      try write(String(repeating: " ", count: good.utf8.count))
      #expect(await providers.unread(at: now).map(\.seconds) == [0])
      try write(good)
      #expect(await providers.unread(at: now + 9).map(\.seconds) == [9])
      #expect(await providers.unread(at: now + 10).map(\.seconds) == [0])
    }
  }

  @Test func aKeyOfAnotherKindSignsInItsOwnWay() async throws {
    let key = ES256PrivateKey()
    let (x, y) = try #require(key.parameters)
    func plain(_ text: String) -> String {
      Base64URL.text(Data(base64Encoded: text) ?? Data())
    }
    // Which algorithm it is for follows from its curve.
    let keys = """
      {"keys": [{"kty": "EC", "crv": "P-256", "x": "\(plain(x))", "y": "\(plain(y))"}]}
      """
    try await Self.inFolder(Self.document(), keys: keys) { folder in
      let providers = try await IdentityProviders(file: folder + "/providers.json")
      try await Rig.serving(folder + "/state", providers: providers) { rig in
        let signers = JWTKeyCollection()
        await signers.add(ecdsa: key)
        let token = try await signers.sign(TestClaims())
        #expect(try await rig.client(token: token).send("GET", "v1/queue").status == 200)
      }
    }
  }

  @Test func aWrongDocumentIsToldAtTheStart() async throws {
    let key = try #require(Self.key)
    let (x, good) = (Base64URL.text(key.publicKey.rawRepresentation), Self.keys(key))
    let symmetric = #"{"keys": [{"kty": "oct", "kid": "k-1", "alg": "HS256", "k": "\#(x)"}]}"#
    let twice = good.replacingOccurrences(
      of: "]}", with: #", {"kty": "OKP", "crv": "Ed25519", "kid": "k-1", "x": "\#(x)"}]}"#)
    let owner = #"{"claim": "c", "value": "v", "role": "owner"}"#
    let everybody = #"{"claim": "c", "value": "v", "role": "operator", "tenant": "acme"}"#
    let node = #"{"claim": "c", "value": "v", "role": "node", "tenant": "n-1"}"#
    for (what, document, keys) in [
      ("an owner of nothing", Self.document(owner), good),
      ("an operator of one tenant", Self.document(everybody), good),
      ("a node", Self.document(node), good),
      ("something unknown", Self.document(more: #", "leeway": 60"#), good),
      ("no document", "{}", good), ("no keys", Self.document(), #"{"keys": []}"#),
      ("a symmetric key", Self.document(), symmetric), ("one name twice", Self.document(), twice),
    ] {
      try await Self.inFolder(document, keys: keys) { folder in
        await #expect(throws: StoreError.self, "\(what)") {
          try await IdentityProviders(file: folder + "/providers.json")
        }
      }
    }
  }
}
