// swift-tools-version: 6.2
import PackageDescription

// A package of somebody else's: GPUWatch reads NVML by itself, and its tests need no GPU.
let package = Package(
  name: "gpu-watch",
  products: [.library(name: "GPUWatch", targets: ["GPUWatch"])],
  dependencies: [.package(name: "pool-allocator", path: "../..")],
  targets: [
    .target(name: "GPUWatch"),
    .testTarget(
      name: "GPUWatchTests",
      dependencies: [
        "GPUWatch",
        .product(name: "ProbeFakes", package: "pool-allocator"),
        // Named so that it is built; the tests open copies of it.
        .product(name: "FakeNVML", package: "pool-allocator"),
      ]),
  ]
)
