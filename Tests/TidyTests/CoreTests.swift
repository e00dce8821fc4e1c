import Testing

@Suite("Purity of the core")
struct CoreTests {
  private let core = Repository.current.swiftFiles(under: CoreRules.folder)

  @Test("no clock, randomness, tasks, floats, output or hashed collections")
  func pure() { expectClean(core.flatMap(CoreRules.impurities)) }

  @Test("no stored dictionaries")
  func stored() { expectClean(core.flatMap(CoreRules.storedDictionaries)) }

  @Test("crashes only through the invariant")
  func crashes() { expectClean(core.flatMap(CoreRules.crashesOutsideInvariant)) }

  private func file(_ text: String, name: String = "A.swift") -> SourceFile {
    SourceFile(path: "Sources/PoolAllocator/\(name)", text: text)
  }

  @Test(
    "checker: impure",
    arguments: [
      "let now = Date()", "ContinuousClock.now", "Int.random(in: 0..<3)", "list.shuffled()",
      "Int.random(in: f(using: 1))", "func f() async {}", "await f()", "let x: Double = 1",
      "Float(1)", "Task { }", "print(1)", "struct S: Codable {}", "let s: Set<Int> = []",
      "func f() -> Dictionary<Int, Int> { x }", "let x = 1.5", "let x = 1e9", "x.hashValue",
      #""\(Double(1))""#, "actor A {}", "Set([1])",
    ])
  func impure(text: String) {
    #expect(!CoreRules.impurities(file(text)).isEmpty)
  }

  @Test(
    "checker: pure",
    arguments: [
      "let date = dateless(1)", "Int.random(in: 0..<3, using: &generator)", "// Double Task",
      #""print(1)""#, "let x = pair.0.1", "0..<3", "let setter = 1",
      "blueprint(1)", "let x = 0xE1", "list.shuffled(using: &g)", "case set(Int)",
      "var random: Int { 1 }",
    ])
  func isPure(text: String) {
    #expect(CoreRules.impurities(file(text)).isEmpty)
  }

  @Test(
    "checker: stored dictionaries",
    arguments: [
      "struct S { var rows: [Int: Row] }", "struct S { var rows = [:] as Rows }",
      "struct S { let rows: [[Int: Row]]? = nil }", "struct S { private var rows = [1: 2] }",
      "struct S { var rows: [Int: Row] { didSet { } } }", "let rows: [Int: Row] = [:]",
    ])
  func dictionary(text: String) {
    #expect(CoreRules.storedDictionaries(file(text)).count == 1)
  }

  @Test(
    "checker: no stored dictionaries",
    arguments: [
      "struct S { var rows: [Row] }", "struct S { var row: Row { rows[a ? b : c] } }",
      "struct S { let x = rows[a ? b : c] }", "struct S { let x = [make(a: 1)] }",
      "struct S { var rows: [Int]\n  func f(x: [Int: Row]) { let y: [Int: Row] = x } }",
      "struct S { let rows = [1, 2].map { (x: Int) in x } }",
    ])
  func noDictionary(text: String) {
    #expect(CoreRules.storedDictionaries(file(text)).isEmpty)
  }

  @Test("checker: crashes")
  func crash() {
    for text in ["fatalError()", "precondition(x)", "assert(x)", "preconditionFailure()"] {
      #expect(CoreRules.crashesOutsideInvariant(file(text)).count == 1)
      #expect(CoreRules.crashesOutsideInvariant(file(text, name: "Invariant.swift")).isEmpty)
    }
    #expect(CoreRules.crashesOutsideInvariant(file("invariant(x, \"assert\")")).isEmpty)
  }
}
