import Dispatch
import PoolStore
import Synchronization

/// Answers that nobody asks for again.
extension Engine {
  /// How long an answer is remembered under its name. Unit: seconds.
  static let answersKept: Int64 = 48 * 3_600

  /// Forgets what is older, once a minute at most; on the journal's queue.
  func forgetOldAnswers() {
    let now = SystemClock.utc
    let isDue = forgotAt.withLock { last in
      guard last != .max, now - last >= 60 else { return false }
      last = .max
      return true
    }
    if isDue { forgetAnswers(before: now - Self.answersKept) }
  }

  /// Forgets a part, and the rest of it behind the batches that wait by then.
  private func forgetAnswers(before moment: Int64) {
    // What stays is looked up in vain; the next minute tries again.
    guard let count = try? notes.forgetAnswers(before: moment), count > 0 else {
      return forgotAt.withLock { $0 = SystemClock.utc }
    }
    writer.asyncAfter(deadline: .now() + .milliseconds(20)) { [weak self] in
      self?.forgetAnswers(before: moment)
    }
  }
}
