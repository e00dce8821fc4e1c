import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite struct ProfileTests {
  /// The repository's own profiles, found from this file.
  static let directory: String = {
    let parts = #filePath.split(separator: "/").dropLast(3)
    return "/" + parts.joined(separator: "/") + "/hardware-profiles"
  }()

  private func catalogue() throws -> ProfileCatalogue {
    try ProfileCatalogue(directory: Self.directory)
  }

  @Test func theRepositorysProfilesAreSound() throws {
    let catalogue = try catalogue()
    #expect(catalogue.profiles.count == 15)
    #expect(catalogue.profile(named: "h100-sxm-80gb")?.weightMilli == 1000)
    for profile in catalogue.profiles {
      #expect(profile.kind == .cpu || profile.weightMilli % 5 == 0, "\(profile.name)")
      #expect(profile.match.cpuArchitecture == nil || profile.kind == .cpu, "\(profile.name)")
      for slice in profile.migSlices {
        #expect(slice.memoryMiB ?? 0 <= profile.memoryMiB ?? 0, "\(profile.name) \(slice.name)")
      }
    }
  }

  /// Memory slices that a placement of a partition takes, and the places where it may start.
  private func placement(_ slice: String) throws -> (starts: [Int], size: Int, compute: Int) {
    let compute = try #require(slice.first?.wholeNumberValue)
    switch compute {
    case 7: return ([0], 8, 7)
    case 4: return ([0], 4, 4)
    case 3: return ([0, 4], 4, 3)
    case 2: return ([0, 2, 4], 2, 2)
    default: return (Array(0...6), 1, 1)
    }
  }

  @Test func noSetOfPartitionsIsBilledAsMoreThanTheWhole() throws {
    for profile in try catalogue().profiles where !profile.migSlices.isEmpty {
      let plain = profile.migSlices.filter { !$0.name.contains("+") }
      let one = try #require(plain.first { $0.name.hasPrefix("1g") })
      let kinds = try plain.map { slice in
        // The larger 1g takes two memory slices.
        let isWide = slice.name.hasPrefix("1g") && slice.name != one.name
        let place = try placement(slice.name)
        return isWide
          ? (slice, [0, 2, 4, 6], 2, 1) : (slice, place.starts, place.size, place.compute)
      }
      /// The dearest set that fits beside what is taken already.
      func dearest(taken: UInt8, compute: Int) -> Int {
        var best = 0
        for (slice, starts, size, cost) in kinds where cost <= compute {
          for start in starts {
            let mask = UInt8(truncatingIfNeeded: ((1 << size) - 1) << start)
            guard taken & mask == 0 else { continue }
            // Sets are unordered: fill from the left only.
            guard taken < mask else { continue }
            let rest = dearest(taken: taken | mask, compute: compute - cost)
            best = max(best, slice.billedMilli + rest)
          }
        }
        return best
      }
      #expect(dearest(taken: 0, compute: 7) == 1000, "\(profile.name)")
    }
  }

  static let devices: [(String?, UInt64?, ProfileMatch)] = [
    ("NVIDIA H100 80GB HBM3", 81559, .matched(profile: "h100-sxm-80gb", rule: .nvmlName)),
    ("NVIDIA H100 PCIe", 81559, .matched(profile: "h100-pcie-80gb", rule: .nvmlName)),
    ("NVIDIA H200", nil, .matched(profile: "h200-141g", rule: .nvmlName)),
    ("NVIDIA L40", 49140, .matched(profile: "l40-48g", rule: .nvmlName)),
    ("NVIDIA L40", 46068, .matched(profile: "l40-48g", rule: .nvmlName)),
    ("NVIDIA L40S", 46068, .matched(profile: "l40s-48g", rule: .nvmlName)),
    ("NVIDIA A10G", 22731, .matched(profile: "a10g-24g", rule: .nvmlName)),
    ("Tesla T4", 15360, .matched(profile: "t4-16g", rule: .nvmlName)),
    ("NVIDIA Graphics Device", 143771, .matched(profile: "h200-141g", rule: .memoryClass)),
    (nil, 183359, .matched(profile: "b200-180g", rule: .memoryClass)),
    (
      "NVIDIA L4", 1024,
      .unknown(reason: "looks like l4-24g but has 1024 MiB", candidates: [])
    ),
    (
      "NVIDIA A40", 46068,
      .unknown(
        reason: "no profile names \"NVIDIA A40\"", candidates: ["l40-48g", "l40s-48g"])
    ),
    (
      "NVIDIA H20", 97871,
      .unknown(reason: "no profile names \"NVIDIA H20\"", candidates: [])
    ),
    (
      "nvidia h200", 143771,
      .unknown(reason: "no profile names \"nvidia h200\"", candidates: ["h200-141g"])
    ),
    (
      nil, 46068,
      .unknown(reason: "several profiles have 46068 MiB", candidates: ["l40-48g", "l40s-48g"])
    ),
    ("Graphics Device", 77, .unknown(reason: "no profile has 77 MiB", candidates: [])),
    (nil, nil, .unknown(reason: "neither name nor memory is known", candidates: [])),
  ]

  @Test(arguments: devices) func matches(name: String?, mib: UInt64?, match: ProfileMatch) throws {
    let bytes = mib.map { $0 << 20 }
    let found = ProfileMatcher.gpu(
      name: name, pciDeviceID: nil, memoryBytes: bytes, among: try catalogue().profiles)
    #expect(found == match)
  }

  @Test func sameMemoryDoesNotSeparateTheH100s() throws {
    let found = ProfileMatcher.gpu(
      name: nil, pciDeviceID: nil, memoryBytes: 81559 << 20, among: try catalogue().profiles)
    guard case .unknown(_, let candidates) = found else {
      Issue.record("matched by a memory that several have: \(found)")
      return
    }
    #expect(candidates.contains("h100-sxm-80gb") && candidates.contains("h100-pcie-80gb"))
  }

  @Test func thePCIDeviceDecidesWhereTheNameIsGeneric() throws {
    let found = ProfileMatcher.gpu(
      name: "NVIDIA Graphics Device", pciDeviceID: "10de:2331", memoryBytes: 81559 << 20,
      among: try catalogue().profiles)
    #expect(found == .matched(profile: "h100-pcie-80gb", rule: .pciDevice))
  }

  @Test func cpusMatchByArchitecture() throws {
    let profiles = try catalogue().profiles
    #expect(
      ProfileMatcher.cpu(architecture: "x86-64", among: profiles)
        == .matched(profile: "cpu-x86-64", rule: .cpuArchitecture))
    #expect(ProfileMatcher.cpu(architecture: "riscv64", among: profiles).name == nil)
    #expect(ProfileMatcher.cpu(architecture: "x86-64", among: []).name == nil)
  }
}

