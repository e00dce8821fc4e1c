import Foundation
import PoolAllocator
import PoolStore
import StrictJSON
import Testing

@testable import PoolService

/// Every step that a proposal may take, and those that it may not.
@Suite struct PolicyChangesTests {
  private static let hash = String(repeating: "0123456789ab", count: 5) + "0123"

  /// Proposals under generation 1, unless another one comes into force.
  private struct Life {
    var changes = PolicyChanges()
    var force = PolicyGeneration(1)
    private var record = UInt64(0)

    init() {}

    mutating func act(_ act: PolicyAct, by principal: String, at now: Int64 = 100) throws {
      try changes.check(act, by: principal, at: now, in: force)
      record += 1
      if case .activate = act { force = PolicyGeneration(force.value + 1) }
      changes.apply(act, by: principal, at: now, record: record)
    }

    mutating func propose(needs: Int64 = 1, at moment: Int64? = nil) throws {
      try act(
        .propose(
          PolicyDraft(
            hash: PolicyChangesTests.hash, base: force, approvalsNeeded: needs, reason: nil,
            activateAt: moment, restores: nil, checks: nil)), by: "ann")
    }

    mutating func approve(_ number: Int64 = 1, by principal: String) throws {
      try act(.approve(proposal: number, hash: PolicyChangesTests.hash), by: principal)
    }

    /// Why an act does not happen.
    mutating func refusal(_ act: PolicyAct, by principal: String) -> String? {
      do {
        try self.act(act, by: principal)
        return "nothing"
      } catch {
        return (error as? ActRefusal)?.code
      }
    }

    func state(_ number: Int64 = 1, at now: Int64 = 100) -> PolicyChanges.State? {
      changes.proposal(number)?.state(in: force, at: now)
    }
  }

  @Test func anotherOneApprovesIt() throws {
    var life = Life()
    try life.propose()
    #expect(life.state() == .proposed)
    let own = life.refusal(.approve(proposal: 1, hash: Self.hash), by: "ann")
    #expect(own == "approver_involved")
    try life.approve(by: "bob")
    #expect(life.state() == .approved)
    #expect(life.changes.due(in: life.force, at: 100).map(\.number) == [1])
    let late = life.refusal(.approve(proposal: 1, hash: Self.hash), by: "eve")
    #expect(late == "proposal_closed")
    try life.act(.activate(proposal: 1), by: "server")
    #expect(life.state() == .active)
    #expect(life.refusal(.withdraw(proposal: 1), by: "ann") == "proposal_closed")
    #expect(life.changes.due(in: life.force, at: 100).isEmpty)
    life.force = PolicyGeneration(3)
    #expect(life.state() == .superseded)
  }

  @Test func onePrincipalIsNoTwo() throws {
    var life = Life()
    try life.propose(needs: 2)
    try life.approve(by: "bob")
    try life.approve(by: "bob")
    #expect(life.state() == .proposed)
    #expect(life.refusal(.activate(proposal: 1), by: "server") == "proposal_closed")
    try life.approve(by: "eve")
    #expect(life.state() == .approved)
    #expect(life.changes.proposal(1)?.approvals.map(\.by) == ["bob", "eve"])
  }

  @Test func anApprovalIsOfOneHash() throws {
    var life = Life()
    try life.propose()
    let other = PolicyAct.approve(proposal: 1, hash: String(Self.hash.reversed()))
    #expect(life.refusal(other, by: "bob") == "hash_mismatch")
    let short = PolicyAct.approve(proposal: 1, hash: String(Self.hash.prefix(63)))
    #expect(life.refusal(short, by: "bob") == "hash_mismatch")
    try life.approve(by: "bob")
    #expect(life.state() == .approved)
    #expect(life.refusal(.approve(proposal: 2, hash: Self.hash), by: "bob") == nil)
  }

  @Test func itWaitsForItsTime() throws {
    var life = Life()
    try life.propose(at: 200)
    #expect(life.state() == .proposed)
    try life.approve(by: "bob")
    #expect(life.state() == .scheduled)
    #expect(life.changes.nextDue(in: life.force, at: 100) == 200)
    #expect(life.refusal(.activate(proposal: 1), by: "server") == "proposal_closed")
    #expect(life.state(at: 200) == .approved)
    #expect(life.changes.due(in: life.force, at: 200).map(\.number) == [1])
    try life.act(.withdraw(proposal: 1), by: "eve")
    #expect(life.state(at: 200) == .withdrawn)
    #expect(life.changes.due(in: life.force, at: 200).isEmpty)
  }

