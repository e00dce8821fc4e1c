/// How much of what is public is explained, and that limits and reasons are complete.
enum DocumentationRules {
  struct Coverage {
    var documented = 0
    var undocumented: [Finding] = []

    var total: Int { documented + undocumented.count }

    /// Unit: tenths of a percent, rounded down; an empty target is covered.
    var perMille: Int { total == 0 ? 1000 : documented * 1000 / total }
  }

  /// Counts public declarations; extensions are not declarations of their own.
  static func coverage(of files: [SourceFile]) -> Coverage {
    var coverage = Coverage()
    for file in files {
      for declaration in file.declarations
      where declaration.isPublic && declaration.keyword != "extension" {
        if file.documentation(of: declaration).isEmpty {
          coverage.undocumented.append(
            file.finding(declaration.line, "undocumented: \(declaration.fullName)"))
        } else {
          coverage.documented += 1
        }
      }
    }
    return coverage
  }

  /// Static properties whose documentation lacks `Unit: …`.
  static func limitsWithoutUnit(_ file: SourceFile) -> [Finding] {
    file.declarations.filter {
      ($0.keyword == "let" || $0.keyword == "var") && $0.modifiers.contains("static")
    }.compactMap { limit in
      let comment = file.documentation(of: limit).joined(separator: " ")
      let parts = comment.split(separator: "Unit:", omittingEmptySubsequences: false)
      let hasUnit = parts.count > 1 && parts[1].contains { $0.isLetter }
      return hasUnit ? nil : file.finding(limit.line, "\(limit.name) names no unit (Unit: …)")
    }
  }

  /// Cases of the enum at `path` that no text names, in camel case or in snake case.
  static func unnamedCases(
    of path: [String], in file: SourceFile, texts: [String]
  ) -> [Finding] {
    let words = Set(
      texts.flatMap { text in
        text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
      })
    return file.declarations.filter { $0.keyword == "case" && $0.path == path }.filter {
      !words.contains($0.name) && !words.contains(snakeCase($0.name))
    }.map { file.finding($0.line, "no table names \($0.fullName)") }
  }

  /// `burstExceeded` → `burst_exceeded`, `migSlotTaken` → `mig_slot_taken`.
  static func snakeCase(_ name: String) -> String {
    name.reduce(into: "") { result, letter in
      if letter.isUppercase, !result.isEmpty { result += "_" }
      result += letter.lowercased()
    }
  }
}
