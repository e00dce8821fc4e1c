// swift-tools-version: 6.2
import PackageDescription

// No package dependency, ever: the agent runs as root on GPU nodes and the allocator is embedded in
// other people's schedulers, so nobody else's code rides along (docs/decisions/0001).

/// Every target: Swift 6 mode, warnings are errors, imports are explicit and internal.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Targets that touch no C memory also refuse every unsafe construct that is not named as one.
let safe: [SwiftSetting] = strict + [.strictMemorySafety()]

let package = Package(
  name: "pool-allocator",
  products: [
    .library(name: "PoolAllocator", targets: ["PoolAllocator"]),
    .library(name: "PoolWire", targets: ["PoolWire"]),
    .library(name: "PoolViews", targets: ["PoolViews"]),
    .library(name: "PoolConsole", targets: ["PoolConsole"]),
    .library(name: "StrictJSON", targets: ["StrictJSON"]),
    .library(name: "PoolLoop", targets: ["PoolLoop"]),
    .library(name: "AgentCore", targets: ["AgentCore"]),
    .library(name: "PoolVerifier", targets: ["PoolVerifier"]),
    .library(name: "PoolInsight", targets: ["PoolInsight"]),
    .library(name: "PoolRecord", targets: ["PoolRecord"]),
    .library(name: "PoolSimulator", targets: ["PoolSimulator"]),
    .library(name: "HardwareProbe", targets: ["HardwareProbe"]),
    .library(name: "ProbeFakes", targets: ["ProbeFakes"]),
    .library(name: "FakeNVML", type: .dynamic, targets: ["FakeNVML"]),
    .library(name: "FakeNVML2018", type: .dynamic, targets: ["FakeNVML2018"]),
    .executable(name: "pool-agent", targets: ["pool-agent"]),
    .executable(name: "pool-sim", targets: ["pool-sim"]),
  ],
  targets: [
    .target(name: "PoolAllocator", swiftSettings: safe),
    .target(name: "StrictJSON", swiftSettings: safe),
    .target(name: "PoolWire", dependencies: ["PoolAllocator", "StrictJSON"], swiftSettings: safe),
    .target(name: "PoolLoop", dependencies: ["PoolAllocator"], swiftSettings: safe),
    .target(name: "AgentCore", dependencies: ["PoolAllocator"], swiftSettings: safe),
    .target(name: "PoolVerifier", dependencies: ["PoolAllocator"], swiftSettings: safe),
    .target(name: "PoolInsight", dependencies: ["PoolAllocator"], swiftSettings: safe),
    .target(name: "PoolRecord", dependencies: ["PoolAllocator"], swiftSettings: safe),
    .target(
      name: "PoolViews", dependencies: ["PoolAllocator", "PoolInsight", "PoolWire", "StrictJSON"],
      swiftSettings: safe),
    .target(
      name: "PoolSimulator",
      dependencies: ["PoolAllocator", "PoolLoop", "AgentCore", "PoolRecord", "PoolVerifier"],
      swiftSettings: safe),
    .target(name: "CNVML"),
    .target(name: "HardwareProbe", dependencies: ["CNVML", "StrictJSON"], swiftSettings: strict),
    .target(name: "PoolConsole", dependencies: ["PoolWire"], swiftSettings: strict),
    .target(
      name: "AgentDaemon", dependencies: ["PoolAllocator", "PoolWire", "AgentCore", "StrictJSON"],
      swiftSettings: strict),
    .executableTarget(
      name: "pool-agent",
      dependencies: [
        "PoolAllocator", "PoolRecord", "PoolViews", "PoolWire", "PoolConsole", "HardwareProbe",
        "AgentDaemon", "StrictJSON",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "pool-sim",
      dependencies: [
        "PoolAllocator", "PoolRecord", "PoolSimulator", "PoolConsole", "PoolWire", "StrictJSON",
      ],
      swiftSettings: strict),

    // Fakes are products too: anyone's CI can exercise the probe without a GPU.
    .target(name: "FakeNVML", path: "Tests/ProbeFakes/FakeNVML"),
    // The same sources with only the names that a library of 2018 has.
    .target(
      name: "FakeNVML2018", path: "Tests/ProbeFakes/FakeNVML2018",
      cSettings: [.define("FAKE_NVML_2018")]),
    .target(
      name: "ProbeFakes", dependencies: ["HardwareProbe"], path: "Tests/ProbeFakes/ProbeFakes",
      swiftSettings: strict),

    .testTarget(
      name: "PoolAllocatorTests",
      dependencies: ["PoolAllocator", "PoolVerifier", "PoolRecord", "PoolSimulator"],
      exclude: ["Tables"], swiftSettings: strict),
    .testTarget(
      name: "PoolRecordTests", dependencies: ["PoolRecord", "PoolSimulator", "PoolAllocator"],
      exclude: ["Journals"],
      swiftSettings: strict),
    .testTarget(
      name: "PoolInsightTests", dependencies: ["PoolInsight", "PoolAllocator"],
      swiftSettings: strict),
    .testTarget(
      name: "PoolSimulatorTests",
      dependencies: ["PoolSimulator", "PoolInsight", "PoolRecord", "PoolAllocator"],
      swiftSettings: strict),
    .testTarget(
      name: "PoolLoopTests",
      dependencies: ["PoolLoop", "AgentCore", "PoolSimulator", "PoolAllocator"],
      swiftSettings: strict),
    .testTarget(
      name: "AgentCoreTests", dependencies: ["AgentCore", "PoolSimulator", "PoolAllocator"],
      swiftSettings: strict),
    .testTarget(name: "StrictJSONTests", dependencies: ["StrictJSON"], swiftSettings: strict),
    .testTarget(
      name: "PoolWireTests", dependencies: ["PoolWire", "PoolAllocator", "StrictJSON"],
      swiftSettings: strict),
    .testTarget(
      name: "HardwareProbeTests", dependencies: ["HardwareProbe", "ProbeFakes"],
      swiftSettings: strict),
    .testTarget(
      name: "PoolAgentTests", dependencies: ["ProbeFakes", "StrictJSON"], swiftSettings: strict),
    .testTarget(
      name: "AgentDaemonTests",
      dependencies: ["AgentDaemon", "AgentCore", "PoolWire", "PoolAllocator", "StrictJSON"],
      swiftSettings: strict),
    .testTarget(
      name: "ProbeFakesTests", dependencies: ["ProbeFakes", "HardwareProbe"],
      swiftSettings: strict),
    .testTarget(
      name: "OracleTests", dependencies: ["PoolAllocator", "PoolSimulator"],
      swiftSettings: strict),
    .testTarget(name: "TidyTests", swiftSettings: strict),
  ]
)

// Release tests live at random, which the core, the loop, the agent and the records alone do; the
// other targets would be compiled for nothing (`make test-release`).
if Context.environment["ONLY_RANDOM_TESTS"] != nil {
  let others: Set<String> = [
    "CNVML", "HardwareProbe", "FakeNVML", "FakeNVML2018", "ProbeFakes", "pool-agent",
    "AgentDaemon", "AgentDaemonTests", "PoolViews", "PoolInsightTests", "StrictJSONTests",
    "PoolWireTests", "HardwareProbeTests", "PoolAgentTests", "ProbeFakesTests", "TidyTests",
  ]
  package.targets.removeAll { others.contains($0.name) }
  package.products.removeAll { others.contains($0.name) }
}
