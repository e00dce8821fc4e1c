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

    /// Lives that are lived twice. Unit: seeds.
    private static let twins: UInt64 = 20

    /// Hunts each mistake in turn, several at once.
    func hunt(_ facts: [PlantedBug.Fact]) throws(UsageError) -> [MutantResult] {
      guard let program = Console.executablePath() else {
        throw UsageError(message: "/proc does not say where this program is")
      }
      setenv("SWIFT_BACKTRACE", "enable=no", 1)
      var results: [MutantResult] = []
      var waiting: [(fact: PlantedBug.Fact, lives: MutantLives)] = []
      for fact in facts {
        waiting.append((fact, MutantLives(program, fact.bug, 0..<first, settings.steps)))
        guard waiting.count >= settings.jobs else { continue }
        let next = waiting.removeFirst()
        results.append(finish(next.fact, next.lives, program))
      }
      for next in waiting { results.append(finish(next.fact, next.lives, program)) }
      return results
    }

    private var first: UInt64 { min(Self.twins, settings.seeds) }

    private func finish(
      _ fact: PlantedBug.Fact, _ lives: MutantLives, _ program: String
    ) -> MutantResult {
      var result = MutantResult(fact: fact)
      let seen = lives.wait()
      note(seen, in: &result)
      if result.seeds == nil {
        let again = MutantLives(program, fact.bug, 0..<first, settings.steps).wait()
        for (seed, pair) in zip(seen.unseeds, again.unseeds).enumerated() where pair.0 != pair.1 {
          result.seeds = UInt64(seed) + 1
          result.killer = "T1"
          result.what = "seed \(seed) gives \(pair.0) in one process and \(pair.1) in another"
          break
        }
      }
      if result.seeds == nil, first < settings.seeds {
        let rest = MutantLives(program, fact.bug, first..<settings.seeds, settings.steps)
        note(rest.wait(), in: &result)
      }
      let killed = result.seeds.map { "\(result.killer) after \($0)" } ?? "survives"
      Console.note("\(fact.bug.rawValue): \(killed)\n")
      return result
    }

    private func note(_ seen: MutantLives.Seen, in result: inout MutantResult) {
      guard let seed = seen.killed else { return }
      result.seeds = seed + 1
      result.killer = seen.killer
      result.what = seen.what
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
    private static let patience: UInt32 = 120

    private let stream: UnsafeMutablePointer<FILE>?

    init(_ program: String, _ bug: PlantedBug, _ seeds: Range<UInt64>, _ steps: Int) {
      let quoted = program.map { $0 == "'" ? "'\\''" : String($0) }.joined()
      stream = popen(
        "exec '\(quoted)' \(Self.word) \(bug.rawValue) \(seeds.lowerBound) \(seeds.upperBound)"
          + " \(steps) 2>&1", "r")
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
      guard words.count == 4, let bug = PlantedBug(rawValue: words[0]),
        let first = UInt64(words[1]),
        let last = UInt64(words[2]), let steps = Int(words[3])
      else { return 2 }
      activeBug = bug
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
