import Testing

@testable import PoolAllocator

/// The same commands give the same bytes in another process, in debug and in release: each run of
/// this test, in either configuration, must meet the one digest that stands here.
///
/// When a change of the core is meant to change decisions, the failure prints the new values.
@Suite struct DigestTests {
  static let expected: (state: Digest, trace: Digest) = (
    Digest(high: 29_042_033_347_518_817, low: 5_499_586_598_504_459_548),
    Digest(high: 3_032_898_839_077_496_001, low: 1_092_719_604_659_306_534)
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
