import PoolAllocator

/// A step of a world.
enum Happening: Sendable {
  case packet(from: Int, to: Int)
  case agent(Int)
  case leader
  case callers
  case fault(Fault)

  /// All that is in it, as one number.
  var word: UInt64 {
    switch self {
    case .packet(let from, let to):
      1 << 60 ^ UInt64(bitPattern: Int64(from)) << 40 ^ UInt64(bitPattern: Int64(to)) << 20
    case .agent(let number): 2 << 60 ^ UInt64(number) << 40
    case .leader: 3 << 60
    case .callers: 4 << 60
    case .fault(let kind): 5 << 60 ^ UInt64(kind.rawValue) << 40
    }
  }

  fileprivate var words: String {
    func place(_ number: Int) -> String {
      number == World.leader
        ? "the leader" : number == World.callers ? "the callers" : "node \(number)"
    }
    return switch self {
    case .packet(let from, let to): "a packet from \(place(from)) reaches \(place(to))"
    case .agent(let number): "node \(number) acts"
    case .leader: "the leader acts"
    case .callers: "the callers act"
    case .fault(let kind): "fault: \(kind)"
    }
  }
}

extension UInt64 {
  /// Mixes a word into a trace: equal words in an equal order give equal traces.
  mutating func mix(_ word: UInt64) {
    self = (self ^ word) &* 0x9E37_79B9_7F4A_7C15
    self ^= self >> 29
  }
}

/// The last happenings of a world, in words.
package struct Story: Sendable {
  private static let length = 24
  private var lines: [String] = []

  /// The last happenings, oldest first.
  package var last: [String] { lines.suffix(Self.length) }

  mutating func note(_ what: Happening, step: Int, at now: Instant) {
    note("\(what.words)", step: step, at: now)
  }

  mutating func note(_ text: String, step: Int, at now: Instant) {
    let milliseconds = now.ns / 1_000_000
    let fraction = String(1_000 + milliseconds % 1_000).dropFirst()
    lines.append("step \(step), \(milliseconds / 1_000).\(fraction) s: \(text)")
    if lines.count > 4 * Self.length { lines.removeFirst(lines.count - Self.length) }
  }
}

extension Command {
  /// Its kind in a word.
  var word: String {
    switch self {
    case .begin: "begin"
    case .tick: "tick"
    case .activate: "activate"
    case .signal: "signal"
    case .restrict: "restrict"
    case .reportDependency: "reportDependency"
    case .enrol: "enrol"
    case .advertise(let node, _): "advertise node \(node.row)"
    case .hear(let node): "hear node \(node.row)"
    case .silence(let node): "silence node \(node.row)"
    case .cordon(let node): "cordon node \(node.row)"
    case .uncordon(let node): "uncordon node \(node.row)"
    case .drain(let node, _): "drain node \(node.row)"
    case .fence(let node): "fence node \(node.row)"
    case .forget(let node): "forget node \(node.row)"
    case .delegate: "delegate"
    case .revoke: "revoke"
    case .raiseEmergency: "raiseEmergency"
    case .submit: "submit"
    case .quote: "quote"
    case .cancel(let claim): "cancel claim \(claim.row)"
    case .approve(let claim, _, _): "approve claim \(claim.row)"
    case .deny(let claim, _): "deny claim \(claim.row)"
    case .confirmStarted(_, let fencing): "confirmStarted \(fencing.raw)"
    case .renew(_, let fencing): "renew \(fencing.raw)"
    case .confirmCheckpoint(_, let fencing): "confirmCheckpoint \(fencing.raw)"
    case .release(_, let fencing, _): "release \(fencing.raw)"
    case .confirmEmpty(_, let fencing): "confirmEmpty \(fencing.raw)"
    }
  }
}
