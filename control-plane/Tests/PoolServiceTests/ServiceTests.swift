import Foundation
import PoolClient
import PoolRecord
import PoolService
import PoolStore
import Testing

/// A claim's life over HTTP, with the production agent at the other end.
@Suite struct ServiceTests {
  /// Enrols a node and has its agent report.
  private func join(_ rig: Rig) async throws -> TestAgent {
    let root = try rig.root
    let reply = try await root.send("POST", "v1/nodes", Documents.node())
    #expect(reply.status == 201)
    let join = try #require(reply.object["join_credential"] as? String)
    var agent = try await TestAgent("n-1", join: join) { rig.client(token: $0) }
    try await agent.turn { try await isReady(root) }
    return agent
  }

  private func isReady(_ root: PoolClient) async throws -> Bool {
    let nodes = try await root.send("GET", "v1/nodes").object["nodes"] as? [[String: Any]]
    return nodes?.first?["reach"] as? String == "ready"
  }

  private func leases(_ root: PoolClient) async throws -> [[String: Any]] {
    try await root.send("GET", "v1/leases").object["leases"] as? [[String: Any]] ?? []
  }

  @Test func aClaimIsGrantedRunsAndEnds() async throws {
    try await Rig.serving { rig in
      var agent = try await join(rig)
      let root = try rig.root
      let granted = try await root.send("POST", "v1/claims", Documents.claim("c-1"))
      #expect(granted.status == 201)
      let lease = try #require(granted.object["lease"] as? [String: Any])
      let (id, fencing) = (lease["lease"] as? String ?? "", lease["fencing"] as? String ?? "")
      try await agent.turn { try await leases(root).first?["state"] as? String == "active" }
      #expect(agent.living.values.contains(id))
      let renewed = try await root.send(
        "POST", "v1/leases/\(id)/renew", #"{"fencing": "\#(fencing)"}"#)
      // Too early to pay the next quantum, and said so.
      #expect([200, 429, 409].contains(renewed.status))
      let ended = try await root.send(
        "POST", "v1/leases/\(id)/complete",
        #"{"fencing": "\#(fencing)", "outcome": "completed"}"#)
      #expect(ended.status == 200)
      try await agent.turn { try await leases(root).isEmpty }
      #expect(agent.living.isEmpty)
      let lanes = try await root.send("GET", "v1/lanes").object["lanes"] as? [[String: Any]]
      #expect(lanes?.first?["free_milli"] as? Int == 2000)
    }
  }

  @Test func aClaimThatWaitsIsFollowedUntilItRuns() async throws {
    try await Rig.serving { rig in
      var agent = try await join(rig)
      let root = try rig.root
      let first = try await root.send("POST", "v1/claims", Documents.claim("c-1", milli: 2000))
      let lease = try #require(first.object["lease"] as? [String: Any])
      let second = try await root.send("POST", "v1/claims", Documents.claim("c-2", milli: 2000))
      #expect(second.status == 202)
      #expect(second.object["position"] as? Int == 1)
      try await agent.turn { try await leases(root).first?["state"] as? String == "active" }
      async let followed = root.send("GET", "v1/claims/acme/c-2", query: ["wait": "20"])
      _ = try await root.send(
        "POST", "v1/leases/\(lease["lease"] ?? "")/complete",
        #"{"fencing": "\#(lease["fencing"] ?? "")", "outcome": "completed"}"#)
      try await agent.turn {
        try await leases(root).contains { $0["claim"] as? String == "c-2" }
      }
      let told = try await followed
      #expect(told.status == 200)
      #expect((told.object["runs"] as? [[String: Any]])?.count == 1)
    }
  }

  @Test func stateIsThereAfterARestart() async throws {
    try await Rig.inFolder { folder in
      var credential = ""
      var before: [[String: Any]] = []
      try await Rig.serving(folder) { rig in
        var agent = try await join(rig)
        let root = try rig.root
        _ = try await root.send("POST", "v1/claims", Documents.claim("c-1", milli: 2000))
        _ = try await root.send("POST", "v1/claims", Documents.claim("c-2", milli: 2000))
        try await agent.turn { try await leases(root).first?["state"] as? String == "active" }
        // More than one batch, each claim with its document.
        let many = (0..<600).map { Documents.claim("m-\($0)", of: "zeta", milli: 2000) }
        let batch = "{\"claims\": [\(many.joined(separator: ","))]}"
          .replacingOccurrences(of: "\n", with: "")
        let answers = try await root.send("POST", "v1/claims/batch", batch).object["answers"]
        #expect((answers as? [Any])?.count == 600)
        before = try await leases(root)
        credential = try rig.server.credentials.issue(
          Identity("node:n-1", .node, of: "n-1"), for: 600)
      }
      try await Rig.serving(folder) { rig in
        let root = try rig.root
        let after = try await leases(root)
        #expect(after.first?["claim"] as? String == "c-1")
        #expect(after.first?["fencing"] as? String == before.first?["fencing"] as? String)
        let queue = try await root.send("GET", "v1/queue").object["waiting"] as? [[String: Any]]
        #expect(queue?.first?["claim"] as? String == "c-2")
        #expect(queue?.count == 601)
        // Nothing is granted on a node before it has reported anew.
        let early = try await root.send("POST", "v1/claims", Documents.claim("c-3", milli: 100))
        #expect(early.status == 202)
        // The agent of another start knows of no lease: what it had is lost, and waits again.
        var agent = try TestAgent("n-1", rig.client(token: credential))
        try await agent.turn { try await isReady(root) }
      }
      #expect(try SQLiteStore(at: folder, engine: Server.engine).verify().difference == nil)
    }
  }

  @Test func aRequestThatIsRepeatedHasOneEffect() async throws {
    try await Rig.serving { rig in
      let root = try rig.root
      let first = try await root.send("POST", "v1/nodes/none/cordon", key: "k-0")
      #expect(first.status == 404)
      _ = try await root.send("POST", "v1/nodes", Documents.node())
      let one = try await root.send("POST", "v1/nodes/n-1/cordon", key: "k-1")
      #expect(one.status == 200 && one.object["repeated"] == nil)
      _ = try await root.send("POST", "v1/nodes/n-1/uncordon", key: "k-2")
      let two = try await root.send("POST", "v1/nodes/n-1/cordon", key: "k-1")
      #expect(two.status == 200 && two.object["repeated"] as? Bool == true)
      let nodes = try await root.send("GET", "v1/nodes").object["nodes"] as? [[String: Any]]
      #expect(nodes?.first?["duty"] as? String == "open")
      let other = try await root.send("POST", "v1/nodes/n-1/uncordon", key: "k-1")
      #expect(other.status == 422)
      #expect(other.object["type"] as? String == "urn:gpupool:problem:idempotency_key_reused")
    }
  }

  @Test func whatIsWrongIsRefusedWithAReason() async throws {
    try await Rig.serving { rig in
      let root = try rig.root
      let long = String(repeating: "x", count: Context.bodyMax + 1)
      let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
      let extra = Documents.claim("c").dropLast() + #", "surprise": 1}"#
      for (body, status) in [
        ("", 400), ("{", 400), ("[]", 400), ("1", 400), (deep, 400), (long, 413),
        (String(extra), 400), (#"{"op": "tick"}"#, 400), (Documents.claim("a b"), 400),
        (Documents.claim("c", of: "nobody"), 400),
      ] {
        let reply = try await root.send("POST", "v1/claims", body)
        #expect(reply.status == status, "\(body.prefix(60))")
        #expect(reply.object["detail"] is String)
      }
      // Members of the path cannot be given twice.
      let twice = try await root.send(
        "POST", "v1/leases/L-0.1/renew", #"{"lease": "L-0.2", "fencing": "1.1"}"#)
      #expect(twice.status == 400)
      let query = try await root.send("GET", "v1/claims/acme/c", query: ["wait": "many"])
      #expect(query.status == 400)
      #expect(try await root.send("GET", "v1/nowhere").status == 404)
    }
  }
}

/// What describes the service is what it is.
@Suite struct DescriptionTests {
  private static let file =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path + "/openapi.json"

  @Test func theDescriptionIsThatOfTheRoutes() async throws {
    if ProcessInfo.processInfo.environment["OPENAPI_UPDATE"] != nil {
      try Data(OpenAPI.document).write(to: URL(fileURLWithPath: Self.file))
    }
    #expect(
      FileManager.default.contents(atPath: Self.file) == Data(OpenAPI.document),
      "openapi.json is old: OPENAPI_UPDATE=1 swift test --filter DescriptionTests")
    let object = try JSONSerialization.jsonObject(with: Data(OpenAPI.document)) as? [String: Any]
    let paths = try #require(object?["paths"] as? [String: [String: Any]])
    try await Rig.serving { rig in
      let nobody = rig.client(token: "")
      for (path, methods) in paths {
        for (method, one) in methods {
          let real = path.split(separator: "/").map { $0.hasPrefix("{") ? "x" : String($0) }
          let reply = try await nobody.send(
            method.uppercased(), real.joined(separator: "/"))
          let isOpen = ((one as? [String: Any])?["security"] as? [Any])?.isEmpty == true
          #expect(reply.status == (isOpen ? 200 : 401), "\(method) \(path)")
        }
      }
    }
  }
}
