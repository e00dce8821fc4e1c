import Foundation
import PoolClient
import PoolService
import Testing

/// What work took, as tenants see it.
@Suite struct UsageTests {
  /// The rows of a tenant's usage, as text.
  private static func rows(_ client: PoolClient, _ list: String) async throws -> String {
    let reply = try await client.send("GET", "v1/tenants/acme/usage")
    #expect(reply.status == 200)
    let data = try JSONSerialization.data(
      withJSONObject: reply.object[list] ?? [], options: .sortedKeys)
    return String(decoding: data, as: UTF8.self)
  }

  @Test func whatWorkTookIsThereAfterARestart() async throws {
    try await Rig.inFolder { folder in
      var before: [String] = []
      try await Rig.serving(folder) { rig in
        var agent = try await rig.joined()
        let root = try rig.root
        #expect(try await Self.rows(root, "hours") == "[]")
        let granted = try await root.send("POST", "v1/claims", Documents.claim("c-1"))
        let lease = try #require(granted.object["lease"] as? [String: Any])
        try await agent.turn {
          let leases = try await root.send("GET", "v1/leases").object["leases"]
          return (leases as? [[String: Any]])?.first?["state"] as? String == "active"
        }
        let ended = try await root.send(
          "POST", "v1/leases/\(lease["lease"] ?? "")/complete",
          #"{"fencing": "\#(lease["fencing"] ?? "")", "outcome": "completed"}"#)
        #expect(ended.status == 200)
        before = [try await Self.rows(root, "classes"), try await Self.rows(root, "hours")]
        #expect(before[1].contains(#""class":"P1""#) && before[1].contains("from_ms"))
        let usage = try await root.send("GET", "v1/tenants/acme/usage").object
        let work = try #require((usage["classes"] as? [[String: Any]])?.first)
        // A quantum of half a core was reserved, and what it ran of that was charged.
        #expect(work["reserved_gpu_seconds"] as? Double == 0.6)
        let charged = try #require(work["charged_gpu_seconds"] as? Double)
        #expect(charged > 0 && charged < 0.6)
      }
      // Once from the image, and once from the journal alone.
      for isFolded in [false, true] {
        let image = folder + "/state.image"
        #expect(FileManager.default.fileExists(atPath: image))
        if isFolded { try FileManager.default.removeItem(atPath: image) }
        try await Rig.serving(folder) { rig in
          let root = try rig.root
          let after = [try await Self.rows(root, "classes"), try await Self.rows(root, "hours")]
          #expect(after == before, "\(isFolded)")
        }
      }
    }
  }

  @Test func usageIsItsTenantsOwn() async throws {
    try await Rig.serving { rig in
      let path = "v1/tenants/acme/usage"
      let workload = try rig.client(Identity("agent:a", .workload, of: "acme"))
      #expect(try await workload.send("GET", path).status == 200)
      let foreign = try rig.client(Identity("lead", .owner, of: "zeta"))
      let real = try await foreign.send("GET", path)
      let absent = try await foreign.send("GET", "v1/tenants/none/usage")
      #expect(real.status == 404 && real.body == absent.body)
      #expect(try await rig.root.send("GET", "v1/tenants/none/usage").status == 404)
    }
  }
}
