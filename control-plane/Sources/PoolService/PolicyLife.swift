import Dispatch
import HTTPTypes
import Logging
import PoolAllocator
import PoolLoop
import PoolStore
import PoolViews
import PoolWire
import ServiceLifecycle
import StrictJSON
import Synchronization

/// How policies come into force: somebody proposes one, others approve it, and the server puts it
/// in force when it is time. What was decided is in the journal; here is what acts on it.
final class PolicyLife: Service {
  /// Who puts an approved policy in force, as the audit log has it.
  static let principal = "pool-server"
  /// How soon it is tried again, where the pool could not be asked. Unit: seconds.
  private static let retriesAfter: Int64 = 5
  /// How long at most nothing is looked at while a policy waits for its time: clocks are set. Unit:
  /// seconds.
  private static let looksAfter: Int64 = 60

  let engine: Engine
  let authority: Authority
  private let pulses: AsyncStream<Void>
  private let pulse: AsyncStream<Void>.Continuation
  /// When it is looked at next, if nobody decides before.
  private let wakes = Mutex<DispatchTime?>(nil)

  init(_ engine: Engine, _ authority: Authority) {
    self.engine = engine
    self.authority = authority
    (pulses, pulse) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  // MARK: what people do

  /// Proposes a policy.
  /// - Parameters:
  ///   - checks: what was found of it; nil: it was in force before.
  ///   - restores: the generation whose content it has.
  /// - Throws: `Problem` where it cannot be read or changes nothing; as `Engine.ask`.
  func propose(
    _ content: PolicyContent, _ terms: ProposalTerms, checks: PolicyChecks?,
    restores: PolicyGeneration? = nil, by principal: String, _ name: RequestName?
  ) async throws -> Said {
    let force = try await engine.look { $0.pool.generation }
    let base = try self.content(of: force)
    // What was answered is answered again, whatever came into force since.
    let isRepeat = try engine.remembers(name)
    if content.hash == base?.hash, !isRepeat {
      throw Problem(
        .conflict, "nothing_changes", "generation \(force.value), in force, has the same content")
    }
    var needsTwo = true
    do throws(JSONErrors) {
      let next = PolicyGeneration(force.value &+ 1)
      _ = try PolicyDocument(try JSONDocument(content.document(next)))
      if let base { needsTwo = try content.touchesGuarded(since: base) }
    } catch {
      throw Problem(error)
    }
    let draft = PolicyDraft(
      hash: content.hash, base: force, approvalsNeeded: needsTwo ? 2 : 1, reason: terms.reason,
      activateAt: terms.activateAt, restores: restores, checks: checks)
    return try await engine.ask(
      Ask(
        .policy(.propose(draft)), by: principal, under: force, name: name, content: content))
  }

  /// Proposes the content of a generation that was in force.
  /// - Throws: as `propose`; `Problem` where there is no such generation.
  func restore(
    _ generation: PolicyGeneration, _ terms: ProposalTerms, by principal: String,
    _ name: RequestName?
  ) async throws -> Said {
    guard let content = try self.content(of: generation) else { throw Problem.unknown }
    return try await propose(
      content, terms, checks: nil, restores: generation, by: principal, name)
  }

  /// Does something about a proposal; what is due then is in force when this returns.
  func decide(
    _ act: PolicyAct, by principal: String, _ name: RequestName?
  ) async throws(Unasked) -> Said {
    let said = try await engine.ask(
      Ask(.policy(act), by: principal, under: engine.vocabulary.1, name: name))
    await activateDue()
    return said
  }

  /// Signs what somebody puts in force alone. It may only follow the generation under which it was
  /// asked.
  func sign(_ ask: inout Ask, _ policy: PolicyDocument) throws {
    let content = try PolicyContent(inRequest: ask.document)
    let entry = GenerationEntry(
      generation: policy.generation, previous: ask.generation, hash: content.hash,
      proposer: ask.principal, at: ask.at)
    ask.entry = try SignedEntry(entry, by: authority)
    ask.act = .policy(.apply(after: ask.generation))
  }

  // MARK: what there is

  /// The content of a generation that is or was in force; nil where there is none.
  func content(of generation: PolicyGeneration) throws -> PolicyContent? {
    try engine.notes.note(of: Ask.subject(generation)).map { try PolicyContent($0) }
  }

  /// The content of a proposal.
  func content(of proposal: PolicyChanges.Proposal) throws -> PolicyContent? {
    try note(of: proposal).map { try PolicyContent($0) }
  }

  /// A proposal as its proposer made it, with all that the check warns of.
  func draft(of proposal: PolicyChanges.Proposal) throws -> PolicyDraft? {
    guard let found = try note(of: proposal),
      case .policy(.propose(let draft)) = try Act.read(found).act
    else { return nil }
    return draft
  }

  private func note(of proposal: PolicyChanges.Proposal) throws(StoreError) -> RequestNote? {
    let notes = try engine.notes.notes(after: proposal.record - 1, atMost: 1)
    guard let first = notes.first, first.sequence == proposal.record else { return nil }
    return first.note
  }

  /// Generations of the policy with their records, the last one first; those of servers that signed
  /// none are left out.
  /// - Parameter last: the first one to tell.
  func generations(
    through last: PolicyGeneration, atMost limit: Int
  ) throws(StoreError) -> [(record: UInt64, entry: SignedEntry)] {
    var found: [(record: UInt64, entry: SignedEntry)] = []
    var next = last
    while next.value > 0, found.count < limit,
      let one = try engine.notes.notes(of: Ask.subject(next), after: 0, atMost: 1).first,
      let entry = SignedEntry(one.note)
    {
      found.append((one.sequence, entry))
      next = entry.entry.previous
    }
    return found
  }

  // MARK: what is due

  /// Puts in force what is due, also what fell due while no server ran, until the server ends.
  func run() async throws {
    pulse.yield()
    await withGracefulShutdownHandler {
      for await _ in self.pulses { await self.activateDue() }
    } onGracefulShutdown: {
      self.pulse.finish()
    }
  }

  /// Puts in force what is due, and has it looked at again when something is next.
  private func activateDue() async {
    let now = SystemClock.utc
    let plan = try? await engine.look(governing: { scene, governance in
      let force = scene.pool.generation
      return (
        due: governance.changes.due(in: force, at: now),
        next: governance.changes.nextDue(in: force, at: now)
      )
    })
    guard let plan else { return }
    var wait = plan.next.map { min($0 - now, Self.looksAfter) }
    for proposal in plan.due {
      let isSettled = await activate(proposal)
      if !isSettled { wait = Self.retriesAfter }
    }
    if let wait { look(after: wait) }
  }

  /// Has it looked at after a while, unless that is so before.
  private func look(after seconds: Int64) {
    let moment = DispatchTime.now() + .seconds(Int(max(1, seconds)))
    let isNew = wakes.withLock { known in
      if let known, known <= moment { return false }
      known = moment
      return true
    }
    guard isNew else { return }
    DispatchQueue.global().asyncAfter(deadline: moment) { [weak self] in
      guard let self else { return }
      wakes.withLock { if $0 == moment { $0 = nil } }
      pulse.yield()
    }
  }

  /// Puts a proposal in force, or notes why the pool refuses it.
  /// - Returns: false where the pool could not be asked.
  private func activate(_ proposal: PolicyChanges.Proposal) async -> Bool {
    do {
      guard let content = try self.content(of: proposal), content.hash == proposal.draft.hash
      else {
        return await fail(proposal, "its document is not the one that was approved")
      }
      let said = try await engine.ask(try activation(of: proposal, content))
      guard said.verdict != .done else { return true }
      return await fail(proposal, said.sentence ?? said.summary)
    } catch let errors as JSONErrors {
      return await fail(proposal, errors.errors.first?.description ?? "it cannot be read")
    } catch Unasked.refused(_) {
      // Another one came into force first, or this one was withdrawn.
      return true
    } catch {
      Logger(label: "pool-server").warning(
        "a policy that is due cannot be put in force; it is tried again",
        metadata: ["proposal": "\(proposal.number)", "error": "\(error)"])
      return false
    }
  }

  private func activation(
    of proposal: PolicyChanges.Proposal, _ content: PolicyContent
  ) throws -> Ask {
    let base = proposal.draft.base
    let generation = PolicyGeneration(base.value &+ 1)
    let text = content.document(generation)
    var ask = Ask(
      .policy(try PolicyDocument(try JSONDocument(text))), called: "policy", by: Self.principal,
      under: base, document: Array(#"{"op":"policy","policy":"#.utf8) + text + [UInt8(ascii: "}")])
    let entry = GenerationEntry(
      generation: generation, previous: base, hash: content.hash, proposal: proposal.number,
      proposer: proposal.by, approvers: proposal.approvals.map(\.by), at: ask.at)
    ask.entry = try SignedEntry(entry, by: authority)
    ask.act = .policy(.activate(proposal: proposal.number))
    return ask
  }

  private func fail(_ proposal: PolicyChanges.Proposal, _ why: String) async -> Bool {
    // A server that begins reads texts of a few thousand bytes.
    let short = String(decoding: why.utf8.prefix(1_000), as: UTF8.self)
    let act = PolicyAct.fail(proposal: proposal.number, because: short)
    let said = try? await engine.ask(
      Ask(.policy(act), by: Self.principal, under: proposal.draft.base))
    return said != nil
  }
}

/// What a proposal says beside its content.
struct ProposalTerms: Hashable, Sendable {
  /// Farthest moment ahead. Unit: seconds.
  static let aheadMost: Int64 = 366 * 86_400

  /// Why.
  let reason: String?
  /// When it is to be in force; nil: once it is approved. Unit: seconds since 1970.
  let activateAt: Int64?

  /// Reads its members.
  init(_ fields: inout JSONFields) throws {
    let reason = fields.optionalString("reason", 1...1_000)
    let moment = fields.optional("activate_at") { value -> Int64 in
      let moment = try value.moment()
      guard moment <= SystemClock.utc + Self.aheadMost else {
        throw value.refuse("the moment is too far ahead", hint: "name one within a year")
      }
      return moment
    }
    (self.reason, activateAt) = (try reason.value, try moment.value)
  }
}
