/// Collects the failures of one decoding, up to a cap. Shared by all values of that decoding.
final class JSONLog {
  private let failuresMax: Int
  private(set) var failures: [JSONFailure] = []
  /// More failures than the cap came, or may have come, since loops stop at a full log.
  private(set) var isTruncated = false

  init(failuresMax: Int) {
    self.failuresMax = failuresMax
  }

  /// Loops over elements and members stop here: one more error would not be shown.
  var isFull: Bool { failures.count >= failuresMax }

  func append(_ failure: JSONFailure) {
    if isFull {
      isTruncated = true
    } else {
      failures.append(failure)
    }
  }

  /// Called by a loop that stops before its end because the log is full.
  func stopEarly() {
    isTruncated = true
  }
}
