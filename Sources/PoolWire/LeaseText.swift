public import PoolAllocator
package import StrictJSON

extension ID where Row == Lease {
  /// The lease on the wire: `L-ROW.GENERATION`.
  public var wire: String { "L-\(row).\(generation)" }

  /// Reads `L-ROW.GENERATION`.
  /// - Returns: nil for anything else, signs, spaces and leading zeros included.
  public init?(wire text: String) {
    guard text.hasPrefix("L-"),
      let (row, generation) = DottedPair.parse(text.dropFirst(2)),
      let row = UInt32(exactly: row), let generation = UInt32(exactly: generation)
    else { return nil }
    self.init(row: row, generation: generation)
  }
}

extension LeaseState {
  /// The word of the wire.
  public var wire: String {
    switch self {
    case .granted: "granted"
    case .active: "active"
    case .stopping: "stopping"
    case .quarantined: "quarantined"
    }
  }
}

extension Lease {
  /// When the next renewal pays something: half way through the last quantum that is paid. Nil
  /// where none will: the lease does not run, or is paid up to its hard end.
  public var nextRenewal: Instant? {
    guard state == .active, let hardEnd, ends < hardEnd else { return nil }
    guard nextReserved != nil else { return renewFrom }
    let start = quantumStart + quantumSpan
    return start + Span(ns: nextSpan.ns / 2)
  }
}

extension Fencing {
  /// The number on the wire: `EPOCH.SEQUENCE`. One number would pass what JSON readers keep exact.
  public var wire: String { "\(epoch).\(sequence)" }

  /// Reads `EPOCH.SEQUENCE`.
  /// - Returns: nil for anything else.
  public init?(wire text: String) {
    guard let (epoch, sequence) = DottedPair.parse(text[...]), epoch < 1 << 24, sequence < 1 << 40
    else { return nil }
    self.init(raw: epoch << 40 | sequence)
  }
}

/// Two decimal numbers with a dot between them.
enum DottedPair {
  static func parse(_ text: Substring) -> (UInt64, UInt64)? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let first = number(parts[0]), let second = number(parts[1]) else {
      return nil
    }
    return (first, second)
  }

  /// Digits alone, without leading zeros: one text per number.
  private static func number(_ text: Substring) -> UInt64? {
    guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      text == "0" || text.first != "0"
    else { return nil }
    return UInt64(text)
  }
}

extension JSONValue {
  /// Reads a lease's id.
  package func lease() throws(JSONAbandoned) -> LeaseID {
    guard let id = LeaseID(wire: try string(1...64)) else {
      throw refuse("this is no lease id", hint: "expected the lease of a grant, such as \"L-0.1\"")
    }
    return id
  }

  /// Reads a fencing number.
  package func fencing() throws(JSONAbandoned) -> Fencing {
    guard let fencing = Fencing(wire: try string(1...64)) else {
      throw refuse(
        "this is no fencing number", hint: "expected the fencing of a grant, such as \"1.1\"")
    }
    return fencing
  }
}
