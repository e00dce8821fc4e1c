import Glibc
import PoolConsole

/// Runs one command line; answers the exit code.
func runSimulator(_ words: [String]) throws(UsageError) -> Int32 {
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
