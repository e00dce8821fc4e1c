// swift-tools-version: 6.2
import PackageDescription

/// The service around the allocator. The root package has no dependency; here a well-kept library
/// beats our own code (docs/decisions/0040).
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "control-plane",
  products: [.library(name: "PoolStore", targets: ["PoolStore"])],
  dependencies: [
    .package(name: "pool-allocator", path: ".."),
    // SQLite, with its traps known: one journal in one file.
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // SHA-256 of the journal's chain.
    .package(url: "https://github.com/apple/swift-crypto", "4.5.0"..<"5.0.0"),
  ],
  targets: [
    .target(
      name: "PoolStore",
      dependencies: [
        .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolLoop", package: "pool-allocator"),
        .product(name: "PoolRecord", package: "pool-allocator"),
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
      ], swiftSettings: strict),
    .executableTarget(
      name: "store-lab",
      dependencies: [
        "PoolStore",
        .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolLoop", package: "pool-allocator"),
        .product(name: "GRDB", package: "GRDB.swift"),
      ], swiftSettings: strict),
    .testTarget(
      name: "PoolStoreTests",
      dependencies: [
        "PoolStore", "store-lab",
        .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolLoop", package: "pool-allocator"),
        .product(name: "PoolRecord", package: "pool-allocator"),
        .product(name: "GRDB", package: "GRDB.swift"),
      ], swiftSettings: strict),
  ])