@Suite struct ProfileFileTests {
  static let good = """
    {"schema_version": 1, "name": "x", "kind": "gpu", "weight": 0.5,
     "match": {"nvml_names": ["X"], "pci_device_ids": ["10de:2335"], "memory_mib": [10, 20]},
     "memory_mib": 15, "mig": [{"name": "1g", "billed_milli": 125}], "sources": ["s"]}
    """

  /// A part of the good file, what replaces it, and what the error must say.
  static let mistakes: [(String, String, String)] = [
    ("\"schema_version\": 1", "\"schema_version\": 2", "$.schema_version"),
    ("\"name\": \"x\"", "\"name\": \"y\"", "not the name of the file"),
    ("0.5", "0.0005", "decimals"),
    ("0.5", "0", "out of range"),
    ("0.5", "\"0.5\"", "without quotes"),
    ("[10, 20]", "[20, 10]", "larger than the second"),
    ("[10, 20]", "[10]", "1 elements"),
    ("\"memory_mib\": 15", "\"memory_mib\": 25", "outside the range"),
    ("10de:2335", "10DE:2335", "not a PCI device"),
    ("10de:2335", "0x102335", "string has 8 bytes"),
    ("125", "1001", "out of range"),
    ("[\"s\"]", "[]", "0 elements"),
    ("\"kind\": \"gpu\"", "\"kind\": \"cpu\"", "unknown key"),
    ("\"kind\": \"gpu\"", "\"kind\": \"gpus\"", "unknown value"),
    ("\"weight\"", "\"wieght\"", "wieght"),
    ("\"sources\": [\"s\"]", "\"sources\": [\"s\"], \"weight\": 1", "weight"),
    ("{\"schema", "[\"schema", "x.json:1:"),
  ]

  @Test func theGoodFileIsGood() throws {
    let profile = try HardwareProfile(json: Self.good, file: "a/x.json")
    #expect(profile.weightMilli == 500)
    #expect(profile.match.memoryMiB == 10...20)
    #expect(
      profile.migSlices
        == [HardwareProfile.MIGSlice(name: "1g", billedMilli: 125, memoryMiB: nil)])
  }

  @Test(arguments: mistakes)
  func mistakesAreNamed(part: String, replacement: String, words: String) throws {
    let halves = Self.good.split(separator: part, maxSplits: 1, omittingEmptySubsequences: false)
    try #require(halves.count == 2)
    let text = halves[0] + replacement + halves[1]
    let error = #expect(throws: ProfileErrors.self) {
      try HardwareProfile(json: String(text), file: "a/x.json")
    }
    let message = error?.description ?? ""
    #expect(message.contains(words), "\(message)")
    #expect(message.hasPrefix("a/x.json:"), "\(message)")
  }

  @Test func aCatalogueIsWholeOrRefused() throws {
    let twin = Self.good.replacing("\"name\": \"x\"", with: "\"name\": \"y\"")
    let directory = FakeMachine(["/x.json": Self.good, "/README.md": "# no profile"])
    #expect(try ProfileCatalogue(directory: directory.root).profiles.map(\.name) == ["x"])
    directory.write(twin, to: "/y.json")
    let claimed = #expect(throws: ProfileErrors.self) {
      try ProfileCatalogue(directory: directory.root)
    }
    #expect(
      claimed?.messages == [
        "NVML name X is claimed by x and by y", "PCI device 10de:2335 is claimed by x and by y",
      ])
    directory.write("", to: "/y.json")
    directory.write("{", to: "/z.json")
    let broken = #expect(throws: ProfileErrors.self) {
      try ProfileCatalogue(directory: directory.root)
    }
    #expect(broken?.messages.count == 2)
    #expect(throws: ProfileErrors.self) { try ProfileCatalogue(directory: "/nowhere") }
    let empty = FakeMachine()
    #expect(throws: ProfileErrors.self) { try ProfileCatalogue(directory: empty.root) }
  }
}
