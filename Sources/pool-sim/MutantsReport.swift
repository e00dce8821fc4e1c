#if PLANTED_BUGS
  import PoolAllocator
  import PoolConsole
  import StrictJSON

  /// What became of all mistakes.
  struct MutantsReport {
    let results: [MutantResult]
    /// Lives that each might survive.
    let seeds: UInt64
    /// Seeds that find something without any mistake.
    let unsound: [UInt64]

    var survivors: [MutantResult] { results.filter { $0.seeds == nil } }

    /// Lives until the middle one was found, survivors last.
    var median: UInt64? {
      let sorted = results.map { $0.seeds ?? .max }.sorted()
      guard let middle = sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2] else { return nil }
      return middle == .max ? nil : middle
    }

    /// The table, for a screen of a width; nil where nothing is to be cut.
    func text(width: Int?) -> String {
      let page = Page(width: width)
      let table = page.table(
        header: ["MISTAKE", "PART", "STANDS FOR", "FOUND BY", "SEEDS"],
        rows: results.map { result in
          [
            result.fact.bug.rawValue, result.fact.part, result.fact.cites,
            result.seeds == nil ? "nobody" : result.killer,
            result.seeds.map(String.init) ?? "> \(seeds)",
          ]
        }, optional: ["PART"])
      let found = results.count - survivors.count
      let middle = median.map { "the median after \($0) seeds" } ?? "no median"
      var lines = table + [""]
      lines += page.prose("\(found) of \(results.count) mistakes found, \(middle)", indent: "")
      for result in survivors {
        lines += page.prose(
          "\(result.fact.bug.rawValue) survived \(seeds) seeds: \(result.fact.sentence)", indent: ""
        )
      }
      for seed in unsound {
        lines += page.prose("seed \(seed) finds something without any mistake", indent: "")
      }
      return lines.joined(separator: "\n") + "\n"
    }

    /// One document.
    var json: String {
      var writer = JSONWriter(.pretty)
      writer.object { writer in
        writer.int64("schema_version", 1)
        writer.string("kind", "mutants")
        writer.int64("seeds_at_most", Int64(seeds))
        writer.int64("mutants", Int64(results.count))
        writer.int64("killed", Int64(results.count - survivors.count))
        if let median {
          writer.int64("median_seeds_to_kill", Int64(median))
        } else {
          writer.null("median_seeds_to_kill")
        }
        writer.array("seeds_left_out") { writer in
          for seed in unsound { writer.int64(Int64(seed)) }
        }
        writer.array("results") { writer in
          for result in results { write(result, &writer) }
        }
      }
      return writer.text + "\n"
    }

    private func write(_ result: MutantResult, _ writer: inout JSONWriter) {
      writer.object { writer in
        writer.string("name", result.fact.bug.rawValue)
        writer.string("part", result.fact.part)
        writer.string("cites", result.fact.cites)
        writer.string("sentence", result.fact.sentence)
        if let seeds = result.seeds {
          writer.int64("seeds_to_kill", Int64(seeds))
          writer.string("killed_by", result.killer)
          writer.string("found", result.what)
        } else {
          writer.null("seeds_to_kill")
        }
      }
    }
  }
#endif
