import Dispatch
import PoolAllocator
import PoolLoop
import StrictJSON
import Synchronization

/// Requests that were refused for who asked (401 and 403), folded: one record of the journal for
/// each principal, reason and second, so that nobody fills the disk by being refused.
struct Denials: Sendable {
  /// A request that was refused.
  struct Denial: Sendable {
    /// Who asked; nil: nobody who is known.
    var identity: Identity?
    /// The code of the refusal.
    var code: String
    /// The HTTP status.
    var status: Int
    /// What was asked.
    var method: String
    /// The path of the route, with names in place of its parameters.
    var path: String
  }

  /// Records of one second; what is refused beside them is counted with all others. Unit: records.
  static let most = 16

  /// What is told together: all to whom one has handed on count as that one.
  private struct Fold: Hashable {
    var holder: String
    var code: String
  }

  /// What was refused first, and how often in all.
  private var counts: [Fold: (first: Denial, times: Int64)] = [:]

  /// Counts a request.
  /// - Returns: whether it is the first since they were taken.
  mutating func note(_ denial: Denial) -> Bool {
    let isFirst = counts.isEmpty
    var (told, fold) = (
      denial, Fold(holder: denial.identity?.quotaHolder ?? "", code: denial.code)
    )
    if counts[fold] == nil, counts.count >= Self.most {
      told.identity = nil
      fold = Fold(holder: Self.others, code: "")
    }
    counts[fold, default: (told, 0)].times += 1
    return isFirst
  }

  /// Takes what was counted, as records.
  mutating func take(under generation: PolicyGeneration) -> [Ask] {
    let taken = counts.sorted { ($0.key.holder, $0.key.code) < ($1.key.holder, $1.key.code) }
    counts = [:]
    return taken.map { fold, count in
      Self.ask(count.first, count.times, isOthers: fold.holder == Self.others, under: generation)
    }
  }

  // No names: claims, tokens and chains have none that is written so.
  static let others = "(others)"
  static let unknown = "(unknown)"

  private static func ask(
    _ first: Denial, _ times: Int64, isOthers: Bool, under generation: PolicyGeneration
  ) -> Ask {
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("op", "denied")
      if !isOthers {
        writer.string("code", first.code)
        writer.int64("status", Int64(first.status))
        writer.string("method", first.method)
        writer.string("path", first.path)
      }
      writer.int64("times", times)
    }
    return .act(
      "denied", by: isOthers ? others : first.identity?.name ?? unknown,
      for: first.identity?.onBehalfOf ?? [], under: generation, document: writer.bytes)
  }
}

/// Who asks, once that is known: what wraps the answer has a copy of the context from before.
final class Asker: Sendable {
  private let known = Mutex<Identity?>(nil)

  /// Who it is.
  var identity: Identity? {
    get { known.withLock { $0 } }
    set { known.withLock { $0 = newValue } }
  }
}

extension Engine {
  /// Has a request that was refused be written down within a second or so.
  func deny(_ denial: Denials.Denial) {
    guard denials.withLock({ $0.note(denial) }) else { return }
    queue.asyncAfter(deadline: .now() + .seconds(1)) { [weak self] in
      guard let self else { return }
      enter { self.recordDenials(&$0) }
    }
  }

  /// Puts what was refused to the loop; where the disk is nearly full it is forgotten.
  func recordDenials(_ state: inout State) {
    let asks = denials.withLock { $0.take(under: state.loop.pool.generation) }
    guard !asks.isEmpty, !state.isEnding, hasRoom(&state) else { return }
    for ask in asks {
      state.desk.admit(
        Desk.Pending(ask: ask, known: nil, knownThrough: 0, reply: { _ in }))
    }
  }
}
