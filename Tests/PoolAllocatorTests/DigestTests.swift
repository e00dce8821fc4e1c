import Testing

@testable import PoolAllocator

/// The same commands give the same bytes in another process, in debug and in release: each run of
/// this test, in either configuration, must meet the one digest that stands here.
///
/// When a change of the core is meant to change decisions, the failure prints the new values.
@Suite struct DigestTests {
  static let expected: (state: Digest, trace: Digest) = (
    Digest(high: 1_971_674_898_210_955_034, low: 5_981_729_581_173_126_010),
    Digest(high: 15_298_913_127_398_370_853, low: 11_973_328_191_363_741_179)
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
