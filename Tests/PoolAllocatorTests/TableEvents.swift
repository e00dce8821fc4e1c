@testable import PoolAllocator

/// Events as tables write them: `name(subject what …)`.
extension TableNames {
  func items(_ log: EventLog) -> [TableItem] {
    var items: [TableItem] = []
    for event in log.events {
      var item = Self.nodeItem(event, self, log) ?? Self.leaseItem(event, self, log)
      if item == nil { item = Self.limitItem(event, self, log) }
      if item == nil { item = Self.poolItem(event, self, log) }
      if item == nil { item = Self.pressureItem(event, self, log) }
      guard let item else { continue }
      if let last = items.last, let merged = Self.merge(last, item) {
        items[items.count - 1] = merged
      } else {
        items.append(item)
      }
    }
    return items
  }

  /// `deviceMoved(a.0 usable)` and `deviceMoved(a.1 usable)` are `deviceMoved(a.0-1 usable)`.
  private static func merge(_ last: TableItem, _ next: TableItem) -> TableItem? {
    guard last.name == next.name, last.name.hasPrefix("device"),
      let old = last.details?.split(separator: " ", omittingEmptySubsequences: false),
      let new = next.details?.split(separator: " ", omittingEmptySubsequences: false),
      old.dropFirst() == new.dropFirst()
    else { return nil }
    let range = old[0].split(separator: ".")
    let device = new[0].split(separator: ".")
    guard range.count == 2, device.count == 2, range[0] == device[0],
      let number = Int(device[1]),
      let end = range[1].split(separator: "-").last.flatMap({ Int($0) }), end + 1 == number
    else { return nil }
    let start = range[1].split(separator: "-")[0]
    let name = "\(range[0]).\(start)-\(number)"
    return TableItem(
      name: last.name, details: ([name] + old.dropFirst().map(String.init)).joined(separator: " "))
  }

  private static func item(_ name: String, _ details: String...) -> TableItem {
    let text = details.filter { !$0.isEmpty }.joined(separator: " ")
    return TableItem(name: name, details: text.isEmpty ? nil : text)
  }

  private static func nodeItem(
    _ event: Event, _ names: TableNames, _ log: EventLog
  ) -> TableItem? {
    switch event {
    case .nodeEnrolled(let id, _): item("nodeEnrolled", names[id])
    case .nodeAdvertised(let id, _): item("nodeAdvertised", names[id])
    case .deviceAdvertised(let id, let fact):
      item(
        "deviceAdvertised", names[id], log.deviceFacts[Int(fact)].isApproved ? "" : "unapproved")
    case .deviceShrank(let id, let from, let to):
      item("deviceShrank", names[id], "\(from.value >> 20)→\(to.value >> 20)MiB")
    case .deviceMoved(let id, let health): item("deviceMoved", names[id], "\(health)")
    case .nodeReached(let id, let reach): item("nodeReached", names[id], "\(reach)")
    case .nodeHeard(let id): item("nodeHeard", names[id])
    case .nodeDuty(let id, let duty, let by):
      item(
        "nodeDuty", names[id], "\(duty)",
        duty == .draining && by.ns != .max ? "by=\(TableValue.text(by))" : "")
    case .nodeDrifted(let id, let profile, let reported, let approved):
      item("nodeDrifted", names[id], TableValue.name(profile), "\(approved)→\(reported)")
    case .nodeForgotten(let id): item("nodeForgotten", names[id])
    default: nil
    }
  }

