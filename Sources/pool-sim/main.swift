import Glibc
import PoolConsole

/// Runs one command line; answers the exit code.
func runSimulator(_ words: [String]) throws(UsageError) -> Int32 {
  #if PLANTED_BUGS
    if words.first == MutantLives.word { return MutantLives.run(Array(words.dropFirst())) }
  #endif
  switch try Forms.program.read(words) {
  case .done(let code): return code
  case .command(let form, let arguments):
    if arguments.has("--help") {
      Console.print(form.help)
      return 0
    }
    switch form.name {
    case RunCommand.form.name: return try RunCommand.run(arguments)
    case HuntCommand.form.name: return try HuntCommand.run(arguments)
    case ScenarioCommand.form.name: return try ScenarioCommand.run(arguments)
    case FairnessCommand.form.name: return try FairnessCommand.run(arguments)
    case ReplayCommand.form.name: return try ReplayCommand.run(arguments)
    case WhatIfCommand.form.name: return try WhatIfCommand.run(arguments)
    case DefragCommand.form.name: return try DefragCommand.run(arguments)
    case MutantsCommand.form.name: return try MutantsCommand.run(arguments)
    default: return 2
    }
  }
}

do {
  exit(try runSimulator(Array(CommandLine.arguments.dropFirst())))
} catch {
  Console.note(error.lines.map { $0 + "\n" }.joined() + "error: \(error.message)\n")
  exit(2)
}