  @Test func anotherPolicyMakesItStale() throws {
    var life = Life()
    try life.propose()
    try life.propose()
    try life.approve(1, by: "bob")
    try life.approve(2, by: "bob")
    try life.act(.activate(proposal: 1), by: "server")
    #expect(life.state(2) == .stale)
    #expect(life.refusal(.activate(proposal: 2), by: "server") == "proposal_stale")
    #expect(life.refusal(.withdraw(proposal: 2), by: "ann") == "proposal_stale")
    let old = PolicyDraft(
      hash: Self.hash, base: PolicyGeneration(1), approvalsNeeded: 1, reason: nil,
      activateAt: nil, restores: nil, checks: nil)
    #expect(life.refusal(.propose(old), by: "ann") == "policy_changed")
    #expect(life.refusal(.apply(after: PolicyGeneration(1)), by: "ann") == "policy_changed")
  }

  @Test func whatThePoolRefusesIsOver() throws {
    var life = Life()
    try life.propose()
    #expect(life.refusal(.fail(proposal: 1, because: "no"), by: "server") == "proposal_closed")
    try life.approve(by: "bob")
    try life.act(.fail(proposal: 1, because: "no room"), by: "server")
    #expect(life.state() == .refused)
    #expect(life.changes.proposal(1)?.ending == .refused("no room"))
    #expect(life.refusal(.activate(proposal: 1), by: "server") == "proposal_closed")
  }

  @Test func openProposalsAreFew() throws {
    var life = Life()
    for _ in 0..<PolicyChanges.openMost { try life.propose() }
    #expect(throws: ActRefusal.self) { try life.propose() }
    try life.act(.withdraw(proposal: 1), by: "ann")
    try life.propose()
    let last = Int64(PolicyChanges.openMost) + 1
    #expect(life.state(last) == .proposed)
    // Those that are over are forgotten, the first ones first.
    for number in 0..<Int64(PolicyChanges.closedMost) {
      try life.act(.withdraw(proposal: last + number), by: "ann")
      try life.propose()
    }
    #expect(life.changes.proposals.count == PolicyChanges.openMost + PolicyChanges.closedMost)
    #expect(life.state(1) == nil)
    #expect(life.state(2) == .proposed)
  }

  @Test func textsOfWarningsStayInTheJournal() throws {
    var life = Life()
    let draft = PolicyDraft(
      hash: Self.hash, base: life.force, approvalsNeeded: 1, reason: nil, activateAt: nil,
      restores: nil, checks: PolicyChecks(tests: 1, report: Self.hash, warnings: ["a", "b"]))
    try life.act(.propose(draft), by: "ann")
    let kept = try #require(life.changes.proposal(ofRecord: 1)?.draft.checks)
    #expect(kept.warningCount == 2 && kept.warnings == nil)
    #expect(life.changes.proposal(ofRecord: 2) == nil)
  }

  @Test func aLaterEmergencyOfABucketEndsTheEarlierOne() throws {
    var all = Emergencies()
    for (record, bucket) in [(UInt64(1), "b"), (2, "b"), (3, "c")] {
      let form = EmergencyForm(bucket: bucket, tenant: "t", reason: "it burns, now", seconds: 600)
      all.apply(.ask(form), by: "ann", at: 100, record: record)
    }
    all.apply(.agree(emergency: 1), by: "bob", at: 100, record: 4)
    all.apply(.agree(emergency: 3), by: "bob", at: 110, record: 5)
    all.apply(.agree(emergency: 2), by: "bob", at: 200, record: 6)
    #expect(all.emergency(1)?.state(at: 199) == .open)
    #expect(all.emergency(1)?.ends == 200 && all.emergency(1)?.state(at: 200) == .over)
    #expect(all.emergency(2)?.ends == 800 && all.emergency(3)?.ends == 710)
    #expect(all.emergency(ofRecord: 3)?.number == 3)
    // One that is open is remembered, however many others come.
    for record in 0..<UInt64(2 * Emergencies.closedMost) {
      let form = EmergencyForm(bucket: "d", tenant: "t", reason: "it burns, now", seconds: 1)
      let now = 201 + Int64(record)
      all.apply(.ask(form), by: "ann", at: now, record: 7 + record)
      let number = try #require(all.emergency(ofRecord: 7 + record)).number
      all.apply(.agree(emergency: number), by: "bob", at: now, record: 0)
    }
    #expect(all.all.count == Emergencies.waitingMost + Emergencies.closedMost)
    #expect(all.emergency(1) == nil && all.emergency(2)?.state(at: 799) == .open)
  }

  // MARK: what a change touches

  private static func content(_ text: String) throws -> PolicyContent {
    try JSONDocument(text: text).decode { try PolicyContent($0) }
  }

