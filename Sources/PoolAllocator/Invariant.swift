/// Stops the process when an impossible state is met; stays on in release builds.
///
/// A failed `precondition` prints nothing in `-O`; `fatalError` speaks. A pool that went on from a
/// broken state would hand out devices that are not free, so stopping is the safe outcome: the
/// journal holds everything up to the command that failed.
/// - Parameters:
///   - condition: what must hold; a plain value, for a closure over `self` would copy the pool.
///   - message: the rule that was broken, as a sentence.
@inline(__always)
func invariant(
  _ condition: Bool, _ message: StaticString,
  file: StaticString = #fileID, line: UInt = #line
) {
  if !condition { broken(message, file: file, line: line) }
}

/// Ends the process for a state that no sequence of commands can reach.
@inline(never)
func broken(_ message: StaticString, file: StaticString = #fileID, line: UInt = #line) -> Never {
  fatalError("invariant broken: \(message)", file: file, line: line)
}
