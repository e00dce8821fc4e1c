import Glibc
import PoolConsole
import PoolWire

/// Runs one command line; answers the exit code.
func runAgent(_ words: [String]) throws(UsageError) -> Int32 {
  if let first = words.first, [DriverCommand.recordWord, DriverCommand.eventsWord].contains(first) {
    return DriverCommand.run(first, Array(words.dropFirst()))
  }
  if words.first == ExecCommand.gateWord { return ExecCommand.gate(Array(words.dropFirst())) }
  // What stands after -- is another program's.
  let cut = words.first == Forms.exec.name ? words.firstIndex(of: "--") : nil
  switch try Forms.program.read(Array(words[..<(cut ?? words.count)])) {
  case .done(let code): return code
  case .command(let form, let arguments):
    if arguments.has("--help") {
      Console.print(arguments.has("--stream") ? StreamForms.help : form.help)
      return 0
    }
    switch form.name {
    case "probe": return try ProbeCommand.run(arguments)
    case "advertise": return try AdvertiseCommand.run(arguments)
    case "run": return try RunCommand.run(arguments)
    case "exec":
      let command = cut.map { Array(words[($0 + 1)...]) }
      return try ExecCommand.run(arguments, command: command)
    case "profiles": return try ProfilesCommand.run(arguments)
    default: return try PlaceCommand.run(arguments)
    }
  }
}

do {
  exit(try runAgent(Array(CommandLine.arguments.dropFirst())))
} catch {
  Console.note(error.lines.map { $0 + "\n" }.joined() + "error: \(error.message)\n")
  exit(2)
}