  @Test func theHashIsThatOfTheContent() throws {
    let one = try Self.content(#"{"generation": 1, "b": [1.50, {"d": "ä","c": null}], "a": true}"#)
    let two = try Self.content(#"{"a":true,"b":[1.50,{"c":null,"d":"\u00e4"}],"generation":7}"#)
    #expect(one.text == two.text && one.hash == two.hash && one.hash.utf8.count == 64)
    let form = #"{"a":true,"b":[1.50,{"c":null,"d":"ä"}]}"#
    #expect(String(decoding: one.text, as: UTF8.self) == form)
    let text = String(decoding: one.document(PolicyGeneration(3)), as: UTF8.self)
    #expect(text == #"{"generation":3,"a":true,"b":[1.50,{"c":null,"d":"ä"}]}"#)
    #expect(try Self.content(text) == one)
    #expect(throws: JSONErrors.self) { try Self.content("[]") }
  }

  @Test(
    "what urgent work and guarantees rest on needs two",
    arguments: [
      (#""note": "n""#, #""note": "m""#, false),
      (#""class": "P2", "owner""#, #""class": "P3", "owner""#, false),
      (#""class": "P2", "owner""#, #""class": "P0", "owner""#, true),
      (#""refill": 5"#, #""refill": 6"#, false),
      (#""classes": ["P2"], "bucket""#, #""classes": ["P0", "P2"], "bucket""#, true),
      (#""classes": ["P2"], "bucket""#, #""bucket""#, true),
      (#""classes": ["P2"], "bucket""#, #""classes": "P2", "bucket""#, true),
      (#""classes": ["P2"], "bucket""#, #""classes": {"enforced": ["P2"]}, "bucket""#, true),
      (
        #""classes": ["P2"], "bucket""#,
        #""classes": {"shadow": ["P3"], "enforced": ["P2"]}, "bucket""#, false
      ),
      (
        #""classes": ["P2"], "bucket""#,
        #""classes": {"shadow": ["P0"], "enforced": ["P2"]}, "bucket""#, true
      ),
      // A guarantee is of no use to a tenant that may spend nothing.
      (#""refill": 8"#, #""refill": 0"#, true),
      (#""class": "P3", "tenant": "t""#, #""class": "P2", "tenant": "t""#, true),
      (#""reserved_for": "t""#, #""reserved_for": "u""#, true),
      (#""admits": ["P2"], "max": 1"#, #""admits": ["P2"], "max": 2"#, false),
      (#""admits": ["P2"], "max": 1"#, #""admits": ["P0"], "max": 1"#, true),
      (
        #""admits": ["P2"], "max": 1"#,
        #""admits": {"shadow": ["P2"], "enforced": ["P3"]}, "max": 1"#, false
      ),
      (
        #""admits": ["P2"], "max": 1"#,
        #""admits": {"shadow": ["P2"], "enforced": ["P0"]}, "max": 1"#, true
      ),
      (#""devices": 2"#, #""devices": 1"#, true),
      (#""step": 60"#, #""step": 61"#, true),
    ] as [(String, String, Bool)])
  func touches(part: String, other: String, isGuarded: Bool) throws {
    let text = """
      {"note": "n", "order": {"step": 60},
       "pools": [{"name": "p", "lanes": [{"name": "s", "admits": ["P2"], "max": 1},
         {"name": "r", "reserved_for": "t", "admits": ["P2"], "devices": 2}]}],
       "tenants": [{"name": "u", "classes": ["P2"], "bucket": {"refill": 5}},
         {"name": "t", "classes": ["P2"], "pays": {"refill": 8}}],
       "services": [{"name": "w", "class": "P2", "owner": "o"},
         {"name": "g", "class": "P3", "tenant": "t"}]}
      """
    try #require(text.contains(part))
    let changed = text.replacingOccurrences(of: part, with: other)
    let (old, new) = (try Self.content(text), try Self.content(changed))
    #expect(try new.touchesGuarded(since: old) == isGuarded)
    #expect(try old.touchesGuarded(since: new) == isGuarded)
  }

  @Test func actsAreReadAsTheyWereWritten() throws {
    let draft = PolicyDraft(
      hash: Self.hash, base: PolicyGeneration(4), approvalsNeeded: 2, reason: "why",
      activateAt: 1_796_137_200, restores: PolicyGeneration(2),
      checks: PolicyChecks(tests: 3, report: Self.hash, warnings: ["w"]))
    let form = EmergencyForm(bucket: "b", tenant: "t", reason: "it burns, now", seconds: 60)
    let acts: [Act] = [
      .policy(.propose(draft)), .policy(.approve(proposal: 7, hash: Self.hash)),
      .policy(.withdraw(proposal: 7)), .policy(.fail(proposal: 7, because: "no")),
      .emergency(.ask(form)), .emergency(.agree(emergency: 3)),
    ]
    for act in acts {
      let ask = Ask(act, by: "ann", under: PolicyGeneration(4))
      let text = Array("{\"principal\":\"ann\",\"request\":".utf8) + ask.document + Array("}".utf8)
      let read = try Act.read(RequestNote(subject: Ask.acts, text: text))
      #expect(read.act == act && read.by == "ann" && read.at == ask.at)
    }
    #expect(UTC.text(1_796_137_200) == "2026-12-01T15:00:00Z")
    #expect(UTC.seconds("2026-12-01T15:00:00Z") == 1_796_137_200)
    for wrong in ["2026-12-01", "2026-12-01T15:00:00+01:00", "2026-13-01T15:00:00Z", "now"] {
      #expect(UTC.seconds(wrong) == nil)
    }
  }
}
