/// Emergencies of buckets that were asked for: one of the policy's approvers asks, another one
/// agrees, and with that it is open until it ends by itself. A fold over acts, without a clock.
struct Emergencies: Sendable {
  /// Most that wait for another approver. Unit: emergencies.
  static let waitingMost = 64
  /// Others that are remembered; all are in the journal. Unit: emergencies.
  static let closedMost = 256
  /// How long one waits for another approver. Unit: seconds.
  static let lapsesAfter: Int64 = 3_600

  /// How far one came.
  enum State: String, Sendable {
    case asked, open, over, lapsed
  }

  /// One of them.
  struct Emergency: Hashable, Sendable {
    let number: Int64
    let form: EmergencyForm
    /// Who asked.
    let by: String
    /// When. Unit: seconds since 1970.
    let at: Int64
    /// The record of the journal that has it.
    let record: UInt64
    /// Who agreed, and when.
    fileprivate(set) var agreed: PolicyChanges.Approval?
    /// When a later one of its bucket was opened, which takes its place. Unit: seconds since 1970.
    fileprivate(set) var replaced: Int64?

    /// When nobody can agree any more. Unit: seconds since 1970.
    var lapses: Int64 { at + Emergencies.lapsesAfter }

    /// When it ends, once it was opened. Unit: seconds since 1970.
    var ends: Int64? { agreed.map { min($0.at + form.seconds, replaced ?? .max) } }

    /// How far it came.
    /// - Parameter now: seconds since 1970.
    func state(at now: Int64) -> State {
      if let ends { return now < ends ? .open : .over }
      return now < lapses ? .asked : .lapsed
    }
  }

  /// By number.
  private(set) var all: [Emergency] = []
  private var count: Int64 = 0

  func emergency(_ number: Int64) -> Emergency? { all.last { $0.number == number } }

  /// What a record of the journal asked for.
  func emergency(ofRecord record: UInt64) -> Emergency? { all.last { $0.record == record } }

  /// Sees that an act may happen; whether the policy allows it is the pool's to say.
  /// - Throws: why it does not.
  func check(_ act: EmergencyAct, by principal: String, at now: Int64) throws(ActRefusal) {
    switch act {
    case .ask:
      guard all.count(where: { $0.state(at: now) == .asked }) < Self.waitingMost else {
        throw ActRefusal(
          "emergencies_full", "\(Self.waitingMost) emergencies wait for another approver")
      }
    case .agree(let number):
      guard let emergency = emergency(number) else { throw .unknown }
      let state = emergency.state(at: now)
      guard state == .asked else {
        throw ActRefusal("emergency_closed", "emergency \(number) is \(state.rawValue)")
      }
      guard emergency.by != principal else {
        throw ActRefusal(
          "approver_involved",
          "nobody agrees to what they asked for; ask another of the policy's approvers")
      }
    }
  }

  /// Takes an act that happened.
  /// - Parameter record: its record of the journal.
  mutating func apply(_ act: EmergencyAct, by principal: String, at now: Int64, record: UInt64) {
    switch act {
    case .ask(let form):
      count += 1
      all.append(Emergency(number: count, form: form, by: principal, at: now, record: record))
      if all.count > Self.waitingMost + Self.closedMost,
        let oldest = all.firstIndex(where: { [.over, .lapsed].contains($0.state(at: now)) })
      {
        all.remove(at: oldest)
      }
    case .agree(let number):
      guard let index = all.lastIndex(where: { $0.number == number }) else { return }
      let bucket = all[index].form.bucket
      for other in all.indices where all[other].form.bucket == bucket {
        if all[other].state(at: now) == .open { all[other].replaced = now }
      }
      all[index].agreed = PolicyChanges.Approval(by: principal, at: now)
    }
  }
}
