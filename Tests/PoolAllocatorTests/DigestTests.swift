import Testing

@testable import PoolAllocator

/// The same commands give the same bytes in another process, in debug and in release: each run of
/// this test, in either configuration, must meet the one digest that stands here.
///
/// When a change of the core is meant to change decisions, the failure prints the new values.
@Suite struct DigestTests {
  static let expected: (state: Digest, trace: Digest) = (
    Digest(high: 5_479_580_269_072_171_724, low: 4_133_133_214_407_663_927),
    Digest(high: 17_840_292_622_832_496_241, low: 12_772_063_944_565_597_217)
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
