import Testing

@Suite("Documentation of public code")
struct DocumentationTests {
  private let repository = Repository.current

  @Test("public declarations are documented")
  func coverage() {
    for target in repository.folders(in: "Sources") {
      let files = repository.swiftFiles(under: "Sources/\(target)")
      let coverage = DocumentationRules.coverage(of: files)
      let isCore = target == "PoolAllocator"
      let percent = isCore ? StyleLimits.coreDocumentation : StyleLimits.targetDocumentation
      let figure = "\(coverage.perMille / 10).\(coverage.perMille % 10) %"
      print("documentation: \(target) \(figure) (\(coverage.documented) of \(coverage.total))")
      let missing = coverage.undocumented.map(\.description).joined(separator: "\n  ")
      #expect(
        coverage.perMille >= percent * 10,
        "\(target): \(figure), at least \(percent) %\n  \(missing)")
    }
  }

  @Test("every limit has a unit")
  func limits() {
    let path = "Sources/PoolAllocator/Limits.swift"
    let files = repository.swiftFiles.filter { $0.path == path }
    expectClean(files.flatMap(DocumentationRules.limitsWithoutUnit))
  }

  @Test("every reason appears in a table test")
  func reasons() throws {
    let path = "Sources/PoolAllocator/Reason.swift"
    let tables = repository.paths(under: ["Tests/PoolAllocatorTests/Tables"], suffix: ".table")
    let texts = try tables.map { try repository.text($0) }
    for file in repository.swiftFiles where file.path == path && !texts.isEmpty {
      #expect(file.declarations.contains { $0.keyword == "case" && $0.path == ["Reason", "Code"] })
      expectClean(
        DocumentationRules.unnamedCases(of: ["Reason", "Code"], in: file, texts: texts))
    }
  }

  private func file(_ text: String) -> SourceFile { SourceFile(path: "A.swift", text: text) }

  @Test(
    "checker: documented",
    arguments: [
      "/// Says.\npublic func f() {}",
      "/// Says.\n@inlinable\npublic func f() {}",
      "@inlinable\n/// Says.\npublic func f() {}",
      "/// Says.\n@available(\n  macOS 15, *\n)\n@inlinable public\nfunc f() {}",
      "/// Says.\n// swift-format-ignore\npublic func f() {}",
      "/// Says.\npublic enum E {\n  /// Says.\n  case a, b\n}",
      "extension S {\n  /// Says.\n  public var v: Int { 1 }\n}",
      "/// Says.\npublic struct S {\n  /// Says.\n  public init() {}\n}",
    ])
  func documented(text: String) {
    let coverage = DocumentationRules.coverage(of: [file(text)])
    #expect(coverage.total > 0)
    #expect(coverage.perMille == 1000)
  }

  @Test(
    "checker: undocumented",
    arguments: [
      "public func f() {}",
      "// Says.\npublic func f() {}",
      "/// Says.\n\npublic func f() {}",
      "/// Says.\nlet x = 1\npublic func f() {}",
      "\"\"\"\n/// Says.\n\"\"\"\npublic func f() {}",
      "/// Says.\npublic enum E {\n  case a\n}",
      "public extension S {\n  func f() {}\n}",
      "/// Says.\npublic protocol P {\n  func f()\n}",
    ])
  func undocumented(text: String) {
    #expect(DocumentationRules.coverage(of: [file(text)]).undocumented.count == 1)
  }

  @Test("checker: the figure")
  func figure() {
    let one = "/// Says.\npublic func f() {}\n"
    let none = "public func f() {}\n"
    #expect(DocumentationRules.coverage(of: []).perMille == 1000)
    #expect(DocumentationRules.coverage(of: [file(one), file(none), file(one)]).perMille == 666)
  }

  @Test(
    "checker: units",
    arguments: [
      ("enum L {\n  /// Rows. Unit: nodes.\n  static let nodes = 1\n}", 0),
      ("enum L {\n  /// Rows.\n  ///\n  /// Unit: nodes\n  public static let nodes = 1\n}", 0),
      ("enum L {\n  /// Rows.\n  static let nodes = 1\n}", 1),
      ("enum L {\n  static let nodes = 1\n  /// Unit:\n  static var lanes: Int { 1 }\n}", 2),
      ("enum L {\n  let nodes = 1\n}", 0),
    ])
  func units(text: String, count: Int) {
    #expect(DocumentationRules.limitsWithoutUnit(file(text)).count == count)
  }

  @Test("checker: reasons")
  func reasonNames() {
    let source = file(
      """
      struct Reason { enum Code: UInt8 { case burstExceeded = 1, nodeCordoned = 2 } }
      enum Other { case unnamed }
      """)
    let path = ["Reason", "Code"]
    let none = DocumentationRules.unnamedCases(of: path, in: source, texts: ["burstExceededs"])
    let some = DocumentationRules.unnamedCases(of: path, in: source, texts: ["=> burstExceeded"])
    let all = ["a: burst_exceeded", "b (nodeCordoned)"]
    #expect(none.count == 2)
    #expect(some.count == 1)
    #expect(DocumentationRules.unnamedCases(of: path, in: source, texts: all).isEmpty)
  }
}
