import Foundation
import StrictJSON
import Testing

@testable import PoolWire

/// The schemas and the readers know the same keys: an unknown key put into every object of a full
/// document makes the reader list what it knows, which must be what the schema lists.
@Suite("Schemas and readers")
struct SchemaTests {
  static let stranger = "zq_stranger_qz"

  private static func schema(_ name: String) throws -> [String: Any] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let data = try Data(contentsOf: root.appending(path: "schemas/\(name).schema.json"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  /// Follows `$ref`, and picks the branch of `oneOf` that has the value's op.
  private static func resolve(
    _ schema: [String: Any], _ root: [String: Any], _ value: Any
  ) throws -> (schema: [String: Any], root: [String: Any], name: String?) {
    if let reference = schema["$ref"] as? String {
      let parts = reference.split(separator: "#", omittingEmptySubsequences: false)
      let file = String(parts[0].replacing(".schema.json", with: ""))
      let home = file.isEmpty ? root : try Self.schema(file)
      guard parts.count == 2 else { return (home, home, file) }
      let name = String(parts[1].replacing("/$defs/", with: ""))
      let definitions = try #require(home["$defs"] as? [String: Any])
      return (try #require(definitions[name] as? [String: Any]), home, name)
    }
    guard let branches = schema["oneOf"] as? [[String: Any]] else { return (schema, root, nil) }
    let op = (value as? [String: Any])?["op"] as? String
    let branch = branches.first { branch in
      let properties = branch["properties"] as? [String: Any]
      let words = (properties?["op"] as? [String: Any])?["enum"] as? [String]
      return op.map { words?.contains($0) == true } ?? false
    }
    return (try #require(branch), root, op)
  }

  /// An object of the document with its schema, and the document around a changed one.
  struct Site {
    var path: String
    var name: String?
    var keys: Set<String>
    var changed: [String: Any]
    var rebuild: (Any) -> Any
  }

  private static func sites(
    _ value: Any, _ schema: [String: Any], _ root: [String: Any], path: String,
    rebuild: @escaping (Any) -> Any
  ) throws -> [Site] {
    let (schema, root, name) = try resolve(schema, root, value)
    var found: [Site] = []
    if let list = value as? [Any], let items = schema["items"] as? [String: Any] {
      for (index, element) in list.enumerated() {
        found += try sites(element, items, root, path: "\(path)[\(index)]") { new in
          var list = list
          list[index] = new
          return rebuild(list)
        }
      }
    }
    guard let object = value as? [String: Any] else { return found }
    let properties = schema["properties"] as? [String: [String: Any]]
    if let properties {
      var changed = object
      changed[stranger] = 1
      found.append(
        Site(
          path: path, name: name, keys: Set(properties.keys), changed: changed, rebuild: rebuild))
    }
    for (key, member) in object {
      let inner = properties?[key] ?? schema["additionalProperties"] as? [String: Any]
      guard let inner else { continue }
      found += try sites(member, inner, root, path: "\(path).\(key)") { new in
        var object = object
        object[key] = new
        return rebuild(object)
      }
    }
    return found
  }

  /// A claim with every member that may stand beside the others.
  private static var fullClaims: String {
    get throws {
      try Documents.changed(
        "claims", "\"runtime_max_seconds\": 600",
        """
        "runtime_max_seconds": 600, "class": "P1", "plan": "sha256:1", "budget": "b", "quote": "q",
        "accept_rungs": ["half"], "estimate": {"seconds": 5},
        "interruptible": {"grace_seconds": 1, "checkpoint_every_seconds": 2}
        """)
    }
  }

  private static var fullNode: String {
    get throws {
      try Documents.changed(
        "node", "\"labels\"", "\"approved\": [{\"profile\": \"cpu\", \"count\": 1}], \"labels\"")
    }
  }

  private static func check(
    _ kind: String, _ schemaName: String, _ text: String
  ) throws -> Set<
    String
  > {
    let schema = try schema(schemaName)
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
    var seen: Set<String> = []
    for site in try sites(value, schema, schema, path: "$", rebuild: { $0 }) {
      if let name = site.name { seen.insert(name) }
      let data = try JSONSerialization.data(withJSONObject: site.rebuild(site.changed))
      let errors = Documents.errors(kind, String(decoding: data, as: UTF8.self))
      let about = errors.filter { $0.contains("unknown key \"\(stranger)\"") }
      #expect(about.count == 1, "\(schemaName) \(site.path): \(errors)")
      guard let hint = about.first?.split(separator: "known keys are ").last else { continue }
      let known = hint.matches(of: /"([^"]+)"/).map { String($0.1) }
      let more = hint.firstMatch(of: /and (\d+) more/).flatMap { Int($0.1) } ?? 0
      #expect(Set(known).isSubset(of: site.keys), "\(schemaName) \(site.path)")
      #expect(
        known.count + more == site.keys.count,
        "\(schemaName) \(site.path): the reader knows \(known), the schema \(site.keys.sorted())")
    }
    return seen
  }

  private static func definitions(_ name: String) throws -> Set<String> {
    let all = try #require(try schema(name)["$defs"] as? [String: [String: Any]])
    return Set(all.filter { $0.value["properties"] != nil }.keys)
  }

  @Test("policy")
  func policy() throws {
    let seen = try Self.check("policy", "policy", Documents.policy)
    #expect(try seen.isSuperset(of: Self.definitions("policy")))
  }

  @Test("claims")
  func claims() throws {
    let seen = try Self.check("claims", "claims", Self.fullClaims)
    #expect(try seen.union(["claim"]).isSuperset(of: Self.definitions("claims")))
  }

  @Test("node")
  func node() throws {
    let seen = try Self.check("node", "node", Self.fullNode)
    #expect(try seen.isSuperset(of: Self.definitions("node")))
  }

  @Test("messages of an agent")
  func messages() throws {
    let seen = try Self.check("node_message", "node-message", NodeTalk.message)
    #expect(try seen.isSuperset(of: Self.definitions("node-message")))
  }

  @Test("replies of a leader, with an order of each op")
  func replies() throws {
    let seen = try Self.check("node_reply", "node-reply", NodeTalk.reply)
    #expect(try seen.isSuperset(of: Self.definitions("node-reply")))
    #expect(seen.isSuperset(of: ["start", "run", "stop"]))
  }

  @Test("requests, one of each op", arguments: StreamRequest.operations)
  func requests(op: String) throws {
    var line: [String: Any] = ["op": op]
    func object(_ text: String) throws -> Any {
      try JSONSerialization.jsonObject(with: Data(text.utf8))
    }
    switch op {
    case "claim":
      let claims = try #require(object(Self.fullClaims) as? [String: Any])
      line["claim"] = try #require(claims["claims"] as? [Any]).first
    case "quote":
      let claims = try #require(object(Self.fullClaims) as? [String: Any])
      var claim = try #require((claims["claims"] as? [[String: Any]])?.first)
      claim["quote"] = nil
      line["claim"] = claim
      line["quote"] = "q"
      line["for_seconds"] = 60
    case "advertise": line["node"] = try object(Self.fullNode)
    case "policy": line["policy"] = try object(Documents.policy)
    case "started", "renew", "empty", "complete":
      line["lease"] = "L-0.1"
      line["fencing"] = "1.1"
      if op == "complete" { line["outcome"] = "completed" }
    case "cancel", "explain":
      line["tenant"] = "a"
      line["claim"] = "b"
    case "approve", "deny":
      line["tenant"] = "a"
      line["claim"] = "b"
      line["by"] = "c"
      if op == "approve" { line["plan"] = "d" }
    case "emergency":
      line["bucket"] = "a"
      line["by"] = "b"
      line["and"] = "c"
      line["for_seconds"] = 60
    case "delegate", "revoke":
      line["tenant"] = "a"
      line["budget"] = "b"
      guard op == "delegate" else { break }
      line["limit_gpu_seconds"] = 1.5
      line["for_seconds"] = 60
    case "restrict":
      line["identity"] = "tenant"
      line["name"] = "a"
      line["measure"] = "lift"
    case "signal":
      line["tenant"] = "acme"
      line["service"] = "chat"
      line["correction"] = 1.5
    case "measure":
      line["measure"] = "burn"
      line["subject"] = "chat"
      line["value"] = 2.5
    case "dependency":
      line["name"] = "mail"
      line["state"] = "down"
    case "drain":
      line["node"] = "n"
      line["grace_seconds"] = 1
    case "tick", "status": break
    default: line["node"] = "n"
    }
    let data = try JSONSerialization.data(withJSONObject: line)
    _ = try Self.check("stream", "stream-request", String(decoding: data, as: UTF8.self))
  }
}
