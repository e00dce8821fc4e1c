import Foundation
import ProbeFakes
import Testing

@Suite("The watch")
struct WatchTests {
  @Test("a reading that is late is shown as it was before, with its age; documents fit the schema")
  func late() throws {
    let gpu = "[gpu 0]\n\(ProbeTests.h100)"
    let library = try #require(FakeNVML(gpu), "the fake library is not built")
    var isLate = false
    let result = try withExtendedLifetime(library) {
      try Agent.watch(["--json", "--nvml", library.path]) { printed, _ in
        if !isLate, printed.contains("\"power_milliwatts\": 412000") {
          library.configure(gpu + "GetPowerUsage = 10\n")
          isLate = true
        }
        return printed.components(separatedBy: "\"reading\": \"power_milliwatts\"").count > 2
      }
    }
    let documents = result.out.components(separatedBy: "\n}\n").dropLast().map { $0 + "\n}\n" }
    for document in documents { #expect(try SchemaCheck.findings(document, "probe") == []) }
    let devices = try documents.compactMap {
      (try ProbeTests.json($0)["devices"] as? [[String: Any]])?.first
    }
    let ages = devices.flatMap { $0["late"] as? [[String: Any]] ?? [] }
      .compactMap { $0["age_ms"] as? Int }
    #expect(ages.count >= 2 && ages[0] > 0 && ages[1] > ages[0], "\(ages)")
    let powers = devices.map { ($0["readings"] as? [String: Any])?["power_milliwatts"] as? Int }
    #expect(powers.allSatisfy { $0 == 412_000 }, "\(powers)")
  }
}
