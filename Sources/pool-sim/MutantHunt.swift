#if PLANTED_BUGS
  import Glibc
  import PoolAllocator
  import PoolConsole
  import PoolSimulator

  /// What became of one mistake.
  struct MutantResult {
    var fact: PlantedBug.Fact
    /// Lives that were lived, the last of which found it; nil: none did.
    var seeds: UInt64?
    /// The invariant that did not hold; `crash` for one of the code itself.
    var killer = ""
    /// What was found.
    var what = ""
  }

  /// Lives seeds in processes of their own, one mistake in each.
  struct MutantHunt {
    let settings: MutantsCommand.Settings
    private let program: String
    /// Whether a seed finds nothing where no mistake is made. Looked up, never iterated.
    private var isSound: [UInt64: Bool] = [:]
    /// Seeds that find something without a mistake: what they find proves nothing.
    private(set) var unsound: [UInt64] = []

    /// Lives that are lived twice. Unit: seeds.
    private static let twins: UInt64 = 20

    init(settings: MutantsCommand.Settings) throws(UsageError) {
      self.settings = settings
      guard let program = Console.executablePath() else {
        throw UsageError(message: "/proc does not say where this program is")
      }
      self.program = program
      setenv("SWIFT_BACKTRACE", "enable=no", 1)
    }

    /// Hunts each mistake in turn, several at once.
    mutating func hunt(_ facts: [PlantedBug.Fact]) -> [MutantResult] {
      var results: [MutantResult] = []
      var waiting: [(fact: PlantedBug.Fact, lives: MutantLives)] = []
      for fact in facts {
        waiting.append((fact, lives(of: fact.bug, 0..<first)))
        guard waiting.count >= settings.jobs else { continue }
        let next = waiting.removeFirst()
        results.append(finish(next.fact, next.lives))
      }
      for next in waiting { results.append(finish(next.fact, next.lives)) }
      return results
    }

    private var first: UInt64 { min(Self.twins, settings.seeds) }

    /// - Parameter salt: what a hash table of the process is salted with.
    private func lives(
      of bug: PlantedBug?, _ seeds: Range<UInt64>, salt: UInt32 = 0
    ) -> MutantLives {
      MutantLives(program, bug, seeds, settings.steps, salt)
    }

    private mutating func finish(_ fact: PlantedBug.Fact, _ lives: MutantLives) -> MutantResult {
      var result = MutantResult(fact: fact)
      var seen = lives.wait()
      var (isFirst, end) = (true, first)
      while true {
        if let seed = seen.killed, findsNothing(seed) {
          result.seeds = seed + 1
          (result.killer, result.what) = (seen.killer, seen.what)
        } else if isFirst {
          compareTwins(seen, &result)
        }
        isFirst = false
        let from = seen.killed.map { $0 + 1 } ?? end
        guard result.seeds == nil, from < settings.seeds else { break }
        end = settings.seeds
        seen = self.lives(of: fact.bug, from..<end).wait()
      }
      let found = result.seeds.map { "\(result.killer) after \($0)" } ?? "survives"
      Console.note("\(fact.bug.rawValue): \(found)\n")
      return result
    }

    /// Lives the first seeds once more, with every salt the other way: equal seeds, equal lives.
    private func compareTwins(_ seen: MutantLives.Seen, _ result: inout MutantResult) {
      let again = lives(of: result.fact.bug, 0..<first, salt: .max).wait()
      for (seed, pair) in zip(seen.unseeds, again.unseeds).enumerated() where pair.0 != pair.1 {
        result.seeds = UInt64(seed) + 1
        result.killer = "T1"
        result.what = "seed \(seed) gives \(pair.0) in one process and \(pair.1) in another"
        return
      }
    }

    /// Whether a seed finds nothing where no mistake is made.
    private mutating func findsNothing(_ seed: UInt64) -> Bool {
      if let known = isSound[seed] { return known }
      let known = lives(of: nil, seed..<(seed + 1)).wait().killed == nil
      isSound[seed] = known
      if !known {
        unsound.append(seed)
        Console.note("seed \(seed) finds something without any mistake, and is left out\n")
      }
      return known
    }
  }

  /// One process that lives some seeds with a mistake.
  struct MutantLives {
    /// What it said.
    struct Seen {
      /// By seed, from the first one on.
      var unseeds: [String] = []
      /// The seed that found the mistake.
      var killed: UInt64?
      var killer = ""
      var what = ""
    }

    /// First word of the command line of such a process.
    static let word = "mutant-lives"
    /// A life that takes longer does not end. Unit: seconds.
    private static let patience: UInt32 = 60

    private let stream: UnsafeMutablePointer<FILE>?

    /// Begins to live.
    /// - Parameter bug: the mistake that is made; nil: none.
    init(
      _ program: String, _ bug: PlantedBug?, _ seeds: Range<UInt64>, _ steps: Int, _ salt: UInt32
    ) {
      let quoted = program.map { $0 == "'" ? "'\\''" : String($0) }.joined()
      stream = popen(
        "exec '\(quoted)' \(Self.word) \(bug?.rawValue ?? "-") \(seeds.lowerBound)"
          + " \(seeds.upperBound) \(steps) \(salt) 2>&1", "r")
    }

    /// Reads to the end.
    func wait() -> Seen {
      var seen = Seen()
      var last: UInt64?
      var stray = ""
      var line: UnsafeMutablePointer<CChar>?
      var size = 0
      defer { free(line) }
      guard let stream else { return seen }
      while getline(&line, &size, stream) > 0, let bytes = line {
        let text = String(cString: bytes).split(separator: "\n").first.map(String.init) ?? ""
        let words = text.split(separator: " ", maxSplits: 2).map(String.init)
        switch words.first {
        case "seed": last = UInt64(words[1])
        case "clean":
          seen.unseeds.append(words[2])
          last = nil
        case "killed":
          seen.killed = UInt64(words[1])
          let parts = words[2].split(separator: ":", maxSplits: 1).map(String.init)
          (seen.killer, seen.what) = (parts[0], parts.count > 1 ? parts[1] : "")
          last = nil
        default: if stray.isEmpty { stray = text }
        }
      }
      let status = pclose(stream)
      // It ended within a life.
      if let last {
        seen.killed = last
        seen.killer = status & 0x7F == SIGALRM ? "endless" : "crash"
        seen.what = seen.killer == "crash" ? stray : "a life did not end"
      }
      return seen
    }

    /// What such a process does.
    static func run(_ words: [String]) -> Int32 {
      guard words.count == 5, let first = UInt64(words[1]), let last = UInt64(words[2]),
        let steps = Int(words[3]), let salt = UInt32(words[4])
      else { return 2 }
      activeBug = PlantedBug(rawValue: words[0])
      processSalt = salt
      for seed in first..<last {
        Console.print("seed \(seed)\n")
        alarm(patience)
        let outcome = Simulated(seed: seed, steps: steps).run()
        if let violation = outcome.violation {
          Console.print("killed \(seed) \(violation)\n")
          return 0
        }
        Console.print("clean \(seed) \(outcome.unseed)\n")
      }
      return 0
    }
  }
#endif
