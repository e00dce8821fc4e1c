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

@Suite struct NodeShapeFileTests {
  static let good = """
    {"schema_version": 1, "kind": "node_shape", "name": "x", "description": "d",
     "host": {"architecture": "x86-64", "cpu_model": "m", "sockets": 1, "cores_per_socket": 2,
      "threads_per_core": 2, "numa_nodes": [
       {"id": 0, "cpus": "0-3", "memory_mib": 4096, "hugepages": [{"size_kib": 2048, "count": 8}]},
       {"id": 4, "memory_mib": 100, "gpu": 1}]},
     "driver": {"version": "550.1", "cuda_version": "12.4"},
     "gpus": [{"profile": "a", "count": 3, "numa_nodes": [0, 0, 0],
       "pci_bus_ids": ["00000000:01:00.0", "00000000:02:00.0", "00000000:03:00.0"],
       "nvlink": {"version": 3, "links": 4, "remote": "peers",
        "pairs": [{"gpus": [0, 1], "links": 4}]}},
      {"profile": "b", "count": 1, "mig": {"enabled": true, "pending": false, "instances": [
        {"gpu": 3, "profile": "1g", "start": 0, "size": 1},
        {"gpu": 3, "profile": "3g", "start": 4, "size": 4, "compute_slices": [1, 2]}]}}],
     "sources": ["s"]}
    """

  /// A part of the good file, what replaces it, and what the error must say.
  static let mistakes: [(String, String, String)] = [
    ("\"schema_version\": 1", "\"schema_version\": 2", "$.schema_version"),
    ("node_shape", "node", "unknown value"),
    ("\"name\": \"x\"", "\"name\": \"y\"", "not the name of the file"),
    ("\"sockets\": 1", "\"sockets\": 2", "the nodes hold 4 CPUs"),
    ("0-3", "3-0", "not a list of CPUs"),
    ("\"id\": 4", "\"id\": 0", "node 0 after node 0"),
    ("\"id\": 4, ", "\"id\": 4, \"cpus\": \"3\", ", "share a CPU"),
    ("\"id\": 4, ", "\"id\": 4, \"cpus\": \"9\", ", "memory of a GPU has no CPUs"),
    ("\"gpu\": 1", "\"gpu\": 4", "memory of GPU 4, not there"),
    ("\"count\": 8", "\"count\": 8000", "more than the node has"),
    ("12.4", "12", "string has 2 bytes"),
    ("12.4", "twelve", "not a version of CUDA"),
    ("00000000:01:00.0", "00000000:01:20.0", "not a place on the PCI bus"),
    ("00000000:01:00.0", "00000000:02:00.0", "two GPUs at 00000000:02:00.0"),
    ("[0, 0, 0]", "[0, 0]", "2 entries for 3 GPUs"),
    ("[0, 0, 0]", "[0, 0, 7]", "NUMA node 7, which is not there"),
    ("\"remote\": \"peers\"", "\"remote\": \"switch\"", "have no pairs"),
    ("[0, 1]", "[1, 0]", "ascending"),
    ("[0, 1]", "[0, 3]", "not of its group"),
    ("\"links\": 4}]", "\"links\": 5}]", "needs 5 links and has 4"),
    ("\"enabled\": true", "\"enabled\": false", "instances while MIG is off"),
    ("\"start\": 4", "\"start\": 0", "3g at 0 of GPU 3 is taken"),
    ("\"gpu\": 3, \"profile\": \"1g\"", "\"gpu\": 2, \"profile\": \"1g\"", "not of its group"),
    ("\"description\"", "\"descripton\"", "descripton"),
    ("[\"s\"]", "[]", "0 elements"),
  ]

  @Test func theGoodFileIsGood() throws {
    let shape = try NodeShape(json: Self.good, file: "a/x.json")
    #expect(shape.gpus.map(\.profile) == ["a", "a", "a", "b"])
    #expect(shape.host.memoryMiB == 4196)
    #expect(shape.host.numaNodes.last?.gpuIndex == 1)
    let gpus = shape.gpus
    #expect(gpus[0].links == Array(repeating: .gpu(1), count: 4))
    #expect(gpus[1].links == Array(repeating: .gpu(0), count: 4))
    #expect(gpus[2].links == Array(repeating: .inactive, count: 4))
    #expect(gpus[2].mig == nil)
    #expect(gpus[3].pciBusID == NodeShape.ruledBusID(index: 3))
    #expect(gpus[3].mig?.isPending == false)
    #expect(gpus[3].mig?.instances.map(\.computeSlices) == [[], [1, 2]])
  }

  @Test(arguments: mistakes)
  func mistakesAreNamed(part: String, replacement: String, words: String) throws {
    let halves = Self.good.split(separator: part, maxSplits: 1, omittingEmptySubsequences: false)
    try #require(halves.count == 2)
    let error = #expect(throws: ProfileErrors.self) {
      try NodeShape(json: String(halves[0] + replacement + halves[1]), file: "a/x.json")
    }
    let message = error?.description ?? ""
    #expect(message.contains(words), "\(message)")
    #expect(message.hasPrefix("a/x.json:"), "\(message)")
  }

  @Test func theCatalogueSpeaksAgainstWhatItDoesNotHave() throws {
    let catalogue = try ProfileCatalogue(directory: ProfileTests.directory)
    func shape(_ profile: String, _ slice: String, start: Int, size: Int) -> NodeShape {
      let instance = NodeShape.Instance(gpuIndex: 0, profile: slice, start: start, size: size)
      let mig = NodeShape.MIG(isEnabled: true, isPending: true, instances: [instance])
      let host = NodeShape.Host(
        architecture: "arm64", cpuModel: "", sockets: 1, coresPerSocket: 1, threadsPerCore: 1,
        numaNodes: [])
      let group = NodeShape.GPUGroup(profile: profile, count: 1, kernelDriver: nil, mig: mig)
      return NodeShape(
        name: "n", description: "d", host: host, driver: nil, groups: [group], sources: [])
    }
    #expect(shape("h100-sxm-80gb", "3g.40gb", start: 4, size: 4).check(against: catalogue) == [])
    let wrong = [
      shape("nothing", "3g.40gb", start: 4, size: 4), shape("cpu-arm64", "1g", start: 0, size: 1),
      shape("l4-24g", "1g.10gb", start: 0, size: 1),
      shape("h100-sxm-80gb", "3g.40gb", start: 0, size: 3),
      shape("h100-sxm-80gb", "3g.40gb", start: 1, size: 4),
    ]
    for shape in wrong { #expect(shape.check(against: catalogue).count == 1) }
  }
}
