// swift-tools-version: 6.2
import PackageDescription

// A nested package, so that measuring needs nothing of those who only use the product.
let package = Package(
  name: "pool-benchmarks",
  dependencies: [.package(name: "pool-allocator", path: "..")],
  targets: [
    // What the benchmarks draw their work from.
    .target(
      name: "Workload",
      dependencies: [.product(name: "PoolAllocator", package: "pool-allocator")],
      swiftSettings: [.swiftLanguageMode(.v6)]),
    .executableTarget(
      name: "place-bench",
      dependencies: ["Workload", .product(name: "PoolAllocator", package: "pool-allocator")],
      swiftSettings: [.swiftLanguageMode(.v6)]),
    .executableTarget(
      name: "queue-bench",
      dependencies: [
        "Workload", .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolInsight", package: "pool-allocator"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6)]),
    .executableTarget(
      name: "record-bench",
      dependencies: [
        "Workload", .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolRecord", package: "pool-allocator"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6)]),
  ]
)
