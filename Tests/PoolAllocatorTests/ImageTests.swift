import Testing

@testable import PoolAllocator

/// Images of a pool's state: `SwarmPropertyTests` and every table see that a pool which was read
/// from one goes on in the same way.
@Suite struct ImageTests {
  private static func lived() -> Pool {
    var driver = SwarmDriver(seed: 77)
    driver.setUp()
    for _ in 0..<300 { driver.stepOnce() }
    return driver.pool
  }

  @Test func anEmptyPoolHasAnImage() throws {
    let pool = Pool()
    let read = try #require(Pool(image: pool.image(), limits: pool.limits))
    #expect(read.digest() == pool.digest())
  }

  /// One that ends early, or goes on, is of no pool.
  @Test func anImageOfAnotherLengthIsRefused() {
    let pool = Self.lived()
    let image = pool.image()
    #expect(Pool(image: image, limits: pool.limits)?.digest() == pool.digest())
    for length in stride(from: 0, to: image.count, by: max(1, image.count / 500)) {
      #expect(Pool(image: Array(image[..<length]), limits: pool.limits) == nil, "\(length)")
    }
    #expect(Pool(image: image + [0], limits: pool.limits) == nil)
  }

  /// Its last bytes are a digest of the state.
  @Test func anImageOfAnotherStateIsRefused() {
    let pool = Self.lived()
    var image = pool.image()
    image[image.count - 1] ^= 1
    #expect(Pool(image: image, limits: pool.limits) == nil)
  }
}
