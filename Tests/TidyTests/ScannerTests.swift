import Testing

@Suite("Scanner of Swift text")
struct ScannerTests {
  private func words(_ text: String) -> [String] {
    SourceFile(path: "A.swift", text: text).tokens.filter { $0.kind == .word }.map(\.text)
  }

  private func declarations(_ text: String) -> [Declaration] {
    SourceFile(path: "A.swift", text: text).declarations
  }

  @Test(
    "comments and strings are no code",
    arguments: [
      ("a // b", ["a"]),
      ("a /* b /* c */ d */ e", ["a", "e"]),
      (#"a "b" c"#, ["a", "c"]),
      (#"a "b \" c" d"#, ["a", "d"]),
      (#"a "// b" c"#, ["a", "c"]),
      ("a #\"b \" c \\(d)\"# e", ["a", "e"]),
      ("a \"\"\"\nb \" c\n\"\"\" d", ["a", "d"]),
      ("a #/b \" c/# d", ["a", "d"]),
      (#"a "unclosed"# + "\nb", ["a", "b"]),
      ("a / b", ["a", "b"]),
    ])
  func literals(text: String, expected: [String]) {
    #expect(words(text) == expected)
  }

  @Test(
    "code inside an interpolation is code",
    arguments: [
      (#""a \(b) c""#, ["b"]),
      (#""a \(f("x \(y)", (z))) c" d"#, ["f", "y", "z", "d"]),
      ("#\"a \\#(b) \\(c)\"# d", ["b", "d"]),
      (#""\(list.map { "<\($0)>" })" d"#, ["list", "map", "$0", "d"]),
    ])
  func interpolations(text: String, expected: [String]) {
    #expect(words(text) == expected)
  }

  @Test("the mask keeps every offset and line break")
  func maskKeepsOffsets() {
    let text = "let a = \"é\n\" /* x\ny */ + \"\"\"\n  b\n  \"\"\"\nc"
    let mask = CodeMask(text)
    let newline = UInt8(ascii: "\n")
    #expect(mask.bytes.count == text.utf8.count)
    #expect(
      mask.bytes.indices.filter { mask.bytes[$0] == newline }
        == Array(text.utf8).indices.filter { Array(text.utf8)[$0] == newline })
  }

  @Test("numbers: a fraction belongs to the number, a tuple index does not")
  func numbers() {
    let tokens = SourceFile(path: "A.swift", text: "1.5 + pair.0.1 + 0..<3").tokens
    #expect(tokens.filter { $0.kind == .number }.map(\.text) == ["1.5", "0", "1", "0", "3"])
  }

  @Test("names carry the types around them")
  func names() {
    let found = declarations(
      """
      struct Pool<Row: Hashable> {
        enum Code: UInt8 { case a = 1, b(Int, to: String), `default` }
        init?(_ x: Int) {}
        func apply<T>(_ x: T = { 1 }()) where T: Equatable { func inner() {} }
        static func == (a: Self, b: Self) -> Bool { true }
        var size: Int { get { 1 } }
        subscript(i: Int) -> Int { i }
      }
      extension Pool.Code where Row == Int { class var x: Int { 1 } }
      """)
    #expect(
      found.map(\.fullName) == [
        "Pool", "Pool.Code", "Pool.Code.a", "Pool.Code.b", "Pool.Code.default", "Pool.init",
        "Pool.apply", "Pool.apply.inner", "Pool.==", "Pool.size", "Pool.subscript", "Pool.Code",
        "Pool.Code.x",
      ])
  }

  @Test("bodies are matched past closures, conditions and directives")
  func bodies() {
    let found = declarations(
      """
      func first(
        _ x: () -> Void = { if true { } }
      ) -> Int {
        #if DEBUG
          if x { return [1].map { $0 }[0] }
        #endif
        return #expect(x) { y in
          "}"
        }
      }
      protocol P {
        func second() -> Int
        var third: Int { get }
      }
      let fourth = 1
      if true {

      }
      """)
    let lengths = found.map { "\($0.fullName) \($0.bodyLineCount)" }
    #expect(lengths == ["first 6", "P 2", "P.second 0", "P.third 0", "fourth 0"])
  }

  @Test(
    "public means visible outside",
    arguments: [
      ("public func f() {}", ["f"]),
      ("func f() {}", []),
      ("public private(set) var v = 1", ["v"]),
      ("@inlinable(x: 1) public static func f() {}", ["f"]),
      ("struct S { public var v = 1 }", []),
      ("public struct S { public var v = 1; var w = 2 }", ["S", "S.v"]),
      ("public extension S { func f() {}\n private func g() {} }", ["S", "S.f"]),
      ("extension S { public func f() {}\n func g() {} }", ["S.f"]),
      ("public enum E { case a, b\n func f() { switch x { case c: 1 } } }", ["E", "E.a", "E.b"]),
      ("public protocol P { func f()\n associatedtype T }", ["P", "P.f", "P.T"]),
      ("public func f() { struct S { public var v = 1 } }", ["f"]),
    ])
  func visibility(text: String, expected: [String]) {
    #expect(declarations(text).filter(\.isPublic).map(\.fullName) == expected)
  }
}
