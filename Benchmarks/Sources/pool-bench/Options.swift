import Glibc

/// What was asked for on the command line.
struct Options {
  static let help = """
    pool-bench [all] [--nodes 1000,10000,100000] [--rounds 5] [--limits FILE]
      every case in one table, the mix, the memory, and allocations against their limits
    pool-bench pairs [--nodes 10000] [--waiting 1000] [--pairs 50000] [--rounds 5]
      place + release of the mix in a pool that is kept nearly full while claims wait
    pool-bench memory [--nodes 100000] [--leases 500000]
      what nodes and leases take of memory
    pool-bench commands [--nodes 1000] [--waiting 10000] [--lanes 1] [--turns 20000]
      percentiles of single commands while every GPU is in use and many claims wait, each for
      all of so many lanes
    """

  private(set) var command = "all"
  private var values: [String: String] = [:]

  init(_ arguments: [String]) {
    if arguments.contains("--help") {
      print(Self.help)
      exit(0)
    }
    var rest = arguments[...]
    if let first = rest.first, !first.hasPrefix("--") {
      command = first
      rest = rest.dropFirst()
    }
    while let flag = rest.popFirst() {
      guard let value = rest.popFirst(), Self.flags.contains(flag) else {
        print("unknown: \(flag)\n\(Self.help)")
        exit(2)
      }
      values[flag] = value
    }
  }

  private static let flags: Set<String> = [
    "--nodes", "--rounds", "--limits", "--waiting", "--pairs", "--leases", "--turns", "--lanes",
  ]

  func number(_ flag: String, or standard: Int) -> Int {
    numbers(flag, or: [standard])[0]
  }

  func numbers(_ flag: String, or standard: [Int]) -> [Int] {
    guard let text = values[flag] else { return standard }
    let found = text.split(separator: ",").compactMap { Int($0) }.filter {
      $0 > 0 || flag == "--waiting"
    }
    guard !found.isEmpty else {
      print("\(flag) takes whole numbers, not \(text)")
      exit(2)
    }
    return found
  }

  func text(_ flag: String, or standard: String) -> String { values[flag] ?? standard }
}
