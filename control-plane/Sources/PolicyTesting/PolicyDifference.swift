internal import PoolAllocator
internal import PoolSimulator
internal import PoolWire
internal import StrictJSON

/// What changes from one policy to another: in words, and over a recorded journal.
public struct PolicyDifference: Sendable {
  /// What the newer policy says otherwise.
  public let changes: [PolicyChange]
  /// Whether the allocator reads the same out of both: what changes is of words alone.
  public let isSameToAllocator: Bool
  /// What of a journal would be another; nil where none was given.
  public let journal: JournalDifference?

  /// Compares two policies.
  /// - Parameters:
  ///   - old: the file of the older one.
  ///   - new: the file of the newer one.
  ///   - journal: a file in the record form: what `pool-server journal export` or
  ///     `pool-agent place --journal` writes.
  ///   - hours: how long before the end of the journal the newer policy comes into force, in the
  ///     pool as it was recorded until then; nil: from the beginning. Unit: hours.
  ///   - progress: called now and then with what of the journal is done. Unit: thousandths.
  /// - Throws: where a file cannot be read, or the recorded pool refuses the newer policy.
  /// - Complexity: as `WhatIf.init`, where there is a journal.
  public init(
    old: String, new: String, journal: String? = nil, hours: Int64? = nil,
    progress: (Int) -> Void = { _ in }
  ) throws(SourceErrors) {
    let older = try PolicySource(file: old)
    let newer = try PolicySource(file: new)
    changes = PolicyComparison.changes(from: older.tree, to: newer.tree)
    let (before, after) = (older.document.policy.recorded, newer.document.policy.recorded)
    isSameToAllocator = before == after
    guard let journal else {
      self.journal = nil
      return
    }
    let bytes = try RecordedJournal.read(journal)
    var names = newer.document.names
    // Two names of one key are an error where they are used; here the newer one is shown.
    do throws(NameCollision) { try names.merge(older.document.names) } catch {}
    do throws(WhatIfProblem) {
      let answer = try WhatIf(
        journal: bytes, policy: newer.document.policy, last: hours.map { Span.seconds($0 * 3600) },
        progress: progress)
      self.journal = JournalDifference(
        answer, isUnderOld: answer.policyBefore.recorded == before, names: names)
    } catch {
      throw RecordedJournal.errors(error, journal, policy: newer, names)
    }
  }

  /// Whether nothing changes: neither a word nor a decision.
  public var isEmpty: Bool { changes.isEmpty && journal?.changed ?? 0 == 0 }

  // MARK: forms

  /// The difference as a person reads it.
  public var text: String {
    var lines = changes.map(\.line)
    if changes.isEmpty {
      lines.append("nothing changes")
    } else {
      lines.append("\(changes.count) change\(changes.count == 1 ? "" : "s")")
      if isSameToAllocator { lines.append("the allocator reads the same out of both") }
    }
    if let journal { lines += [""] + journal.lines }
    return lines.joined(separator: "\n")
  }

  /// The same as a document of kind `policy_diff`.
  public var json: String {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "policy_diff")
      writer.bool("same_to_allocator", isSameToAllocator)
      writer.array("changes") { writer in
        for change in changes { change.write(&writer) }
      }
      journal?.write(&writer)
    }
    return writer.text
  }
}

extension CompiledPolicy {
  /// The policy as a record has it: equal policies give equal bytes.
  var recorded: [UInt8] {
    var pool = Pool()
    var journal = JournalBytes(identity: Key(high: 0, low: 0), from: pool)
    journal.apply(.activate(PolicyGeneration(1), self), at: .origin, to: &pool)
    return journal.bytes
  }
}
