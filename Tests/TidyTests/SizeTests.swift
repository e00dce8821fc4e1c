import Testing

@Suite("Sizes")
struct SizeTests {
  private let files = Repository.current.swiftFiles

  @Test("the repository is found")
  func repositoryIsFound() {
    #expect(Repository.current.paths.contains("Package.swift"))
    #expect(files.contains { $0.path.hasPrefix("Sources/PoolAllocator/") })
    #expect(!Repository.current.paths.contains { $0.hasPrefix(".build") })
    #expect(Repository.isSkipped(folder: ".build-release-tests"))
    #expect(!Repository.isSkipped(folder: ".ci"))
  }

  @Test("no Swift file is too long")
  func files500() { expectClean(files.flatMap(SizeRules.longFile)) }

  @Test("no line is too long")
  func lines100() { expectClean(files.flatMap(SizeRules.longLines)) }

  @Test("no function is too long")
  func functions70() {
    let allowed = StyleLimits.longFunctions
    expectClean(files.flatMap { SizeRules.longFunctions($0, allowed: allowed) })
    expectClean(SizeRules.staleExceptions(allowed, in: files))
  }

  @Test("checker: files", arguments: [(500, false), (501, true)])
  func longFile(lines: Int, isFlagged: Bool) {
    let text = String(repeating: "x\n", count: lines)
    let file = SourceFile(path: "A.swift", text: text)
    #expect(SizeRules.longFile(file).isEmpty == !isFlagged)
  }

  @Test(
    "checker: lines count scalars, not bytes",
    arguments: [
      (String(repeating: "é", count: 100), false),
      (String(repeating: "x", count: 101), true),
    ])
  func longLine(line: String, isFlagged: Bool) {
    let file = SourceFile(path: "A.swift", text: "a\n" + line + "\n")
    let findings = SizeRules.longLines(file)
    #expect(findings.map(\.line) == (isFlagged ? [2] : []))
  }

  /// A function of `lines` lines between the braces.
  private func function(_ lines: Int) -> SourceFile {
    let body = String(repeating: "    \"{\"\n", count: lines)
    return SourceFile(path: "A.swift", text: "struct S {\n  func f() {\n\(body)  }\n}\n")
  }

  @Test("checker: functions", arguments: [(70, false), (71, true)])
  func longFunction(lines: Int, isFlagged: Bool) {
    let findings = SizeRules.longFunctions(function(lines), allowed: [])
    #expect(findings.map(\.line) == (isFlagged ? [2] : []))
  }

  @Test(
    "checker: initialisers, accessors and closures are functions too",
    arguments: [
      "init() {", "var v: Int {", "let table = make {", "subscript(i: Int) -> Int {", "deinit {",
    ])
  func otherBodies(head: String) {
    let text = "class C {\n\(head)\n" + String(repeating: "x\n", count: 71) + "}\n}\n"
    let file = SourceFile(path: "A.swift", text: text)
    #expect(SizeRules.longFunctions(file, allowed: []).count == 1)
  }

  @Test("checker: an exception needs a long function and a reason")
  func exceptions() {
    let good = LongFunction(path: "A.swift", name: "S.f", reason: "an exhaustive switch")
    let mute = LongFunction(path: "A.swift", name: "S.f", reason: "")
    let other = LongFunction(path: "A.swift", name: "S.g", reason: "gone")
    let long = function(71)
    #expect(SizeRules.longFunctions(long, allowed: [good]).isEmpty)
    #expect(SizeRules.longFunctions(long, allowed: [other]).count == 1)
    #expect(SizeRules.staleExceptions([good], in: [long]).isEmpty)
    #expect(SizeRules.staleExceptions([good], in: [function(70)]).count == 1)
    #expect(SizeRules.staleExceptions([mute, other], in: [long]).count == 2)
  }
}
