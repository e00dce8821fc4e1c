// Properties: no document crashes a reader; errors lie inside the document; what a reader accepts
// the core never calls malformed, and activating, enrolling and submitting it never crashes.
import PoolAllocator
import PoolWire
import StrictJSON

/// libFuzzer's entry point; other return values than 0 are reserved.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPoolWire(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let document = try? JSONDocument(bytes) else { return 0 }
  var vocabulary = PolicyVocabulary()
  do throws(JSONErrors) {
    let policy = try PolicyDocument(document)
    vocabulary = policy.vocabulary
    checkPolicy(policy)
  } catch {
    check(error, count)
  }
  do throws(JSONErrors) {
    checkNode(try NodeDocument(document))
  } catch {
    check(error, count)
  }
  do throws(JSONErrors) {
    _ = try ClaimsDocument(document, vocabulary: vocabulary)
  } catch {
    check(error, count)
  }
  do throws(JSONErrors) {
    let request = try StreamRequest(document, vocabulary: vocabulary)
    if case .policy(let policy) = request.operation { checkPolicy(policy) }
    if case .advertise(let node) = request.operation { checkNode(node) }
  } catch {
    check(error, count)
  }
  return 0
}

private func check(_ errors: JSONErrors, _ count: Int) {
  for error in errors.errors {
    guard error.line >= 1, error.column >= 1, error.line + error.column <= count + 2,
      !error.problem.isEmpty
    else { fatalError("an error outside the document: \(error)") }
  }
}

private func checkPolicy(_ document: PolicyDocument) {
  var pool = Pool()
  var log = EventLog()
  let (decision, _) = pool.apply(
    .activate(document.generation, document.policy), at: .origin, into: &log)
  checkSound(decision, log)
  for index in decision.reasons.indices {
    let text = ReasonText(log.reasons[index], in: pool, names: document.names)
    guard !text.sentence.isEmpty else { fatalError("a reason without words") }
  }
}

private func checkNode(_ document: NodeDocument) {
  var pool = Pool()
  var log = EventLog()
  let (enrolled, _) = pool.apply(.enrol(document.enrolment), at: .origin, into: &log)
  guard let node = enrolled.node else { fatalError("a new node is not enrolled") }
  let (decision, _) = pool.apply(
    .advertise(node, document.numbered(1).advertisement), at: .origin, into: &log)
  checkSound(decision, log)
}

private func checkSound(_ decision: Decision, _ log: EventLog) {
  for index in decision.reasons.indices where log.reasons[index].code == .malformed {
    fatalError("the reader lets through what the core calls malformed: \(log.reasons[index])")
  }
}
