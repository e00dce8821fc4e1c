/// A declaration found in Swift code, with as much as the rules ask about it.
struct Declaration {
  /// The introducing keyword: `func`, `var`, `struct`, `case`, `extension`, …
  var keyword: String
  /// The declared name; empty for `init`, `deinit` and `subscript`.
  var name: String
  /// Modifiers as written, access level included, without `(set)` ones.
  var modifiers: [String]
  /// Names of the types around it, outermost first.
  var path: [String]
  /// Line of the first attribute or modifier.
  var firstLine: Int
  /// Line of the keyword.
  var line: Int
  /// Tokens from the keyword to the opening brace, or to whatever ends the declaration.
  var head: Range<Int>
  /// The lines of `{` and `}`; nil without a body.
  var body: ClosedRange<Int>?
  /// The first word inside the braces, which tells observers from accessors.
  var firstWordOfBody: String?
  /// True when the declaration is visible outside the module.
  var isPublic: Bool

  static let types: Set<String> = ["struct", "enum", "class", "actor", "protocol"]
  static let functions: Set<String> = ["func", "init", "deinit", "subscript", "var", "let"]
  static let keywords: Set<String> = types.union(functions).union([
    "extension", "typealias", "associatedtype", "case", "precedencegroup", "macro",
  ])
  static let access: Set<String> = [
    "public", "open", "package", "internal", "fileprivate", "private",
  ]
  static let modifiers: Set<String> = access.union([
    "static", "final", "mutating", "nonmutating", "consuming", "borrowing", "lazy", "weak",
    "unowned", "override", "required", "convenience", "dynamic", "optional", "prefix", "postfix",
    "infix", "indirect", "nonisolated", "isolated", "distributed",
  ])

  /// A full name for messages and allow-lists: `Pool.apply`.
  var fullName: String { (path + [name.isEmpty ? keyword : name]).joined(separator: ".") }

  /// Lines strictly between the braces.
  var bodyLineCount: Int { body.map { max(0, $0.upperBound - $0.lowerBound - 1) } ?? 0 }
}
