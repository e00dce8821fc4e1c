import PoolWire

/// A flag of a command.
struct Flag {
  /// How many values follow it.
  enum Values {
    case none
    case one(String)
    case many(String)
  }

  var name: String
  var values: Values
  var summary: String
}

/// A command: its flags and what its help says.
struct CommandLineForm {
  var name: String
  var usage: String
  var summary: String
  var flags: [Flag]
  var details: String
  /// What words that are no flags are; nil where there may be none.
  var operands: String?
}

/// What a person wrote wrongly on the command line or in a document; exit code 2.
struct UsageError: Error {
  /// One line each, as `FILE:line:column: …` where a document is at fault.
  var lines: [String] = []
  /// The last line.
  var message: String
}

/// The flags of one call.
struct Arguments {
  private var values: [String: [String]] = [:]

  /// The words that are no flags, in their order.
  private(set) var operands: [String] = []

  /// Reads the words after the command.
  init(_ words: [String], form: CommandLineForm) throws(UsageError) {
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

  func has(_ name: String) -> Bool { values[name] != nil }
  func one(_ name: String) -> String? { values[name]?.first }
  func all(_ name: String) -> [String] { values[name] ?? [] }
}

/// Text that somebody gave us, fit for a terminal: short, and no control characters.
func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars.prefix(80) {
    result += Terminal.isPlain(scalar) ? String(scalar) : "?"
  }
  return result + (text.unicodeScalars.count > 80 ? "…\"" : "\"")
}
