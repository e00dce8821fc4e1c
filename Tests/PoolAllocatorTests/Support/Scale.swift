/// How many cases a property test runs: many in release, few in debug; and how it says so.
enum Scale {
  /// The figure of this build.
  static func cases(release: Int, debug: Int) -> Int {
    #if DEBUG
      debug
    #else
      release
    #endif
  }

  /// Prints the count that a test reached and the time that it took.
  static func report(_ name: String, _ count: Int, since start: ContinuousClock.Instant) {
    print("property: \(name): \(count) cases in \(start.duration(to: .now))")
  }
}

/// A property that does not hold, with the case that shows it.
struct Counterexample: Error, CustomStringConvertible {
  let description: String
}

/// Stops a test at the first case that breaks a property; cheap enough for millions of cases.
@inline(__always)
func must(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String,
  line: Int = #line
) throws {
  if !condition() { throw Counterexample(description: "line \(line): \(message())") }
}
