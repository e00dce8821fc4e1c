import Testing

@testable import PoolAllocator

/// The same commands give the same bytes in another process, in debug and in release: each run of
/// this test, in either configuration, must meet the one digest that stands here.
///
/// When a change of the core is meant to change decisions, the failure prints the new values.
@Suite struct DigestTests {
  static let expected: (state: Digest, trace: Digest) = (
    Digest(high: 4_051_476_721_811_449_536, low: 14_501_879_342_056_421_056),
    Digest(high: 14_856_494_746_594_648_970, low: 11_898_779_560_665_737_107)
  )

  @Test func aSeededLifeEndsInTheSameDigestEverywhere() {
    var driver = SwarmDriver(seed: 20_261_123)
    driver.setUp()
    for _ in 0..<3_000 { driver.stepOnce() }
    let state = driver.pool.digest()
    let trace = driver.trace.digest
    #expect(state == Self.expected.state)
    #expect(trace == Self.expected.trace)
    print("digest: state \(state), trace \(trace), \(driver.commands) commands")
  }
}
