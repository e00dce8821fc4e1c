import Testing

@Suite("Import arrows")
struct ImportTests {
  private let repository = Repository.current

  @Test("every target imports only what the design allows")
  func arrows() {
    let targets = repository.folders(in: "Sources")
    #expect(targets.contains("PoolAllocator"))
    for target in targets {
      let files = repository.swiftFiles(under: "Sources/\(target)")
      expectClean(files.flatMap { ImportRules.forbiddenImports($0, target: target) })
    }
  }

  @Test("the core imports nothing")
  func core() {
    #expect(ImportRules.allowed["PoolAllocator"] == [])
  }

  @Test("the root package depends on no package")
  func packages() throws {
    let manifest = try #require(repository.swiftFiles.first { $0.path == "Package.swift" })
    expectClean(ImportRules.packageDependencies(manifest))
  }

  private func file(_ text: String) -> SourceFile { SourceFile(path: "A.swift", text: text) }

  @Test(
    "checker: the module of an import",
    arguments: [
      ("import Foundation", ["Foundation"]),
      ("public import struct Foundation.Date", ["Foundation"]),
      ("@testable import PoolWire", ["PoolWire"]),
      (
        "#if canImport(Glibc)\n  internal import Glibc\n#else\n  import Musl\n#endif",
        ["Glibc", "Musl"]
      ),
      ("// import Foundation", []),
      ("\"import Foundation\"", []),
      ("let x = y.import", []),
    ])
  func modules(text: String, expected: [String]) {
    #expect(ImportRules.imports(in: file(text)).map(\.module) == expected)
  }

  @Test(
    "checker: core",
    arguments: [
      "Foundation", "FoundationEssentials", "Dispatch", "Glibc", "Synchronization", "CNVML",
      "PoolWire", "StrictJSON", "HardwareProbe",
    ])
  func forbidden(module: String) {
    let findings = ImportRules.forbiddenImports(file("import \(module)"), target: "PoolAllocator")
    #expect(findings.count == 1)
  }

  @Test("checker: allowed imports, unknown targets")
  func rows() {
    let wire = file("import PoolAllocator\nimport StrictJSON\n")
    #expect(ImportRules.forbiddenImports(wire, target: "PoolWire").isEmpty)
    #expect(ImportRules.forbiddenImports(wire, target: "HardwareProbe").map(\.line) == [1])
    #expect(ImportRules.forbiddenImports(wire, target: "Unknown").count == 1)
    #expect(ImportRules.forbiddenImports(file(""), target: "PoolAllocator").isEmpty)
  }

  @Test(
    "checker: package dependencies",
    arguments: [
      ("let p = Package(dependencies: [.package(path: \"..\")])", 1),
      ("let p = Package(dependencies: [\n  .package (url: x),\n  .package(name: y)])", 2),
      ("let package = Package(name: \"x\") // .package(", 0),
      (".product(name: \"a\", package: \"b\")", 0),
    ])
  func dependencies(text: String, count: Int) {
    #expect(ImportRules.packageDependencies(file(text)).count == count)
  }
}
