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
  products: [
    .library(name: "PoolIdentity", targets: ["PoolIdentity"]),
    .library(name: "PoolStore", targets: ["PoolStore"]),
    .library(name: "PoolService", targets: ["PoolService"]),
    .library(name: "PoolClient", targets: ["PoolClient"]),
    .library(name: "PolicyTesting", targets: ["PolicyTesting"]),
    .executable(name: "pool-server", targets: ["pool-server"]),
    .executable(name: "poolctl", targets: ["poolctl"]),
    .library(name: "FailingCalls", type: .dynamic, targets: ["FailingCalls"]),
  ],
  dependencies: [
    .package(name: "pool-allocator", path: ".."),
    // SQLite, with its traps known: one journal in one file.
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // SHA-256 of the journal's chain, and the signatures of delegation chains.
    .package(url: "https://github.com/apple/swift-crypto", "4.5.0"..<"5.0.0"),
    // HTTP on SwiftNIO: back-pressure, long polls, graceful stop. None of its extras.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    // Flags, help and completions of the two programs.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    // A queue that is taken from at its front.
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    // The words of HTTP, as the framework has them.
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    // Buffers of the framework.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    // Parts of a request, as the framework has them.
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
    // Claims and answers in YAML, for people.
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    // A graceful end on a signal.
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    // TLS of the server.
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    // Signatures of the tokens of identity providers, in all their kinds.
    .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
    // The log's levels and fields.
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
  ],
  targets: [
    .target(
      name: "PoolIdentity",
      dependencies: [
        .product(name: "PoolWire", package: "pool-allocator"),
        .product(name: "StrictJSON", package: "pool-allocator"),
        .product(name: "Crypto", package: "swift-crypto"),
      ], swiftSettings: strict),
    .target(
      name: "PoolStore",
      dependencies: [
        .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolInsight", package: "pool-allocator"),
        .product(name: "PoolLoop", package: "pool-allocator"),
        .product(name: "PoolRecord", package: "pool-allocator"),
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
      ], swiftSettings: strict),
    .target(
      name: "PoolService",
      dependencies: [
        "PoolIdentity", "PoolStore",
        .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolInsight", package: "pool-allocator"),
        .product(name: "PoolLoop", package: "pool-allocator"),
        .product(name: "PoolSimulator", package: "pool-allocator"),
        .product(name: "PoolViews", package: "pool-allocator"),
        .product(name: "PoolWire", package: "pool-allocator"),
        .product(name: "StrictJSON", package: "pool-allocator"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "JWTKit", package: "jwt-kit"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .executableTarget(
      name: "pool-server",
      dependencies: [
        "PoolClient", "PoolService", "PoolStore",
        .product(name: "PoolConsole", package: "pool-allocator"),
        .product(name: "PoolRecord", package: "pool-allocator"),
        .product(name: "PoolWire", package: "pool-allocator"),
        .product(name: "StrictJSON", package: "pool-allocator"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .target(
      name: "PoolClient",
      dependencies: [
        .product(name: "StrictJSON", package: "pool-allocator"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
      ], swiftSettings: strict),
    .target(
      name: "PolicyTesting",
      dependencies: [
        .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolRecord", package: "pool-allocator"),
        .product(name: "PoolSimulator", package: "pool-allocator"),
        .product(name: "PoolViews", package: "pool-allocator"),
        .product(name: "PoolWire", package: "pool-allocator"),
        .product(name: "StrictJSON", package: "pool-allocator"),
        .product(name: "Yams", package: "Yams"),
      ], swiftSettings: strict),
    .executableTarget(
      name: "poolctl",
      dependencies: [
        "PolicyTesting", "PoolClient", "PoolIdentity",
        .product(name: "PoolConsole", package: "pool-allocator"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Yams", package: "Yams"),
      ], swiftSettings: strict),
    .executableTarget(
      name: "store-lab",
      dependencies: [
        "PoolStore",
        .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolLoop", package: "pool-allocator"),
        .product(name: "GRDB", package: "GRDB.swift"),
      ], swiftSettings: strict),
    .executableTarget(
      name: "service-lab",
      dependencies: [
        "PoolService", "PoolStore",
        .product(name: "AgentCore", package: "pool-allocator"),
        .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolWire", package: "pool-allocator"),
        .product(name: "StrictJSON", package: "pool-allocator"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    // Has one call of the system fail in a process that loads it first: for tests alone.
    .target(name: "FailingCalls"),
    .testTarget(
      name: "PoolIdentityTests", dependencies: ["PoolIdentity"], swiftSettings: strict),
    .testTarget(
      name: "PolicyTestingTests",
      dependencies: [
        "PolicyTesting",
        .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolSimulator", package: "pool-allocator"),
        .product(name: "PoolWire", package: "pool-allocator"),
      ],
      // Wrong files, each beside what is said of it.
      exclude: ["Wrong"], swiftSettings: strict),
    .testTarget(
      name: "PoolStoreTests",
      dependencies: [
        "PoolStore", "store-lab",
        .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolInsight", package: "pool-allocator"),
        .product(name: "PoolLoop", package: "pool-allocator"),
        .product(name: "PoolRecord", package: "pool-allocator"),
        .product(name: "GRDB", package: "GRDB.swift"),
      ], swiftSettings: strict),
    .testTarget(
      name: "PoolServiceTests",
      dependencies: [
        "PoolIdentity", "PoolService", "PoolStore", "PoolClient", "pool-server",
        .product(name: "AgentCore", package: "pool-allocator"),
        .product(name: "PoolLoop", package: "pool-allocator"),
        .product(name: "PoolRecord", package: "pool-allocator"),
        .product(name: "PoolViews", package: "pool-allocator"),
        .product(name: "PoolAllocator", package: "pool-allocator"),
        .product(name: "PoolWire", package: "pool-allocator"),
        .product(name: "StrictJSON", package: "pool-allocator"),
        .product(name: "JWTKit", package: "jwt-kit"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
  ])
