import ProbeFakes
import Testing

@testable import HardwareProbe

extension ProfileMatch {
  fileprivate static func matched(_ profile: String, _ rule: ProfileRule) -> ProfileMatch {
    .matched(profile: profile, rule: rule)
  }

  fileprivate static func unknown(_ words: String, _ candidates: [String]) -> ProfileMatch {
    .unknown(reason: words, candidates: candidates)
  }
}

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
    #expect(catalogue.profiles.count == 43)
    #expect(catalogue.profile(named: "h100-sxm-80gb")?.weightMilli == 1000)
    for profile in catalogue.profiles {
      #expect(profile.kind == .cpu || profile.weightMilli % 5 == 0, "\(profile.name)")
      #expect(profile.match.cpuArchitecture == nil || profile.kind == .cpu, "\(profile.name)")
      for slice in profile.migSlices {
        #expect(
          slice.memoryMiB ?? 0 <= profile.memoryMiB ?? .max, "\(profile.name) \(slice.name)")
      }
    }
  }

  @Test func noSetOfPartitionsIsBilledAsMoreThanTheWhole() throws {
    for profile in try catalogue().profiles where !profile.migSlices.isEmpty {
      let axes = try #require(profile.migAxes)
      let plain = profile.migSlices.filter { !$0.name.contains("+") && !$0.name.contains("-") }
      /// The dearest set that fits beside what is taken already.
      func dearest(taken: UInt64, compute: Int) -> Int {
        var best = 0
        for slice in plain {
          guard let size = slice.placementSize, let cost = slice.computeSlices, cost <= compute
          else { continue }
          for start in slice.placementStarts {
            let mask = ((UInt64(1) << size) - 1) << start
            // Sets are unordered: fill from the left only.
            guard taken & mask == 0, taken < mask else { continue }
            let rest = dearest(taken: taken | mask, compute: compute - cost)
            best = max(best, slice.billedMilli + rest)
          }
        }
        return best
      }
      #expect(dearest(taken: 0, compute: axes.computeSlices) == 1000, "\(profile.name)")
    }
  }

  @Test func partitionsAreBilledByTheMemorySlicesTheyTake() throws {
    for profile in try catalogue().profiles {
      for slice in profile.migSlices {
        let axes = try #require(profile.migAxes)
        let size = try #require(slice.placementSize)
        #expect(slice.billedMilli == 1000 * size / axes.memorySlices, "\(profile.name)")
      }
    }
  }

  /// Name, PCI identity, compute capability, MiB, and what must come out.
  static let devices: [(String?, String?, String?, UInt64?, ProfileMatch)] = [
    ("NVIDIA H100 80GB HBM3", nil, nil, 81559, .matched("h100-sxm-80gb", .nvmlName)),
    ("NVIDIA H100 PCIe", nil, nil, 81559, .matched("h100-pcie-80gb", .nvmlName)),
    ("NVIDIA H200", nil, nil, nil, .matched("h200-141g", .nvmlName)),
    ("NVIDIA L40", nil, nil, 49140, .matched("l40-48g", .nvmlName)),
    ("NVIDIA L40S", nil, nil, 46068, .matched("l40s-48g", .nvmlName)),
    ("NVIDIA A40", nil, nil, 46068, .matched("a40-48g", .nvmlName)),
    ("NVIDIA A10G", nil, nil, 22731, .matched("a10g-24g", .nvmlName)),
    ("Tesla T4", nil, nil, 15360, .matched("t4-16g", .nvmlName)),
    ("NVIDIA H20", nil, nil, 97871, .matched("h20-96g", .nvmlName)),
    ("NVIDIA GH200 480GB", nil, nil, 97871, .matched("gh200-96g", .nvmlName)),
    ("NVIDIA GB10", nil, nil, nil, .matched("gb10", .nvmlName)),
    // Before R465.
    ("A100-SXM4-40GB", nil, nil, 40536, .matched("a100-sxm-40gb", .nvmlName)),
    // The PCI device decides where the name is generic, or new.
    ("NVIDIA Graphics Device", "10de:2331", nil, 81559, .matched("h100-pcie-80gb", .pciDevice)),
    ("NVIDIA B300 SXM6 XY", "10de:3182", nil, 275040, .matched("b300-269g", .pciDevice)),
    (nil, "10de:1eb8/10de:12a2", nil, 15360, .matched("t4-16g", .pciSubsystem)),
    (nil, "10de:1eb8/1028:1234", nil, nil, .matched("t4-16g", .pciDevice)),
    (nil, "1002:740c", nil, nil, .matched("mi250x", .pciDevice)),
    // Capability and memory together, for boards without a name.
    (nil, nil, "10.0", 183359, .matched("b200-180g", .capabilityMemory)),
    ("Graphics Device", nil, "8.9", 23034, .matched("l4-24g", .capabilityMemory)),
    ("Graphics Device", nil, "8.9", 24564, .unknown("several profiles have", ["l4-24g"])),
    ("NVIDIA Graphics Device", nil, "9.0", 143771, .unknown("several", ["h200-nvl-141g"])),
    (nil, nil, "9.0", 81559, .unknown("several", ["h100-pcie-80gb", "h100-sxm-80gb"])),
    (nil, nil, nil, 183359, .unknown("alone do not identify", ["b200-180g"])),
    (nil, nil, "9.0", 77, .unknown("no profile has compute capability 9.0 and 77 MiB", [])),
    (nil, nil, "7.5", 183359, .unknown("no profile has", [])),
    // A partition, or a virtual GPU.
    ("NVIDIA L4", nil, nil, 1024, .unknown("looks like l4-24g but has 1024 MiB", [])),
    ("NVIDIA L4", "10de:27b8", nil, 1024, .unknown("looks like l4-24g but has 1024 MiB", [])),
    // A name that nobody knows is somebody else's board, whatever its memory.
    (
      "NVIDIA L41", nil, "8.9", 46068,
      .unknown("no profile names \"NVIDIA L41\"", ["l40-48g", "l40s-48g"])
    ),
    ("nvidia h200", nil, nil, 143771, .unknown("no profile names", ["h200-141g"])),
    (nil, nil, nil, nil, .unknown("neither name nor memory is known", [])),
    ("Graphics Device", nil, "9.0", nil, .unknown("no memory is known", [])),
  ]

  @Test(arguments: devices) func matches(
    name: String?, pci: String?, capability: String?, mib: UInt64?, expected: ProfileMatch
  ) throws {
    let facts = DeviceFacts(
      name: name, pci: pci.flatMap { PCIIdentity($0) }, computeCapability: capability,
      memoryMiB: mib)
    let found = ProfileMatcher.gpu(facts, among: try catalogue().profiles)
    guard case .unknown(let words, let some) = expected,
      case .unknown(let reason, let candidates) = found
    else {
      #expect(found == expected)
      return
    }
    #expect(reason.contains(words))
    #expect(candidates.isEmpty == some.isEmpty && Set(some).isSubset(of: candidates))
  }

  @Test func theExplanationNamesEveryRuleThatWasTried() throws {
    let profiles = try catalogue().profiles
    let facts = DeviceFacts(
      name: "NVIDIA Graphics Device", pci: PCIIdentity("10de:2330"), memoryMiB: 81559)
    let explanation = ProfileMatcher.explain(facts, among: profiles)
    #expect(explanation.steps.map(\.rule) == [.nvmlName, .pciSubsystem, .pciDevice])
    #expect(explanation.steps.map(\.isDecisive) == [false, false, true])
    #expect(explanation.steps.last?.found == ["h100-sxm-80gb"])
    let nothing = ProfileMatcher.explain(DeviceFacts(), among: profiles)
    #expect(nothing.steps.count == 4)
    #expect(nothing.steps.filter(\.isDecisive).isEmpty)
  }

  @Test func theWeightIsTheFormula() throws {
    for profile in try catalogue().profiles where profile.kind == .gpu {
      let bandwidth = try Double(#require(profile.bandwidthMegabytes)) / 3_350_000
      let arithmetic = profile.bf16GigaflopsDense ?? profile.fp16GigaflopsDense
      // Without arithmetic the bandwidth alone must do.
      let ratio =
        arithmetic.map { (Double($0) / 989_000 * bandwidth).squareRoot() } ?? bandwidth
      #expect(profile.weightMilli == Int((ratio * 200).rounded()) * 5, "\(profile.name)")
    }
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
    {"schema_version": 1, "name": "x", "kind": "gpu", "vendor": "nvidia", "weight": 0.5,
     "match": {"nvml_names": ["X"], "pci_device_ids": ["10de:2335"], "memory_mib": [10, 20]},
     "memory_mib": 15, "multiprocessors": 7, "mig": {"memory_slices": 8, "compute_slices": 7,
     "profiles": [{"name": "1g", "billed_milli": 125, "size": 2, "starts": [0, 6]}]},
     "sources": {"name": "s", "pci": "s", "memory": "s", "multiprocessors": "s", "mig": "s",
     "weight": "s"}}
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
    ("10de:2335", "10de:2335/18be", "not a PCI device"),
    ("125", "1001", "out of range"),
    ("\"memory\": \"s\"", "\"memroy\": \"s\"", "no group of figures"),
    ("\"mig\": \"s\",", "", "no source for mig"),
    ("\"starts\": [0, 6]", "\"starts\": [0, 7]", "does not fit 8 memory slices"),
    ("\"size\": 2", "\"size\": 0", "out of range"),
    ("\"vendor\": \"nvidia\"", "\"vendor\": \"nvidai\"", "unknown value"),
    ("\"kind\": \"gpu\"", "\"kind\": \"cpu\"", "unknown key"),
    ("\"kind\": \"gpu\"", "\"kind\": \"gpus\"", "unknown value"),
    ("\"weight\"", "\"wieght\"", "wieght"),
    ("\"weight\": 0.5", "\"weight\": 0.5, \"weight\": 1", "weight"),
    ("{\"schema", "[\"schema", "x.json:1:"),
  ]

  @Test func theGoodFileIsGood() throws {
    let profile = try HardwareProfile(json: Self.good, file: "a/x.json")
    #expect(profile.weightMilli == 500)
    #expect(profile.match.memoryMiB == 10...20)
    #expect(
      profile.migSlices
        == [
          HardwareProfile.MIGSlice(
            name: "1g", billedMilli: 125, placementSize: 2, placementStarts: [0, 6])
        ])
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
