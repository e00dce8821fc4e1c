import PoolConsole

/// The commands with their flags and help.
enum Forms {
  static let program = Program(
    name: "pool-agent", version: "0.1.0", commands: [probe, advertise, profiles, place, run, exec])

  static let place = CommandLineForm(
    name: "place",
    usage: """
      pool-agent place --policy FILE --claims FILE [--nodes FILE …] [--json] [--alternatives]
             pool-agent place --policy FILE [--nodes FILE …] --stream [--explanations N]
             either with [--journal FILE]
      """,
    summary: "decide claims against nodes, once or as a stream",
    flags: [
      Flag(name: "--policy", values: .one("a file"), summary: "the policy document"),
      Flag(name: "--claims", values: .one("a file"), summary: "the claims document"),
      Flag(
        name: "--nodes", values: .many("file"),
        summary: "node documents; without them this machine is probed"),
      Flag(
        name: "--stream", values: .none,
        summary: "answer JSON lines; --stream --help shows every request"),
      Flag(name: "--json", values: .none, summary: "print one JSON document"),
      Flag(
        name: "--alternatives", values: .none,
        summary: "print what would run now instead of each claim that is not placed, with its price"
      ),
      Flag(
        name: "--explanations", values: .one("a number"),
        summary: "explanations that a principal of a stream has each second, by default 10"),
      Flag(
        name: "--explain", values: .none,
        summary: "print the longest wait of every tenant and class too, and what would run now"),
      Flag(
        name: "--journal", values: .one("a file"),
        summary: "write every command and what came of it to a new file, for pool-sim what-if"),
      Flag(
        name: "--profiles", values: .one("a directory"),
        summary: "hardware profiles for the probe"),
      help,
    ],
    details: """
      Claims are submitted in the order of the file at pool time 0, or at their at_seconds; every
      lease is taken to start at once and to be renewed. Nothing on the machine is changed.
      A file named - is standard input. The documents are described in schemas/.

      Exit codes: 0 decided · 1 internal error · 2 usage or a document in error.
      With exactly one claim: 0 granted · 3 queued or parked · 4 rejected · 5 infeasible.
      A stream ends with 0 at the end of its input; a bad line has an error as its answer.
      On a terminal the tables are cut to its width; in a file or a pipe they are whole.
      """)

  static let help = Flag(name: "--help", values: .none, summary: "print this help")
}
