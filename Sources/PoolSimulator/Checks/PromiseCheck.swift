/// A3: the effect of an answer that a caller saw is there after every crash.
struct PromiseCheck: Sendable {
  /// The last record that an answer rests on.
  private var last: UInt64 = 0

  mutating func note(_ record: UInt64) { last = max(last, record) }

  func check(_ records: UInt64) throws(Violation) {
    guard records >= last else {
      throw Violation(
        "A3", "a caller was told of record \(last), and \(records) are left after a crash")
    }
  }
}
