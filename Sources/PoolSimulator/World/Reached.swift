import PoolAllocator

/// Something that a set of worlds has to meet beside what `Coverage` counts, or it proves less than
/// it says.
package enum Mark: Int, CaseIterable, Sendable {
  // What went wrong; the first are `Fault` in its order.
  case serverCrash, agentCrash, reboot, partition, clockStep, deviceFault, lie, vanish, fencing
  case burst, stall
  /// What a crash left of the batch that was being written.
  case tailLost, tailTorn, tailWhole, tailZeroed
  /// A leader of a later release read the journal.
  case upgrade
  /// A new part of the journal was begun.
  case partBegun
  /// Records were decided again.
  case decidedAgain
  /// The network lost, doubled, held and reordered messages.
  case messageLost, messageDoubled, messageHeld, heartbeatLate
  /// A request was repeated and answered from memory; its name was used for another one; the
  /// table of known answers was asked too long ago.
  case repeated, nameReused, lookupStale
  /// An agent's record was lost; work lived on that no record explained.
  case recordLost, strayWork
  /// Work was ended by its agent alone.
  case endedAlone
  /// Orders that agents refused.
  case epochOver, replyLate, orderStale, startLate, deviceUnknown, deviceUnfit, deviceOccupied
  /// Rungs that claims took, by their number.
  case rung1, rung2, rung3, rung4, rung5, rung6
  /// A policy that chooses places by the value of offers.
  case offersScored

  /// Names of all, as they stand in a run's coverage.
  static let names = allCases.map { "world.\($0)" }
}

/// How often a world met what.
package struct Reached: Sendable, Equatable {
  /// By `Mark`.
  package private(set) var counts = Array(repeating: 0, count: Mark.allCases.count)

  mutating func note(_ mark: Mark) { counts[mark.rawValue] += 1 }

  /// Notes the rungs of one command's events.
  mutating func note(_ log: borrowing EventLog) {
    for index in 0..<log.downgrades.count {
      let rung = Int(log.downgrades[index].rung)
      if let mark = Mark(rawValue: Mark.rung1.rawValue + rung - 1) { note(mark) }
    }
  }

  /// Takes what a network counted.
  mutating func note(lost: Int, doubled: Int, held: Int) {
    counts[Mark.messageLost.rawValue] = lost
    counts[Mark.messageDoubled.rawValue] = doubled
    counts[Mark.messageHeld.rawValue] = held
  }
}
