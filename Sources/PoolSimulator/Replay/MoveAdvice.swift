public import PoolAllocator
import PoolRecord

/// Which leases would have to go where, with the pool that says so; nothing is moved.
public struct MoveAdvice: Sendable {
  /// What was asked of the pool, one after the other.
  public struct Question: Sendable {
    /// What room is looked for.
    public let spec: ClaimSpec
    /// How many such claims.
    public let claims: Int
    /// The answer.
    public let plan: DefragmentationPlan
  }

  /// The pool.
  public let pool: Pool
  /// Questions with their answers; each by itself, as if no other plan were carried out.
  public let questions: [Question]

  /// What of the free GPU time is of no use to the work that is expected.
  public var fragmentation: Fragmentation { pool.fragmentation() }
}

extension MoveAdvice {
  /// Advice for every claim that is queued at the end of a journal, in the order of their turns.
  /// - Parameter journal: the bytes of a journal that begins with an empty pool.
  /// - Throws: where it cannot be read; a torn tail is no problem.
  public init(journal: [UInt8]) throws(WhatIfProblem) {
    var reader = JournalReader(journal)
    if let ending = reader.ending { throw .journal(ending) }
    guard var pool = reader.emptyPool else { throw .startsElsewhere }
    let ending = reader.fold(into: &pool)
    if case .damaged = ending { throw .journal(ending) }
    guard pool.generation.value > 0 else { throw .noPolicy }
    var waiting: [(submitted: TurnKey, id: ClaimID)] = []
    pool.forEachClaim { id, claim in
      if claim.state == .queued { waiting.append((claim.turn, id)) }
    }
    waiting.sort { $0.submitted < $1.submitted }
    questions = waiting.compactMap { _, id in
      pool.claim(id).map {
        Question(spec: $0.spec, claims: 1, plan: pool.defragmentation(for: id))
      }
    }
    self.pool = pool
  }
}

extension OpenbReplay {
  /// Advice for pods of one kind after all pods of the trace have come, each of which may be
  /// interrupted.
  /// - Parameters:
  ///   - pod: the kind.
  ///   - count: how many.
  ///   - progress: called before each pod of the trace with its number.
  public func advice(
    for pod: OpenbPod, count: Int, progress: (Int) -> Void = { _ in }
  ) -> MoveAdvice {
    var run = FreeRun(self, Freedom())
    for number in pods.indices {
      progress(number)
      run.arrive(number)
    }
    let spec = claim(pods.count, pod, lanes: lanes(of: run.pool))
    let plan = run.pool.defragmentation(for: spec, claims: count)
    return MoveAdvice(
      pool: run.pool,
      questions: [MoveAdvice.Question(spec: spec, claims: count, plan: plan)])
  }

  /// The name of a node of the pool.
  public func name(ofNode node: Key) -> String {
    let number = Int(node.low) - 1
    return nodes.nodes.indices ~= number ? nodes.nodes[number].name : "-"
  }
}
