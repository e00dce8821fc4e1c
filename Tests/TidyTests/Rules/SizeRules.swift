/// Lengths of files, lines and functions.
enum SizeRules {
  static func longFile(_ file: SourceFile) -> [Finding] {
    guard file.lines.count > StyleLimits.fileLines else { return [] }
    let message = "\(file.lines.count) lines; at most \(StyleLimits.fileLines)"
    return [file.finding(StyleLimits.fileLines + 1, message)]
  }

  static func longLines(_ file: SourceFile) -> [Finding] {
    file.lines.enumerated().compactMap { index, line in
      let columns = line.unicodeScalars.count
      guard columns > StyleLimits.lineColumns else { return nil }
      return file.finding(index + 1, "\(columns) columns; at most \(StyleLimits.lineColumns)")
    }
  }

  static func longFunctions(_ file: SourceFile, allowed: [LongFunction]) -> [Finding] {
    longBodies(file).compactMap { function in
      let isAllowed = allowed.contains { $0.path == file.path && $0.name == function.fullName }
      guard !isAllowed else { return nil }
      let limit = StyleLimits.functionLines
      let message = "\(function.fullName) has \(function.bodyLineCount) lines; at most \(limit)"
      return file.finding(function.line, message)
    }
  }

  /// Exceptions that no longer name a long function, or that give no reason.
  static func staleExceptions(_ allowed: [LongFunction], in files: [SourceFile]) -> [Finding] {
    allowed.compactMap { exception in
      let file = files.first { $0.path == exception.path }
      let isUsed = file.map { longBodies($0).contains { $0.fullName == exception.name } } ?? false
      guard !isUsed || exception.reason.isEmpty else { return nil }
      let message = "the exception for \(exception.name) is unused or has no reason"
      return Finding(path: exception.path, line: 1, message: message)
    }
  }

  private static func longBodies(_ file: SourceFile) -> [Declaration] {
    file.declarations.filter {
      Declaration.functions.contains($0.keyword) && $0.bodyLineCount > StyleLimits.functionLines
    }
  }
}
