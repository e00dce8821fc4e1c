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

  @Test("a GPU that fell off the bus and was reset is healthy again; its neighbour is not touched")
  func reset() throws {
    let two = "[gpu 0]\n\(ProbeTests.h100)uuid = GPU-a\n[gpu 1]\n\(ProbeTests.h100)uuid = GPU-b\n"
    let event = "[event 0]\ngpu = 0\ntype = xid\ndata = 79\nafter_ms = 0\n"
    let library = try #require(FakeNVML(two + event), "the fake library is not built")
    var step = 0
    let result = try withExtendedLifetime(library) {
      try Agent.watch(["--nvml", library.path]) { printed, said in
        switch step {
        case 0
        where said.contains("health: GPU-a: unknown -> needs_reset: XID 79")
          || said.contains("health: GPU-a: healthy -> needs_reset: XID 79"):
          library.configure(two + event + "[gpu 0]\nhandle = 15\nevery_call = 15\n")
          step = 1
        case 1 where printed.contains("unusable: GPU is lost (NVML code 15)"):
          library.configure(two + event)
          step = 2
        default: break
        }
        return said.contains("health: GPU-a: unknown -> healthy")
          && said.contains("reset: GPU-a")
      }
    }
    #expect(step == 2)
    let reset = "reset: GPU-a: it was reset, since it was lost and answers again\n"
    let after = try #require(result.err.range(of: reset), "\(result.err)")
    let rest = result.err[after.upperBound...]
    #expect(rest.hasPrefix("health: GPU-a: needs_reset -> unknown: restarted"), "\(rest)")
    #expect(rest.contains("health: GPU-a: unknown -> healthy\n"), "\(rest)")
    let others = result.err.split(separator: "\n").filter { $0.contains("GPU-b") }
    #expect(others == ["health: GPU-b: unknown -> healthy"])
  }

  @Test("a driver of 2018 reports errors too, by its older call")
  func old() throws {
    let text =
      "[gpu 0]\n\(ProbeTests.h100)uuid = GPU-a\n"
      + "[event 0]\ngpu = 0\ntype = xid\ndata = 79\nafter_ms = 0\n"
    let library = try #require(FakeNVML(text, edition: .of2018), "the fake library is not built")
    let result = try withExtendedLifetime(library) {
      try Agent.watch(["--nvml", library.path]) { _, said in said.contains("needs_reset") }
    }
    #expect(result.err.contains("event: GPU-a: XID 79: GPU has fallen off the bus (fatal)\n"))
    #expect(result.err.contains("-> needs_reset: XID 79"), "\(result.err)")
  }

  @Test("an error in one MIG device makes that one sick, and not its neighbour or its GPU")
  func partition() throws {
    var text = "[gpu 0]\n\(ProbeTests.h100)uuid = GPU-a\nmig_mode = on\nmig_max_devices = 7\n"
    for (position, instance) in [(0, 1), (2, 3)] {
      text += "[gpu 0 mig \(position)]\ngi = \(instance)\nci = 0\nprofile = 1g.10gb\n"
      text += "uuid = MIG-\(position)\nmemory_total = 9984 MiB\n"
      text += "[gpu 0 gi \(instance)]\nprofile = 19\nplacement = \(position):1\n"
    }
    text += "[event 0]\ngpu = 0\ngi = 3\nci = 0\ntype = xid\ndata = 95\nafter_ms = 0\n"
    let library = try #require(FakeNVML(text), "the fake library is not built")
    let sick = "health: MIG-2: "
    let well = ["health: GPU-a: unknown -> healthy\n", "health: MIG-0: unknown -> healthy\n"]
    let result = try withExtendedLifetime(library) {
      try Agent.watch(["--nvml", library.path]) { _, said in
        said.contains("-> needs_reset") && well.allSatisfy(said.contains)
      }
    }
    #expect(result.err.contains("event: GPU-a: XID 95: uncontained memory error (fatal)"))
    #expect(result.err.contains(", concerns MIG-2\n"), "\(result.err)")
    for line in well { #expect(result.err.contains(line), "\(result.err)") }
    let lines = result.err.split(separator: "\n").filter { $0.contains("needs_reset") }
    #expect(lines.count == 1 && lines.allSatisfy { $0.hasPrefix(sick) }, "\(result.err)")
  }
}