  private static func leaseItem(
    _ event: Event, _ names: TableNames, _ log: EventLog
  ) -> TableItem? {
    switch event {
    case .leaseGranted(let id, let grants):
      item(
        "leaseGranted", names[log.grants[Int(grants.first)].lease],
        grants.count > 1 ? "\(names[id])×\(grants.count)" : "")
    case .leaseStarted(let id, _): item("leaseStarted", names[id])
    case .leaseCheckpointed(let id, _): item("leaseCheckpointed", names[id])
    case .leaseRenewed(let id, let span, let reserved, _):
      item(
        "leaseRenewed", names[id], TableValue.text(ns: span.ns),
        "reserved=\(TableValue.text(reserved))")
    case .leaseUnpaid(let id, let short):
      item("leaseUnpaid", names[id], "short=\(TableValue.text(short))")
    case .debtEntered(let id, let bucket, let credits):
      item("debtEntered", names[id], names[bucket], TableValue.text(credits))
    case .settled(let id, let quantum, let charge, _, let postings):
      item(
        "settled", names[id], "q\(quantum)", "charge=\(TableValue.text(charge))",
        "back=\(back(postings, log))")
    case .leaseStopping(let id, let cause, let at, _):
      item(
        "leaseStopping", names[id], "\(cause)", at < log.at ? "at=\(TableValue.text(at))" : "")
    case .leaseOverstayed(let id): item("leaseOverstayed", names[id])
    case .leaseResumed(let id): item("leaseResumed", names[id])
    case .leaseEnded(let id): item("leaseEnded", names[id])
    default: nil
    }
  }

  private static func back(_ postings: Span32, _ log: EventLog) -> String {
    guard let first = postings.indices.first else { return "0" }
    return TableValue.text(log.postings[first].refunded)
  }

  private static func pressureItem(
    _ event: Event, _ names: TableNames, _ log: EventLog
  ) -> TableItem? {
    switch event {
    case .claimDowngraded(let id, let rung, let code, let fact):
      item(
        "claimDowngraded", names[id], "\(rung)", "\(code)",
        log.downgrades[Int(fact)].recovers.map { "recovers=\(TableValue.text($0))" } ?? "")
    case .pressureMoved(_, let gauge, let level, let code):
      item("pressureMoved", "\(gauge)", "\(level)", "\(code)")
    case .dependencyReported(let key, let state):
      item("dependencyReported", TableValue.name(key), "\(state)")
    default: nil
    }
  }

  private static func limitItem(
    _ event: Event, _ names: TableNames, _ log: EventLog
  ) -> TableItem? {
    switch event {
    case .budgetOpened(_, let fact):
      item("budgetOpened", TableValue.name(log.delegations[Int(fact)].key))
    case .budgetChanged(let id, let limit, let expires):
      item(
        "budgetChanged", names[id], "limit=\(TableValue.text(limit))",
        "until=\(TableValue.text(expires))")
    case .budgetClosed(let id, let because): item("budgetClosed", names[id], "\(because)")
    case .budgetForgotten(let id): item("budgetForgotten", names[id])
    case .emergencyRaised(let id, let fact):
      item(
        "emergencyRaised", names[id], TableValue.name(log.emergencies[Int(fact)].by),
        TableValue.name(log.emergencies[Int(fact)].and),
        "until=\(TableValue.text(log.emergencies[Int(fact)].until))")
    case .emergencyEnded(let id): item("emergencyEnded", names[id])
    case .quoteIssued(let id, let fact):
      item("quoteIssued", names[id], "until=\(TableValue.text(log.quotes[Int(fact)].expires))")
    case .quoteEnded(let id, let end): item("quoteEnded", names[id], "\(end)")
    case .quoteForgotten(let id): item("quoteForgotten", names[id])
    case .approvalRequested(let id, let lapses, let isDemanded):
      item(
        "approvalRequested", names[id], "until=\(TableValue.text(lapses))",
        isDemanded ? "demanded" : "")
    case .approvalGranted(let id, let by):
      item("approvalGranted", names[id], TableValue.name(by))
    case .approvalDenied(let id, let by): item("approvalDenied", names[id], TableValue.name(by))
    case .approvalLapsed(let id): item("approvalLapsed", names[id])
    default: nil
    }
  }

