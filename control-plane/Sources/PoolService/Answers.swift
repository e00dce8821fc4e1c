import Synchronization

/// Answers to several requests, handed on together once all are there.
final class Answers: Sendable {
  typealias Answer = Result<Said, Unasked>

  private struct State {
    var answers: [Answer]
    var open: Int
  }

  private let state: Mutex<State>
  private let done: @Sendable ([Answer]) -> Void

  /// - Parameter count: of the requests, at least one.
  init(to count: Int, done: @escaping @Sendable ([Answer]) -> Void) {
    state = Mutex(State(answers: Array(repeating: .failure(.ending), count: count), open: count))
    self.done = done
  }

  /// Takes the answer to one of them.
  func take(_ answer: Answer, to index: Int) {
    let all = state.withLock { state -> [Answer]? in
      state.answers[index] = answer
      state.open -= 1
      return state.open == 0 ? state.answers : nil
    }
    if let all { done(all) }
  }
}
