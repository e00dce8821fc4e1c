import Foundation

/// One Swift file with everything that the rules look at, worked out once.
struct SourceFile: Sendable {
  /// Path from the root of the repository.
  let path: String
  let lines: [String]
  let tokens: [Token]
  let declarations: [Declaration]

  init(path: String, text: String) {
    self.path = path
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    self.lines = lines
    tokens = Tokenizer.tokens(of: CodeMask(text))
    declarations = DeclarationScanner.declarations(in: tokens)
  }

  var name: String { String(path.split(separator: "/").last ?? "") }

  /// A finding at a 1-based line of this file.
  func finding(_ line: Int, _ message: String) -> Finding {
    Finding(path: path, line: line, message: message)
  }

  /// The `///` comment of a declaration, attributes may stand between; empty when there is none.
  func documentation(of declaration: Declaration) -> [String] {
    var found = commentLines(above: declaration.firstLine)
    if found.isEmpty && declaration.line > declaration.firstLine {
      found = commentLines(above: declaration.line)
    }
    return found
  }

  /// The documentation that ends just above a 1-based line; plain comments may follow it.
  private func commentLines(above line: Int) -> [String] {
    var found: [String] = []
    var index = line - 2
    while index >= 0 {
      let text = lines[index].trimmingCharacters(in: .whitespaces)
      if text.hasPrefix("///") {
        found.insert(String(text.dropFirst(3)), at: 0)
      } else if !text.hasPrefix("//") || !found.isEmpty {
        break
      }
      index -= 1
    }
    return found
  }
}

/// One broken rule at one place.
struct Finding: Sendable, CustomStringConvertible {
  let path: String
  let line: Int
  let message: String

  var description: String { "\(path):\(line): \(message)" }
}
