import PoolWire

/// The flags of one call.
package struct Arguments {
  private var values: [String: [String]] = [:]

  /// The words that are no flags, in their order.
  package private(set) var operands: [String] = []

  /// Reads the words after the command.
  package init(_ words: [String], form: CommandLineForm) throws(UsageError) {
    var index = 0
    while index < words.count {
      if form.operands != nil, !Self.isFlag(words[index]) {
        operands.append(words[index])
        index += 1
        continue
      }
      let (flag, inline) = try Self.flag(words[index], form)
      index += 1
      switch flag.values {
      case .none:
        if inline != nil { throw UsageError(message: "\(flag.name) takes no value") }
        try refuseSecond(flag)
        values[flag.name] = []
      case .one(let what):
        try refuseSecond(flag)
        if let inline {
          values[flag.name] = [inline]
        } else if index < words.count, !Self.isFlag(words[index]) {
          values[flag.name] = [words[index]]
          index += 1
        } else {
          throw UsageError(message: "\(flag.name) needs \(what)")
        }
      case .many(let what):
        var found = inline.map { [$0] } ?? []
        while inline == nil, index < words.count, !Self.isFlag(words[index]) {
          found.append(words[index])
          index += 1
        }
        if found.isEmpty { throw UsageError(message: "\(flag.name) needs at least one \(what)") }
        values[flag.name, default: []] += found
      }
    }
  }

  private func refuseSecond(_ flag: Flag) throws(UsageError) {
    if values[flag.name] != nil { throw UsageError(message: "\(flag.name) is given twice") }
  }

  /// "-" alone is standard input, not a flag.
  private static func isFlag(_ word: String) -> Bool { word.hasPrefix("-") && word != "-" }

  private static func flag(
    _ word: String, _ form: CommandLineForm
  ) throws(UsageError) -> (Flag, String?) {
    guard isFlag(word) else {
      throw UsageError(message: "unexpected argument \(quoted(word))")
    }
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts[0] == "-h" ? "--help" : String(parts[0])
    if let flag = form.flags.first(where: { $0.name == name }) {
      return (flag, parts.count == 2 ? String(parts[1]) : nil)
    }
    let hint = NearestName.hint(name, among: form.flags.map(\.name), called: "flag")
    throw UsageError(message: "unknown flag \(quoted(name)); \(hint)")
  }

  package func has(_ name: String) -> Bool { values[name] != nil }
  package func one(_ name: String) -> String? { values[name]?.first }
  package func all(_ name: String) -> [String] { values[name] ?? [] }
}