  private static func poolItem(
    _ event: Event, _ names: TableNames, _ log: EventLog
  ) -> TableItem? {
    switch event {
    case .epochBegun(let epoch): item("epochBegun", "\(epoch)")
    case .clockJumped(let skipped): item("clockJumped", TableValue.text(ns: skipped.ns))
    case .policyActivated(let generation, _): item("policyActivated", "\(generation.value)")
    case .laneBound(let lane, let uses):
      item(
        "laneBound", names[lane], "\(uses.indices.reduce(0) { $0 + log.uses[$1].milli.value })")
    case .laneUnbound(let lane, let uses):
      item(
        "laneUnbound", names[lane], "\(uses.indices.reduce(0) { $0 + log.uses[$1].milli.value })")
    case .guaranteeImpaired(let lane, let short, let code):
      item("guaranteeImpaired", names[lane], "short=\(short)", "\(code)")
    case .guaranteeRestored(let lane): item("guaranteeRestored", names[lane])
    case .signalRecorded(let signal): item("signalRecorded", TableValue.name(signal.measure))
    case .correctionRecorded(let fact):
      item(
        "correctionRecorded", TableValue.name(log.corrections[Int(fact)].scope.service),
        log.corrections[Int(fact)].milli.map { TableValue.decimal(Int64($0), scale: 1000) }
          ?? "none")
    case .claimSubmitted(let id, _): item("claimSubmitted", names[id])
    case .claimQueued(let id, let lanes, let code, let widens):
      item(
        "claimQueued", names[id], names.lanes(lanes), code.map { "\($0)" } ?? "",
        widens.map { "widens=\(names[$0])" } ?? "")
    case .claimAged(let id, let level): item("claimAged", names[id], "\(level)")
    case .turnOverdue(let tenant, let lane): item("turnOverdue", names[tenant], names[lane])
    case .claimPinned(let id, let fact):
      item(
        "claimPinned", names[id], names[log.pins[Int(fact)].lane],
        names[log.pins[Int(fact)].node],
        "by=\(TableValue.text(log.pins[Int(fact)].starts))",
        log.pins[Int(fact)].isHeld ? "held" : "")
    case .preemptionDue(let row): item("preemptionDue", names.lane(row: row))
    case .claimUnpinned(let id, let code): item("claimUnpinned", names[id], "\(code)")
    case .waitExceeded(let id, let reasons):
      item(
        "waitExceeded",
        ([names[id]] + reasons.indices.map { "\(log.reasons[$0].code)" }).joined(separator: " "))
    case .claimHeld(let id, let row): item("claimHeld", names[id], names.identity(row: row))
    case .claimParked(let id, let bucket): item("claimParked", names[id], names[bucket])
    case .claimEnded(let id, let end): item("claimEnded", names[id], "\(end)")
    case .claimRefused(_, let code): item("claimRefused", "\(code)")
    case .commandRefused(let code): item("commandRefused", "\(code)")
    case .identityRestricted(let fact):
      item(
        log.restrictions[Int(fact)].restriction == nil
          ? "restrictionLifted" : "identityRestricted",
        "\(log.restrictions[Int(fact)].kind)", TableValue.name(log.restrictions[Int(fact)].key))
    case .restrictionEnded(let row): item("restrictionEnded", names.identity(row: row))
    default: nil
    }
  }
}

/// Reasons as tables write them: `code(subject have=… need=… at=…)`.
extension TableNames {
  func item(_ reason: Reason) -> TableItem {
    var details: [String] = []
    switch reason.subject {
    case .request: break
    case .lane(let row): details.append(lane(row: row))
    case .bucket(let row): details.append(bucket(row: row))
    case .identity(let kind): details.append("\(kind)")
    }
    let print = Self.printer(of: reason.code)
    if reason.have != 0 || reason.need != 0 {
      details += ["have=\(print(reason.have))", "need=\(print(reason.need))"]
    }
    if let clears = reason.clearsAt { details.append("at=\(TableValue.text(clears))") }
    return TableItem(
      name: "\(reason.code)",
      details: details.isEmpty ? nil : details.joined(separator: " "))
  }

  /// How a figure is written, by the unit of its code.
  private static func printer(of code: Reason.Code) -> (Int64) -> String {
    switch code {
    case .bucketShort, .budgetSpent, .emergencyClosed, .inDebt, .behindParked, .priceExceedsCap,
      .arithmeticOverflow, .quoteExceeded:
      { TableValue.decimal($0, scale: 1_000_000) }
    case .runtimeTooLong, .deadlineImpossible, .waitPredicted, .approvalLapsed, .quoteTooLong,
      .quoteExpired:
      { TableValue.text(ns: $0) }
    case .fencingStale: { TableValue.text(Fencing(raw: UInt64(bitPattern: $0))) }
    default: { "\($0)" }
    }
  }
}
