import Foundation

/// What documents tell people to type and to look up.
enum RunbookRules {
  /// Alerts without a section in the runbook, and sections of alerts that are gone.
  static func alertSections(rules: String, runbook: String) -> [Finding] {
    let alerts = lines(of: rules, after: "- alert: ")
    let sections = lines(of: runbook, after: "### Pool")
    let named = Set(alerts.map { $0.name })
    let told = Set(sections.map { "Pool" + $0.name })
    var found: [Finding] = []
    for (name, line) in alerts where !told.contains(name) {
      found.append(Finding(path: "alerts.yml", line: line, message: "\(name) has no section"))
    }
    for (name, line) in sections where !named.contains("Pool" + name) {
      found.append(Finding(path: "runbook.md", line: line, message: "Pool\(name) is no alert"))
    }
    return found
  }

  private static func lines(of text: String, after mark: String) -> [(name: String, line: Int)] {
    var found: [(name: String, line: Int)] = []
    for (index, text) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let line = text.trimmingCharacters(in: .whitespaces)
      guard line.hasPrefix(mark) else { continue }
      found.append((name: String(line.dropFirst(mark.count)), line: index + 1))
    }
    return found
  }

  // MARK: commands that there are

  /// The commands of a program that is written with ArgumentParser, each with those above it:
  /// `policy`, `policy check`.
  static func parsedCommands(in sources: [String]) -> Set<String> {
    var types: [String: (word: String, below: [String])] = [:]
    for source in sources {
      let heads = source.matches(of: /struct (\w+): [^\{]*ParsableCommand[^\{]*\{/)
      for (index, head) in heads.enumerated() {
        let end = index + 1 < heads.count ? heads[index + 1].range.lowerBound : source.endIndex
        let body = source[head.range.upperBound..<end]
        let name = String(head.output.1)
        let word = body.firstMatch(of: /commandName: "([^"]+)"/).map { String($0.output.1) }
        let list = body.firstMatch(of: /subcommands: \[([^\]]*)\]/)?.output.1 ?? ""
        let below = list.matches(of: /(\w+)\.self/).map { String($0.output.1) }
        types[name] = (word: word ?? self.word(ofType: name), below: below)
      }
    }
    let inner = Set(types.values.flatMap { $0.below })
    func paths(below name: String, _ prefix: String) -> [String] {
      (types[name]?.below ?? []).flatMap { type -> [String] in
        let path = prefix + (types[type]?.word ?? type)
        return [path] + paths(below: type, path + " ")
      }
    }
    return Set(types.keys.filter { !inner.contains($0) }.flatMap { paths(below: $0, "") })
  }

  /// `AuditHead` is `audit-head`.
  private static func word(ofType name: String) -> String {
    name.reduce(into: "") { word, letter in
      if letter.isUppercase, !word.isEmpty { word += "-" }
      word += letter.lowercased()
    }
  }

  /// The commands of a program that is written with forms of our own.
  static func formedCommands(in sources: [String]) -> Set<String> {
    Set(
      sources.flatMap { source in
        source.matches(of: /CommandLineForm\(\s*name: "([a-z-]+)"/).map { String($0.output.1) }
      })
  }

  // MARK: commands that documents show

  /// Commands in the code of a document that its program does not have.
  /// - Parameter known: the commands of each program.
  static func unknownCommands(
    _ path: String, text: String, known: [String: Set<String>]
  ) -> [Finding] {
    code(in: text).flatMap { line, code in
      calls(in: code).compactMap { words in
        guard let program = words.first, let commands = known[program],
          let wrong = stranger(words.dropFirst(), among: commands)
        else { return nil }
        return Finding(path: path, line: line, message: "\(program) has no command \(wrong)")
      }
    }
  }

  /// Lines of fences, or where a fence has prompts what stands behind these, and code within lines.
  private static func code(in text: String) -> [(line: Int, code: String)] {
    var found: [(line: Int, code: String)] = []
    var fence: [(line: Int, code: String)]?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      if line.drop(while: { $0 == " " }).hasPrefix("```") {
        let lines = fence ?? []
        let prompted = lines.filter { $0.code.hasPrefix("$ ") }
        found += prompted.isEmpty ? lines : prompted
        fence = fence == nil ? [] : nil
      } else if fence != nil {
        fence?.append((line: index + 1, code: String(line)))
      } else {
        let parts = line.split(separator: "`", omittingEmptySubsequences: false)
        for place in stride(from: 1, to: parts.count - 1, by: 2) {
          found.append((line: index + 1, code: String(parts[place])))
        }
      }
    }
    return found
  }

  /// The words of each program that a line calls.
  private static func calls(in code: String) -> [[String]] {
    code.split(whereSeparator: { "|;&()".contains($0) }).map { call in
      let words = call.split(separator: " ").map { String($0) }
      return Array(words.drop { $0 == "$" || $0.contains("=") })
    }
  }

  /// The first way of words that leads to no command; nil where all are known.
  private static func stranger(
    _ words: ArraySlice<String>, among commands: Set<String>
  ) -> String? {
    var rest = words
    var path = ""
    while let word = rest.popFirst() {
      if word == "--config" {
        _ = rest.popFirst()
        continue
      }
      let prefix = path.isEmpty ? "" : path + " "
      guard word.first != "-", word.allSatisfy({ $0.isLowercase || $0 == "-" }),
        commands.contains(where: { $0.hasPrefix(prefix) })
      else { return nil }
      path = prefix + word
      guard commands.contains(path) else { return path }
    }
    return nil
  }
}
