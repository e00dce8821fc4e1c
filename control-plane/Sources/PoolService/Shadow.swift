import Dispatch
import PoolAllocator
import PoolLoop
import PoolSimulator
import PoolWire
import Synchronization

/// Limits that are only observed: a second pool in which they hold is given every command that the
/// first one made durable, on a queue of its own (docs/decisions/0050).
///
/// Nothing here is waited for. Where it falls behind, or holds too much, it is given up until the
/// next policy, and says so.
final class Shadow: Sendable {
  private struct State {
    /// Whether commands are handed on.
    var isOn = false
    /// How often it began or ended: what belongs to an earlier run changes nothing of this one.
    var run = UInt64(0)
    /// Records that were decided.
    var seen = UInt64(0)
    /// Records that are durable.
    var durable = UInt64(0)
    /// Records that were handed on and not yet followed.
    var backlog = 0
    var figures = ShadowFigures()
  }

  private struct Work {
    /// Which run it is for.
    var number: UInt64
    var run: ShadowRun
    var names: NameTable
    /// The record behind which it begins.
    var after: UInt64
  }

  /// Most records that wait to be followed. Unit: records.
  static let backlogMost = 50_000
  /// Most claims and plans that are held. Unit: entries.
  static let heldMost = 4_000_000

  /// Where commands are followed.
  let queue = DispatchQueue(label: "pool.shadow", qos: .utility)
  private let state = Mutex(State())
  private let work = Mutex<Work?>(nil)
  private let backlogMost: Int
  private let noting: @Sendable (String) -> Void

  /// Observes nothing yet.
  /// - Parameter noting: is told where it is given up.
  init(
    backlogMost: Int = Shadow.backlogMost,
    noting: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.backlogMost = backlogMost
    self.noting = noting
  }

  /// What was found so far.
  var figures: ShadowFigures { state.withLock { $0.figures } }

  // MARK: on the loop's queue

  /// Begins with a pool, where a policy has limits that are only observed; ends where it has none.
  /// - Parameters:
  ///   - document: the policy in force; nil: it has no such limit.
  ///   - number: records of this leadership that are in the pool.
  func begin(_ pool: Pool, _ document: PolicyDocument?, after number: UInt64 = 0) {
    guard let document, let policy = document.shadow else {
      let wasOn = state.withLock { state in
        defer {
          state.isOn = false
          state.run += 1
          state.figures.end()
        }
        return state.figures.standing != .off
      }
      if wasOn { queue.async { [self] in work.withLock { $0 = nil } } }
      return
    }
    let (generation, now) = (document.generation, pool.now)
    let present = state.withLock { state in
      state.isOn = true
      state.run += 1
      state.figures.begin(generation, at: now)
      return state.run
    }
    queue.async { [self] in
      do throws(WhatIfProblem) {
        let run = try ShadowRun(of: pool, under: policy)
        work.withLock {
          $0 = Work(number: present, run: run, names: document.names, after: number)
        }
      } catch {
        stop("the pool refuses the policy with these limits", present)
      }
    }
  }

  /// Sees what was decided; after a policy was put in force, begins anew.
  /// - Parameter document: the policy in force behind these records, where it has such limits.
  func see(
    _ pool: borrowing Pool, _ records: ArraySlice<PoolLoop.Record>, _ document: PolicyDocument?
  ) {
    let number = state.withLock { state in
      state.seen += UInt64(records.count)
      return state.seen
    }
    let isNew = records.contains { record in
      if case .activate = record.command { record.decision.verdict == .done } else { false }
    }
    if isNew { begin(copy pool, document, after: number) }
  }

  // MARK: on the journal's queue

  /// What becomes of a batch.
  private enum Step {
    case skip
    case stop(run: UInt64)
    case follow(from: UInt64, run: UInt64)
  }

  /// Hands a durable batch on.
  func follow(_ batch: Batch) {
    let records = batch.records
    let most = backlogMost
    let step: Step = state.withLock { state in
      let first = state.durable
      state.durable += UInt64(records.count)
      guard state.isOn else { return .skip }
      guard state.backlog + records.count <= most else {
        return .stop(run: state.run)
      }
      state.backlog += records.count
      return .follow(from: first, run: state.run)
    }
    switch step {
    case .skip: break
    case .stop(let run): stop("more than \(most) commands wait to be followed", run)
    case .follow(let first, let run): queue.async { [self] in take(records, from: first, run) }
    }
  }

  // MARK: on its own queue

  private func take(_ records: [PoolLoop.Record], from first: UInt64, _ run: UInt64) {
    var found: [ShadowFigures.Row] = []
    var (count, problem) = (0, String?.none)
    if state.withLock({ $0.isOn && $0.run == run }) {
      work.withLock { work in
        guard work?.number == run, let after = work?.after else { return }
        for (index, record) in records.enumerated() where first + UInt64(index) >= after {
          do throws(WhatIfProblem) {
            found += try Self.follow(record, &work)
            count += 1
          } catch {
            problem = "a command cannot be followed"
            return
          }
        }
        if let held = work?.run.held, held > Self.heldMost {
          problem = "more than \(Self.heldMost) claims and plans would have to be held"
        }
      }
    }
    state.withLock { state in
      state.backlog -= records.count
      state.figures.add(found, commands: count)
    }
    if let problem { stop(problem, run) }
  }

  private static func follow(
    _ record: PoolLoop.Record, _ work: inout Work?
  ) throws(WhatIfProblem) -> [ShadowFigures.Row] {
    guard let differences = try work?.run.follow(record.command, record.decision, record.log),
      !differences.isEmpty, let work
    else { return [] }
    let pool = work.run.pool
    return differences.map { ShadowFigures.Row($0, in: pool, names: work.names) }
  }

  /// Gives up until the next policy, unless another run began or it was given up already.
  private func stop(_ because: String, _ run: UInt64) {
    let isPresent = state.withLock { state in
      guard state.isOn, state.run == run else { return false }
      state.isOn = false
      state.figures.stop(because)
      return true
    }
    guard isPresent else { return }
    queue.async { [self] in work.withLock { if $0?.number == run { $0 = nil } } }
    noting("limits that are only observed are not looked at any more: \(because)")
  }
}
