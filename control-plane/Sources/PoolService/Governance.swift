import PoolAllocator
import PoolStore
import StrictJSON

/// What people decided beside the pool: the policies to come, and emergencies.
struct Governance: Sendable {
  private(set) var changes = PolicyChanges()
  private(set) var emergencies = Emergencies()

  /// Sees that an act may happen.
  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - force: the generation in force.
  /// - Throws: why it does not.
  func check(
    _ act: Act, by principal: String, at now: Int64, in force: PolicyGeneration
  ) throws(ActRefusal) {
    switch act {
    case .policy(let act): try changes.check(act, by: principal, at: now, in: force)
    case .emergency(let act): try emergencies.check(act, by: principal, at: now)
    }
  }

  /// Takes an act that happened.
  /// - Parameter record: its record of the journal.
  mutating func apply(_ act: Act, by principal: String, at now: Int64, record: UInt64) {
    switch act {
    case .policy(let act): changes.apply(act, by: principal, at: now, record: record)
    case .emergency(let act): emergencies.apply(act, by: principal, at: now, record: record)
    }
  }

  // MARK: what a journal has

  /// Notes that are read at once. Unit: notes.
  private static let part = 64

  /// Reads all acts of a journal in their order.
  /// - Parameter force: the generation in force.
  /// - Throws: `StoreError` where one cannot be read.
  /// - Complexity: O(acts).
  init(_ store: any JournalStore, in force: PolicyGeneration) throws(StoreError) {
    var last = UInt64(0)
    while case let notes = try store.notes(of: Ask.acts, after: last, atMost: Self.part),
      !notes.isEmpty
    {
      for (record, note) in notes {
        let read: (act: Act, by: String, at: Int64)
        do throws(JSONErrors) {
          read = try Act.read(note)
        } catch {
          throw StoreError(
            .damaged(record: record), error.formatted(file: "the note of record \(record)"),
            remedy: "start the server that wrote it, or bring the folder back from a copy")
        }
        apply(read.act, by: read.by, at: read.at, record: record)
        last = record
      }
    }
    try findActivated(in: force, store)
  }

  /// What came into force has a record of its own: that of the generation behind its base.
  private mutating func findActivated(
    in force: PolicyGeneration, _ store: any JournalStore
  ) throws(StoreError) {
    for proposal in changes.proposals
    where proposal.ending == nil && proposal.isApproved && proposal.draft.base < force {
      let generation = PolicyGeneration(proposal.draft.base.value &+ 1)
      guard let note = try store.note(of: Ask.subject(generation)),
        SignedEntry(note)?.entry.proposal == proposal.number
      else { continue }
      let act = PolicyAct.activate(proposal: proposal.number)
      changes.apply(act, by: proposal.by, at: 0, record: 0)
    }
  }
}
