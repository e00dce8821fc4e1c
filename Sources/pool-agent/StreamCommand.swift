import PoolAllocator
import PoolConsole
import PoolViews
import PoolWire
import StrictJSON

/// `pool-agent place --stream`: one answer for every line.
enum StreamCommand {
  /// A request may hold a policy or a node; nothing of ours is deeper.
  private static let limits = JSONLimits(documentBytesMax: InputLines.bytesMax)

  /// - Throws: `UsageError` where the input cannot be read to its end; what was answered stands.
  static func run(_ session: inout PlaceSession) throws(UsageError) {
    let start = Console.monotonicNanoseconds()
    var lines = InputLines()
    var number: Int64 = 0
    _ = session.takeHappenings()
    while let line = try next(&lines) {
      number += 1
      let elapsed = Instant(ns: max(0, Console.monotonicNanoseconds() - start))
      Console.print(answer(line, number, elapsed, &session) + "\n")
    }
  }

  private static func next(_ lines: inout InputLines) throws(UsageError) -> InputLines.Line? {
    do {
      return try lines.next()
    } catch {
      throw UsageError(message: error.message)
    }
  }

  private static func answer(
    _ line: InputLines.Line, _ number: Int64, _ elapsed: Instant,
    _ session: inout PlaceSession
  ) -> String {
    guard case .bytes(let bytes) = line else {
      let problem = "the line is longer than \(InputLines.bytesMax >> 10) KiB"
      let hint = "a policy that needs more is read from its file, with --policy"
      return refusal(number, [error(problem, hint)])
    }
    let request: StreamRequest
    var id: String?
    do throws(JSONErrors) {
      let document = try JSONDocument(bytes, limits: limits)
      id = StreamRequest.id(of: document)
      request = try StreamRequest(
        document, vocabulary: session.vocabulary, notBefore: session.pool.now)
    } catch {
      return refusal(number, error.errors, id: id)
    }
    session.advance(to: request.at ?? max(session.pool.now, elapsed))
    do throws(NameCollision) {
      if case .explain(let target) = request.operation {
        return try ExplainAnswer(request: request, number: number, target: target).text(&session)
      }
      return try StreamAnswer(request, number).text(&session)
    } catch {
      return refusal(number, [self.error(error.description, "")], id: request.id)
    }
  }

  /// The reader counts the lines of its document, which is one line of the stream.
  private static func hint(of error: JSONError) -> String {
    let second = "line 1, column "
    guard let start = error.hint.indices.first(where: { error.hint[$0...].hasPrefix(second) })
    else { return error.hint }
    let column = error.hint[start...].dropFirst(second.count)
    return error.hint[..<start] + "column " + column
  }

  private static func error(_ problem: String, _ hint: String) -> JSONError {
    JSONError(line: 1, column: 1, path: "$", problem: problem, hint: hint)
  }

  /// An answer to a line that changed nothing.
  private static func refusal(_ number: Int64, _ errors: [JSONError], id: String? = nil) -> String {
    var writer = JSONWriter()
    writer.object { writer in
      writer.int64("line", number)
      if let id { writer.string("id", id) }
      writer.string("outcome", "error")
      writer.array("errors") { writer in
        for error in errors {
          writer.object { writer in
            writer.int64("line", number)
            writer.int64("column", Int64(error.column))
            writer.string("path", error.path)
            writer.string("problem", error.problem)
            writer.string("hint", hint(of: error))
          }
        }
      }
    }
    return writer.text
  }
}

/// The answer to one request that could be read.
struct StreamAnswer {
  let request: StreamRequest
  let number: Int64

  init(_ request: StreamRequest, _ number: Int64) {
    self.request = request
    self.number = number
  }

  /// Does what is asked and says what came of it.
  func text(_ session: inout PlaceSession) throws(NameCollision) -> String {
    let before = session.pool.now
    let note = note(session)
    let decision = try decide(&session)
    let scene = session.look()
    let view = decision.map {
      AnswerView(
        $0, $0.reasons.indices.map { scene.log.reasons[$0] }, to: request.operation,
        called: request.op, asked: before, in: scene)
    }
    var writer = JSONWriter()
    writer.object { writer in
      writer.head(request, number, (decision?.verdict ?? .done).wire, in: scene)
      if let note { writer.string("note", note) }
      view?.write(&writer)
      if request.wantsAlternatives, view?.hasLease != true,
        case .claim(let form) = request.operation
      {
        writer.alternatives(session.alternatives(to: form), at: session.pool.now)
      }
      if case .status = request.operation {
        writer.object("pool") { PoolView(scene).write(&$0) }
        LiveView(scene).write(&writer)
        writer.quotes(in: scene)
        PressureView(scene).write(&writer)
      }
      let happenings = session.takeHappenings()
      writer.array("events") { writer in for one in happenings { one.write(&writer) } }
    }
    return writer.text
  }

  private func note(_ session: PlaceSession) -> String? {
    guard case .advertise(let node) = request.operation, session.restatesEnrolment(node) else {
      return nil
    }
    return "labels and approved devices stay as the node was enrolled"
  }

  /// - Returns: nil where nothing is to be decided.
  private func decide(_ session: inout PlaceSession) throws(NameCollision) -> Decision? {
    let now = session.pool.now
    switch request.operation {
    case .advertise(let node): return try session.advertise(node)
    case .complete(let lease, let fencing, _, empty: true):
      let decision = try session.decide(request.operation)
      guard decision?.verdict == .done else { return decision }
      return session.apply(.confirmEmpty(lease, fencing), at: now)
    case .tick:
      session.tick(at: now)
      return session.apply(.tick, at: now)
    default: return try session.decide(request.operation)
    }
  }
}
