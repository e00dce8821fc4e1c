import Glibc
import Workload

// pool-bench: one table of what the allocator costs, beside floors that are measured in the same
// process, in turns; `pool-bench help` says what else there is.

let options = Options(Array(CommandLine.arguments.dropFirst()))
switch options.command {
case "all": exit(EverythingCommand.run(options))
case "pairs": exit(PairsCommand.run(options))
case "memory": exit(MemoryCommand.run(options))
case "commands": exit(PercentilesCommand.run(options))
case "help":
  print(Options.help)
default:
  print(Options.help)
  exit(2)
}
