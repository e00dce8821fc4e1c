import Testing

@testable import PoolAllocator

/// The same commands give the same bytes in another process, in debug and in release: each run of
/// this test, in either configuration, must meet the one digest that stands here.
///
/// When a change of the core is meant to change decisions, the failure prints the new values.
@Suite struct DigestTests {
  static let expected: (state: Digest, trace: Digest) = (
    Digest(high: 8_296_339_072_057_347_325, low: 11_422_070_172_174_267_654),
    Digest(high: 7_692_130_113_500_862_099, low: 15_330_022_777_797_472_860)
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
