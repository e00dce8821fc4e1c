// swift-tools-version: 6.2
import PackageDescription

// A nested package, so that measuring needs nothing of those who only use the product.

/// The rules of the root package, but for strict memory safety: floors and counters are C.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
  name: "pool-benchmarks",
  dependencies: [
    .package(name: "pool-allocator", path: ".."),
    // For histograms of the same cases, and for baselines of one machine: AllocatorBenchmarks alone
    // needs it. Without its traits it replaces neither malloc nor the Swift runtime.
    .package(
      url: "https://github.com/ordo-one/benchmark", .upToNextMinor(from: "1.38.1"), traits: []),
  ],
  targets: [
    // Counts what the process allocates.
    .target(name: "CAllocations"),
    // Clusters and their work, the cases, and the floors that they are measured beside.
    .target(
      name: "Workload",
      dependencies: [
        "CAllocations",
        .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolInsight", package: "pool-allocator"),
        .product(name: "PoolRecord", package: "pool-allocator"),
      ],
      swiftSettings: strict),
    // One table in one process, floors and cases in turns.
    .executableTarget(
      name: "pool-bench",
      dependencies: ["CAllocations", "Workload"],
      swiftSettings: strict),
    // The same cases as benchmarks of the package `benchmark`.
    .executableTarget(
      name: "AllocatorBenchmarks",
      dependencies: [
        "CAllocations", "Workload",
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "AllocatorBenchmarks",
      swiftSettings: [.swiftLanguageMode(.v6)],
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
  ]
)
