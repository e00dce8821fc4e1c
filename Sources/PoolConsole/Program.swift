import PoolWire

/// A flag of a command.
package struct Flag {
  /// How many values follow it.
  package enum Values {
    case none
    case one(String)
    case many(String)
  }

  package var name: String
  package var values: Values
  package var summary: String

  package init(name: String, values: Values, summary: String) {
    self.name = name
    self.values = values
    self.summary = summary
  }
}

/// A command: its flags and what its help says.
package struct CommandLineForm {
  package var name: String
  package var usage: String
  package var summary: String
  package var flags: [Flag]
  package var details: String
  /// What words that are no flags are; nil where there may be none.
  package var operands: String?

  package init(
    name: String, usage: String, summary: String, flags: [Flag], details: String,
    operands: String? = nil
  ) {
    self.name = name
    self.usage = usage
    self.summary = summary
    self.flags = flags
    self.details = details
    self.operands = operands
  }
}

/// What a person wrote wrongly on the command line or in a document; exit code 2.
package struct UsageError: Error {
  /// One line each, as `FILE:line:column: …` where a document is at fault.
  package var lines: [String]
  /// The last line.
  package var message: String

  package init(lines: [String] = [], message: String) {
    self.lines = lines
    self.message = message
  }
}

/// A program of several commands, as its help and its dispatch see it.
package struct Program {
  package var name: String
  package var version: String
  package var commands: [CommandLineForm]

  package init(name: String, version: String, commands: [CommandLineForm]) {
    self.name = name
    self.version = version
    self.commands = commands
  }

  /// Reads a command line up to its command. `--help`, `help` and `--version` are answered here.
  /// - Returns: the exit code where nothing is left to do; else the command with its flags.
  package func read(_ words: [String]) throws(UsageError) -> Reading {
    guard let first = words.first else {
      Console.note(overview)
      return .done(2)
    }
    switch first {
    case "--help", "-h", "help":
      let form = commands.first { $0.name == words.dropFirst().first }
      Console.print(first == "help" ? form?.help ?? overview : overview)
      return .done(0)
    case "--version":
      Console.print("\(name) \(version)\n")
      return .done(0)
    default: break
    }
    guard let form = commands.first(where: { $0.name == first }) else {
      let what = first.hasPrefix("-") ? "flag" : "command"
      let names = commands.map(\.name) + ["--help", "--version"]
      let hint = NearestName.hint(first, among: names, called: "command")
      throw UsageError(message: "unknown \(what) \(quoted(first)); \(hint)")
    }
    return .command(form, try Arguments(Array(words.dropFirst()), form: form))
  }

  /// What a command line asks for.
  package enum Reading {
    case done(Int32)
    case command(CommandLineForm, Arguments)
  }

  package var overview: String {
    let width = commands.map(\.name.count).max() ?? 0
    let lines = commands.map { form in
      "  \(form.name)\(String(repeating: " ", count: width - form.name.count))  \(form.summary)"
    }
    return """
      usage: \(name) COMMAND [FLAGS]

      \(lines.joined(separator: "\n"))

      \(name) COMMAND --help says more; \(name) --version prints the version.

      """
  }
}

extension CommandLineForm {
  /// What `--help` prints.
  package var help: String {
    let width = flags.map(\.name.count).max() ?? 0
    let lines = flags.map { flag in
      let gap = String(repeating: " ", count: width - flag.name.count)
      return "  \(flag.name)\(gap)  \(flag.summary)"
    }
    return "usage: \(usage)\n\n\(summary)\n\n\(lines.joined(separator: "\n"))\n\n\(details)\n"
  }
}
