import Testing

@Suite("Code everywhere")
struct CodeTests {
  private let repository = Repository.current

  /// Files with program text; prose may speak about markers.
  private func isProgram(_ path: String) -> Bool {
    [".swift", ".c", ".h", ".cpp", ".sh", ".py", "Makefile"].contains { path.hasSuffix($0) }
  }

  /// Tests and benchmarks may unwrap by force: a crash there is a failed test.
  private func mayUnwrap(_ path: String) -> Bool {
    ["Tests/", "Benchmarks/", "control-plane/Tests/"].contains { path.hasPrefix($0) }
  }

  @Test("no unfinished work is marked")
  func markers() throws {
    let paths = repository.paths.filter(isProgram)
    expectClean(
      try paths.flatMap { CodeRules.unfinishedMarkers($0, text: try repository.text($0)) })
  }

  @Test("nothing is unwrapped by force outside tests")
  func unwraps() {
    let files = repository.swiftFiles.filter { !mayUnwrap($0.path) }
    expectClean(files.flatMap(CodeRules.forcedUnwraps))
  }

  @Test("names say something")
  func names() {
    expectClean(repository.paths.flatMap(CodeRules.emptyNames(ofPath:)))
    expectClean(repository.swiftFiles.flatMap(CodeRules.emptyNames(ofTypesIn:)))
  }

  @Test(
    "checker: markers are whole words",
    arguments: [
      ("x // " + "TO" + "DO: y", 1), ("/* FIX" + "ME */ XX" + "X", 2),
      ("mktemp /tmp/x.XXXXXX", 0), ("let todo = TO" + "DOS", 0),
    ])
  func marker(text: String, count: Int) {
    #expect(CodeRules.unfinishedMarkers("a.swift", text: text).count == count)
  }

  @Test(
    "checker: forced",
    arguments: [
      "value!", "call()!", "list[0]!", "value!.member", "try! call()", "x as! Int", "var x: Int!",
      #""a \(value!) b""#, "map { $0! }", "init!(x: Int) {}", "a?.b!", "f { 1 }!",
    ])
  func forced(text: String) {
    #expect(CodeRules.forcedUnwraps(SourceFile(path: "A.swift", text: text)).count == 1)
  }

  @Test(
    "checker: not forced",
    arguments: [
      "!value", "a != b", "a!=b", "if !a && !b {}", "f(!a)", "[!a]", "// value!", #""value!""#,
      "\"\"\"\nvalue!\n\"\"\"", "#!/usr/bin/swift", "return !a", "x as? Int",
    ])
  func notForced(text: String) {
    #expect(CodeRules.forcedUnwraps(SourceFile(path: "A.swift", text: text)).isEmpty)
  }

  @Test(
    "checker: file names",
    arguments: [
      ("Sources/A/PoolUtils.swift", 1), ("Sources/Helpers/A.swift", 1), ("docs/a b.md", 1),
      ("Sources/A/Pool+Evolve.swift", 0), ("Sources/A/Helping.swift", 0),
    ])
  func fileNames(path: String, count: Int) {
    #expect(CodeRules.emptyNames(ofPath: path).count == count)
  }

  @Test(
    "checker: type names",
    arguments: [
      ("struct LeaseManager {}", 1), ("enum Lease {}; let manager = FileManager.default", 0),
    ])
  func typeNames(text: String, count: Int) {
    let file = SourceFile(path: "A.swift", text: text)
    #expect(CodeRules.emptyNames(ofTypesIn: file).count == count)
  }
}
