import Foundation
import PoolClient
import PoolService
import Testing

/// What a witness holds of a journal.
@Suite struct AuditTests {
  @Test func aLinkThatIsHeldIsFoundAgain() async throws {
    try await Rig.inFolder { folder in
      var held: [String: Any] = [:]
      try await Rig.serving(folder) { rig in
        let root = try rig.root
        _ = try await root.send("POST", "v1/nodes", Documents.node())
        held = try await root.send("GET", "v1/audit/head").object
        #expect((held["link"] as? String)?.count == 64)
        #expect(held["kind"] as? String == "audit_head")
        _ = try await root.send("POST", "v1/nodes/n-1/cordon")
        let later = try await root.send("GET", "v1/audit/head").object
        #expect(later["record"] as? Int ?? 0 > held["record"] as? Int ?? .max)
        #expect(later["link"] as? String != held["link"] as? String)
      }
      try await Rig.serving(folder) { rig in
        let root = try rig.root
        let record = "\(held["record"] ?? "")"
        let again = try await root.send("GET", "v1/audit/head", query: ["record": record])
        #expect(again.object["link"] as? String == held["link"] as? String)
        let absent = try await root.send("GET", "v1/audit/head", query: ["record": "999999"])
        #expect(absent.status == 404)
        let owner = try rig.client(Identity("lead", .owner, of: "acme"))
        #expect(try await owner.send("GET", "v1/audit/head").status == 403)
      }
    }
  }
}
