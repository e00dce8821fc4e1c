import Foundation
import GRDB
import PoolStore

// What the tests and the benchmark of the store run in a process of its own:
//   store-lab write FOLDER [BATCHES]  appends, for ever without a number; a line for each durable
//                                     batch
//   store-lab measure FOLDER          durable records a second beside bare SQLite
//   store-lab fill FOLDER RECORDS     fills a journal, and says how long reading it back takes
//   store-lab read FOLDER             says how long reading it back takes
let arguments = CommandLine.arguments
do {
  switch arguments.dropFirst().first {
  case "write" where arguments.count == 3 || arguments.count == 4:
    let batches = arguments.count == 4 ? Int(arguments[3]) ?? 1 : Int.max
    var lab = try Lab(arguments[2])
    for _ in 0..<batches {
      let said = try lab.turn(1 + Int(lab.asked % 40))
      // At once: what is said must not wait in this process.
      try FileHandle.standardOutput.write(contentsOf: Data("durable \(said.max() ?? 0)\n".utf8))
    }
  case "measure" where arguments.count == 3: try Measure(arguments[2]).run()
  case "fill" where arguments.count == 4:
    try Measure(arguments[2]).fill(Int(arguments[3]) ?? 1_000)
  case "read" where arguments.count == 3: try Measure(arguments[2]).read()
  default:
    print(
      "usage: store-lab write FOLDER [BATCHES] | measure FOLDER | fill FOLDER RECORDS | read FOLDER"
    )
    exit(2)
  }
} catch {
  print("\(error)")
  exit(1)
}
