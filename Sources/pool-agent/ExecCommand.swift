import AgentDaemon
import PoolAllocator
import PoolConsole
import PoolWire

/// `pool-agent exec`.
enum ExecCommand {
  /// The hidden command by which it starts itself as the gate of a command.
  static let gateWord = "exec-gate"

  /// - Parameter command: the words after `--`.
  static func run(_ arguments: Arguments, command: [String]?) throws(UsageError) -> Int32 {
    guard let state = arguments.one("--state") else {
      throw UsageError(message: "exec needs --state DIR, the folder of the agent")
    }
    guard let text = arguments.one("--lease") else {
      throw UsageError(message: "exec needs --lease LEASE")
    }
    guard let lease = LeaseID(wire: text) else {
      throw UsageError(
        message: "--lease \(quoted(text)): expected the lease of a grant, such as L-0.1")
    }
    guard let command, !command.isEmpty else {
      throw UsageError(message: "exec needs a command after --")
    }
    guard let program = Console.executablePath() else {
      Console.note("error: /proc/self/exe cannot be read\n")
      return 1
    }
    do {
      let run = LeaseCommand(
        state: state, lease: lease, command: command,
        say: { Console.note("\(Terminal.plain($0))\n") })
      return try run.run(program: program, gate: [gateWord])
    } catch {
      Console.note("error: \(Terminal.plain(error.message))\n")
      return 1
    }
  }

  static func gate(_ words: [String]) -> Int32 {
    Gate.run(words) { Console.note("\(Terminal.plain($0))\n") }
  }
}
