// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "embed",
  dependencies: [.package(name: "pool-allocator", path: "../..")],
  targets: [
    .executableTarget(
      name: "embed",
      dependencies: [.product(name: "PoolAllocator", package: "pool-allocator")])
  ]
)
