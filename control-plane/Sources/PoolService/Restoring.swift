import PoolAllocator
import PoolStore
import PoolViews
import PoolWire
import StrictJSON

/// Makes the book of a pool that was read back: the names behind its keys are in the notes of its
/// journal.
struct Restoring {
  private let store: any JournalStore
  /// The names of the policies under which notes were read.
  private var vocabularies: [Int64: PolicyVocabulary] = [:]
  /// Those policies: what lives may have names of theirs that the policy in force lost.
  private var policies: [PolicyDocument] = []

  init(_ store: any JournalStore) { self.store = store }

  /// The book: the policy in force, the nodes, and whatever lives.
  /// - Complexity: O(what lives · log records).
  mutating func book(of pool: Pool) throws(StoreError) -> Book {
    var book = Book()
    if pool.generation.value > 0 {
      try restore(Ask.subject(pool.generation), "the policy in force", &book, pool)
    }
    var subjects: [(key: Key, what: String)] = []
    pool.forEachNode { _, node in subjects.append((node.enrolment.key, "a node")) }
    pool.forEachBucket { _, bucket in
      if bucket.delegation != nil { subjects.append((bucket.rule.key, "a budget")) }
    }
    pool.forEachQuote { _, quote in subjects.append((quote.key, "a quote")) }
    pool.forEachClaim { _, claim in subjects.append((claim.spec.key, "a claim")) }
    for (key, what) in subjects { try restore(key, what, &book, pool) }
    book.restoreHolders(in: pool)
    var scopes: [Correction.Scope] = []
    pool.forEachCorrection { if $0.milli != nil { scopes.append($0.scope) } }
    for scope in scopes {
      // Those of earlier servers have no note of their own, and are shown by their keys.
      let subject = Ask.subject(scope)
      guard try store.note(of: subject) != nil else { continue }
      try restore(subject, "a correction", &book, pool)
    }
    for policy in policies where policy.generation != pool.generation {
      do throws(NameCollision) {
        try book.enter(.policy(policy))
      } catch {
        throw unreadable("a policy", error.description)
      }
    }
    return book
  }

  private mutating func restore(
    _ subject: Key, _ what: String, _ book: inout Book, _ pool: Pool
  ) throws(StoreError) {
    guard let note = try store.note(of: subject) else {
      throw StoreError(
        .damaged(record: nil), "the journal has no document of \(what)",
        remedy: "bring the folder back from a copy")
    }
    let why: String
    do throws(JSONErrors) {
      let request = try request(in: note)
      do throws(NameCollision) {
        return try book.restore(request, in: pool)
      } catch {
        why = error.description
      }
    } catch {
      why = error.formatted(file: "note")
    }
    throw unreadable(what, why)
  }

  private func unreadable(_ what: String, _ why: String) -> StoreError {
    StoreError(
      .damaged(record: nil), "the document of \(what) cannot be read: \(why)",
      remedy: "start the server that wrote it, or bring the folder back from a copy")
  }

  /// A note has the request, and under which policy it was read.
  private mutating func request(
    in note: RequestNote
  ) throws(JSONErrors) -> StreamRequest.Operation {
    let document = try JSONDocument(note.text)
    let generation = try document.decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        return try fields.int64("policy_generation", in: 0...Int64.max).value
      }
    }
    let vocabulary = try vocabulary(of: generation)
    return try document.decode { root in
      try root.object { fields in
        fields.ignoreUnknownKeys()
        let request = fields.read("request") { value in
          try StreamRequest(value, vocabulary: vocabulary)
        }
        return try request.value.operation
      }
    }
  }

  private mutating func vocabulary(
    of generation: Int64
  ) throws(JSONErrors) -> PolicyVocabulary {
    if let known = vocabularies[generation] { return known }
    var found = PolicyVocabulary()
    let subject = Ask.subject(PolicyGeneration(UInt32(clamping: generation)))
    if generation > 0, let note = try? store.note(of: subject) {
      let document = try JSONDocument(note.text)
      let policy = try document.decode { root in
        try root.object { fields in
          fields.ignoreUnknownKeys()
          let policy = fields.read("request") { value in
            try value.object { fields in
              fields.ignoreUnknownKeys()
              return try fields.read("policy") { try PolicyDocument($0) }.value
            }
          }
          return try policy.value
        }
      }
      policies.append(policy)
      found = policy.vocabulary
    }
    vocabularies[generation] = found
    return found
  }
}
