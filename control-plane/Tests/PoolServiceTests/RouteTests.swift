import Foundation
import Testing

@testable import PoolService

/// What is described is what is served.
@Suite struct RouteTests {
  @Test func everyRouteIsDescribedAndNoOther() async throws {
    try await Rig.serving { rig in
      let authority = try Authority(at: rig.folder + "/identity.key", audience: "test")
      let api = API(
        PolicyLife(rig.server.decider, authority), rig.server.credentials, isPolicyDirect: false)
      let served = api.routes.filter { !$0.hasPrefix("HEAD ") }
      let object = try JSONSerialization.jsonObject(with: Data(OpenAPI.document)) as? [String: Any]
      let paths = try #require(object?["paths"] as? [String: [String: Any]])
      let described = paths.flatMap { path, methods in
        methods.keys.map { "\($0.uppercased()) \(path)" }
      }
      #expect(Set(described).symmetricDifference(served) == [])
    }
  }
}
