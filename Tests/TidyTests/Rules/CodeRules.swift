/// What no code of ours contains, wherever it stands.
enum CodeRules {
  /// Markers of unfinished work; spelt in two parts so that this file passes.
  static let markers: Set<String> = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]

  /// Words that say nothing about a file or type.
  static let emptyWords = ["Utils", "Util" + "ities", "Helper", "Manager"]

  static func unfinishedMarkers(_ path: String, text: String) -> [Finding] {
    text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap {
      index, line in
      let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
      return words.filter { markers.contains(String($0)) }.map {
        Finding(path: path, line: index + 1, message: "unfinished work: \($0)")
      }
    }
  }

  /// `value!`, `call()!`, `list[0]!`, `Type!`, `try!` and `as!`.
  static func forcedUnwraps(_ file: SourceFile) -> [Finding] {
    file.tokens.indices.dropFirst().compactMap { index in
      let token = file.tokens[index]
      let previous = file.tokens[index - 1]
      guard token.isMark("!"), token.touchesPrevious else { return nil }
      let isOperand =
        previous.kind == .word || previous.kind == .number
        || [")", "]", "}", ">", "?"].contains(previous.text)
      let next = index + 1 < file.tokens.count ? file.tokens[index + 1] : nil
      let isInequality = next.map { $0.isMark("=") && $0.touchesPrevious } ?? false
      guard isOperand && !isInequality else { return nil }
      return file.finding(token.line, "forced: `\(previous.text)!`")
    }
  }

  static func emptyNames(ofPath path: String) -> [Finding] {
    var findings: [Finding] = []
    if path.contains(" ") {
      findings.append(Finding(path: path, line: 1, message: "a space in a file name"))
    }
    for word in emptyWords where path.contains(word) {
      findings.append(Finding(path: path, line: 1, message: "an empty word in a name: \(word)"))
    }
    return findings
  }

  static func emptyNames(ofTypesIn file: SourceFile) -> [Finding] {
    file.declarations.filter { Declaration.types.contains($0.keyword) }.flatMap { type in
      emptyWords.filter { type.name.contains($0) }.map {
        file.finding(type.line, "an empty word in the name \(type.name): \($0)")
      }
    }
  }
}
