import Testing

@testable import HardwareProbe

@Suite struct NodeShapeTests {
  static func read(_ name: String) throws -> NodeShape {
    let path = "\(ProfileTests.directory)/nodes/\(name).json"
    guard case .text(let text) = Syscalls.readFile(path, limit: ProbeLimits.profileBytes) else {
      throw ProfileErrors(messages: ["\(path): cannot be read"])
    }
    return try NodeShape(json: text, file: path)
  }

  @Test func theShapeOfAnEightGPUMachine() throws {
    let shape = try Self.read("dgx-h100")
    #expect(shape.host.logicalCPUs == 224)
    #expect(shape.gpus.count == 8)
    #expect(shape.driver?.cudaNumber == 12_040)
    let fifth = try #require(shape.gpus.dropFirst(4).first)
    #expect(fifth.index == 4)
    #expect(fifth.numaNode == 1)
    #expect(fifth.links == Array(repeating: .nvswitch, count: 18))
    #expect(fifth.fabric?.cliqueID == 0)
    #expect(fifth.mig == nil)
  }

  @Test func placesAreMadeUpWhereNoneAreNamed() throws {
    let shape = try Self.read("l40s-4")
    #expect(
      shape.gpus.map(\.pciBusID) == [
        "00000000:08:00.0", "00000000:10:00.0", "00000000:18:00.0", "00000000:20:00.0",
      ])
    #expect(NodeShape.ruledBusID(index: 31) == "00000001:10:00.0")
  }

  @Test func everyShapeFitsTheCatalogue() throws {
    let catalogue = try ProfileCatalogue(directory: ProfileTests.directory)
    let names = try #require(
      Syscalls.listDirectory("\(ProfileTests.directory)/nodes", limit: 100))
    for file in names where file.hasSuffix(".json") {
      let shape = try Self.read(String(file.dropLast(5)))
      #expect(shape.check(against: catalogue) == [], "\(file)")
    }
  }
}
