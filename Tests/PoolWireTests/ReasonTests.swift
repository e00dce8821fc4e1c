import PoolAllocator
import StrictJSON
import Testing

@testable import PoolWire

@Suite("Reasons in words")
struct ReasonTests {
  private func subjects(_ pool: Pool) -> [Reason.Subject] {
    [.request, .lane(0), .lane(63), .bucket(0), .bucket(999)]
      + IdentityKind.allCases.map { .identity($0) }
  }

  private func pool() throws -> (Pool, NameTable, ClaimForm) {
    var pool = Pool()
    var log = EventLog()
    let document = try Documents.policyDocument()
    _ = pool.apply(.activate(document.generation, document.policy), at: .origin, into: &log)
    let form = try ClaimsDocument(
      JSONDocument(text: Documents.claims), vocabulary: document.vocabulary
    ).claims[0]
    return (pool, document.names, form)
  }

  @Test("every code has a fact, an advice and a place on the wire", arguments: Reason.Code.allCases)
  func complete(code: Reason.Code) throws {
    let (pool, names, form) = try pool()
    for subject in subjects(pool) {
      for clears in [nil, Instant(ns: 290_000_000_000)] {
        let reason = Reason(code, subject, have: 310, need: 600, clearsAt: clears)
        for claim in [form, nil] {
          let text = ReasonText(reason, in: pool, names: names, claim: claim)
          #expect(text.fact != code.wire, "\(code) has no sentence")
          #expect(!text.fact.isEmpty && !text.advice.isEmpty)
          #expect(!text.sentence.contains(". ") && !text.sentence.hasSuffix("."))
          var writer = JSONWriter()
          writer.reason(text)
          let back = try JSONDocument(writer.bytes)
          let written = try back.decode { value in
            try value.object { fields in
              fields.ignoreUnknownKeys()
              let word = fields.string("code")
              return try word.value
            }
          }
          #expect(written == code.wire)
        }
      }
    }
  }

  /// Every code with its number; a line is added, never changed.
  private static let frozenCodes = """
    101 tenant_unknown
    102 delegation_expired
    103 delegation_revoked
    104 identity_suspended
    105 identity_throttled
    200 class_not_allowed
    201 lane_not_allowed
    202 approval_missing
    203 isolation_too_weak
    204 policy_missing
    205 service_unknown
    206 runtime_too_long
    207 cost_unknown
    208 bucket_missing
    209 lending_refused
    212 plan_missing
    213 approver_not_allowed
    214 approver_involved
    215 plan_mismatch
    216 approval_lapsed
    217 delegation_wider
    218 delegation_too_deep
    219 budget_unknown
    220 rung_not_cheaper
    221 rung_raises_automation
    222 preference_too_risky
    223 rung_unknown
    224 cheaper_preferred
    225 queue_time_over
    226 quotes_not_given
    227 quote_too_long
    228 quote_unknown
    229 quote_mismatch
    230 quote_redeemed
    231 quote_withdrawn
    232 quote_expired
    233 quote_exceeded
    300 price_exceeds_cap
    301 profile_absent
    302 no_node_large_enough
    303 gang_too_large
    304 deadline_impossible
    305 arithmetic_overflow
    306 field_out_of_range
    307 device_too_small
    308 host_too_small
    309 host_memory_too_small
    400 bucket_short
    401 budget_spent
    402 emergency_closed
    403 in_debt
    404 behind_parked
    500 lane_full
    501 fragmented
    502 memory_short
    503 host_short
    504 host_memory_short
    505 lending_limit
    506 borrowing_limit
    507 guarantee_impaired
    508 bound_in_use
    509 victims_shielded
    510 preemption_rate_spent
    511 preempted
    600 behind_head
    601 would_delay_head
    700 node_cordoned
    701 node_silent
    702 device_unhealthy
    703 recovering
    704 class_paused
    705 pool_pressure
    706 wait_predicted
    707 dependency_down
    708 queue_deep
    709 signal_raised
    800 queue_full
    801 tenant_queue_full
    803 workflow_full
    804 table_full
    805 tenant_quotes_full
    900 unknown_subject
    901 duplicate_key
    902 fencing_stale
    903 wrong_state
    904 generation_stale
    905 advertisement_incomplete
    906 malformed
    """

  @Test("codes on the wire are frozen")
  func frozen() {
    let words = Reason.Code.allCases.map { "\($0.rawValue) \($0.wire)" }.joined(separator: "\n")
    #expect(words == Self.frozenCodes)
  }

  @Test("sentences name the subject, the figures and their units")
  func sentences() throws {
    let (pool, names, form) = try pool()
    let row = try #require(pool.lane(named: NameTable.key(.lane, "shared"))?.row)
    let bucket = try #require(pool.bucket(named: NameTable.key(.bucket, "acme > chat"))?.row)
    func text(_ reason: Reason) -> String {
      ReasonText(reason, in: pool, names: names, claim: form).fact
    }
    #expect(
      text(Reason(.laneFull, .lane(row), have: 250, need: 1000))
        == "lane \"shared\" has 0.250 of 1.000 cores free")
    #expect(
      text(
        Reason(
          .bucketShort, .bucket(bucket), have: 310_000_000, need: 600_000_000,
          clearsAt: Instant(ns: 290_000_000_000)))
        == "bucket \"acme > chat\" holds 310 of 600 GPU-seconds; clears in 290 s")
    #expect(
      text(Reason(.classNotAllowed, .identity(.tenant), have: 0b11, need: 3))
        == "tenant \"acme\" admits P0 P1, not P3")
    #expect(
      text(Reason(.classNotAllowed, .identity(.tenant), have: 2, need: 0, clearsAt: .origin))
        == "tenant \"acme\" is held to class P2 and below, and the claim is P0")
    #expect(
      text(Reason(.hostMemoryTooSmall, .lane(row), have: 1 << 28, need: 1 << 29))
        == "no node of lane \"shared\" is large enough, even empty: "
        + "the largest has 0.25 GiB of 0.5 GiB memory needed")
    #expect(
      text(Reason(.runtimeTooLong, .lane(row), have: 60_000_000_000, need: 90_000_000_000))
        == "lane \"shared\" takes leases of at most 60 s, asked for 90 s")
    #expect(
      text(Reason(.quoteExceeded, .lane(row), have: 300_000_000, need: 600_000_000))
        == "lane \"shared\" costs 600 for the longest runtime, and 300 GPU-seconds were quoted")
    #expect(
      text(Reason(.quoteExpired, have: 60_000_000_000, need: 61_000_000_000))
        == "the quote expired at 60 s of pool time, and it is 61 s")
    #expect(
      text(Reason(.quoteWithdrawn, have: 3, need: 4))
        == "the quote was given under policy generation 3, and 4 is in force")
    #expect(
      text(Reason(.tenantQuotesFull, .identity(.tenant), have: 5, need: 5))
        == "tenant \"acme\" has 5 quotes of at most 5, open or just ended")
  }
}
