import Glibc
import PoolWire

/// Runs one command line; answers the exit code.
func runAgent(_ words: [String]) throws(UsageError) -> Int32 {
  guard let first = words.first else {
    Console.note(Forms.overview)
    return 2
  }
  switch first {
  case "--help", "-h", "help":
    if first == "help", let form = Forms.all.first(where: { $0.name == words.dropFirst().first }) {
      Console.print(Forms.help(of: form))
    } else {
      Console.print(Forms.overview)
    }
    return 0
  case "--version":
    Console.print("pool-agent \(Forms.version)\n")
    return 0
  case DriverCommand.recordWord, DriverCommand.eventsWord:
    return DriverCommand.run(first, Array(words.dropFirst()))
  default: break
  }
  guard let form = Forms.all.first(where: { $0.name == first }) else {
    let what = first.hasPrefix("-") ? "flag" : "command"
    let names = Forms.all.map(\.name) + ["--help", "--version"]
    let hint = NearestName.hint(first, among: names, called: "command")
    throw UsageError(message: "unknown \(what) \(quoted(first)); \(hint)")
  }
  let arguments = try Arguments(Array(words.dropFirst()), form: form)
  if arguments.has("--help") {
    Console.print(arguments.has("--stream") ? StreamForms.help : Forms.help(of: form))
    return 0
  }
  switch form.name {
  case "probe": return try ProbeCommand.run(arguments)
  case "advertise": return try AdvertiseCommand.run(arguments)
  case "profiles": return try ProfilesCommand.run(arguments)
  default: return try PlaceCommand.run(arguments)
  }
}

do {
  exit(try runAgent(Array(CommandLine.arguments.dropFirst())))
} catch {
  Console.note(error.lines.map { $0 + "\n" }.joined() + "error: \(error.message)\n")
  exit(2)
}
