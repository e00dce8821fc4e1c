import PoolAllocator
import PoolConsole
import PoolViews
import PoolWire

/// The report as a person reads it.
extension PlaceReport {
  /// The tables and sentences, for a screen of a width; nil where nothing is to be cut.
  func text(width: Int?) -> String {
    let page = Page(width: width)
    var lines = poolLines(page)
    lines += [""] + grantedLines(page)
    lines += degradedLines(page)
    lines += [""] + waitingLines(page)
    lines += [""] + refusedLines(page)
    if !ended.isEmpty { lines += [""] + endedLines(page) }
    lines += [""] + bucketLines(page)
    lines += [""] + page.prose(footer, indent: "")
    return lines.joined(separator: "\n") + "\n"
  }

  private func poolLines(_ page: Page) -> [String] {
    let lanes = page.table(
      header: ["LANE", "PROFILE", "FOR", "ADMITS", "CAPACITY", "GRANTED", "FREE"],
      rows: view.lanes.map { lane in
        let unit = lane.isCPU ? " cores" : " devices"
        return [
          lane.name, lane.profile, lane.owner ?? "shared", lane.admits,
          Amounts.milli(lane.capacity) + unit, Amounts.milli(lane.granted),
          Amounts.milli(lane.free),
        ]
      })
    let nodes = page.table(
      header: ["NODE", "STATE", "DEVICES", "CPU FREE/TOTAL", "MEMORY FREE/TOTAL", "LEASES"],
      rows: view.nodes.map { node in
        [
          node.name, node.duty == "open" ? node.reach : "\(node.reach), \(node.duty)",
          "\(node.devices)", "\(Amounts.milli(node.cpuFree)) / \(Amounts.milli(node.cpu))",
          "\(gib(node.memoryFree)) / \(gib(node.memory)) GiB", "\(node.leases)",
        ]
      })
    let short = view.lanes.filter { $0.short > 0 }.flatMap { lane in
      page.prose(
        "the guarantee of \(lane.name) is impaired: \(Amounts.milli(lane.short))"
          + " \(lane.isCPU ? "cores" : "devices") of it cannot be had"
          + " (\(lane.shortBecause?.spacedWords ?? "?"))")
    }
    return ["POOL"] + lanes + short + nodes
  }

  private func gib(_ bytes: Int64) -> String {
    Amounts.text(Int128(bytes) * 10 / Int128(Amounts.bytesPerGiB), digits: 1)
  }

  private func grantedLines(_ page: Page) -> [String] {
    if granted.isEmpty { return ["GRANTED  none"] }
    let leases = granted.flatMap { entry in
      (entry.lease.map { session.pool.gang(of: $0.id) } ?? []).map { (entry, $0) }
    }
    let rows = leases.compactMap { entry, id -> [String]? in
      guard let lease = session.pool.lease(id) else { return nil }
      return [
        entry.form.name, entry.form.tenant, entry.serviceClass, laneName(lease), id.wire,
        session.pool.node(lease.node).map { session.names.text($0.enrolment.key) } ?? "?",
        ask(entry.form), "\(Amounts.gpuSeconds(entry.price.value)) GPU-s",
        "\(Amounts.seconds((lease.ends - session.pool.now).ns)) s"
          + " of \(Amounts.seconds(lease.runtimeMax.ns)) s",
        devices(lease),
      ]
    }
    let header = [
      "CLAIM", "TENANT", "CLASS", "LANE", "LEASE", "NODE", "ASK", "PRICED", "ENDS IN", "DEVICES",
    ]
    return ["GRANTED"]
      + page.table(header: header, rows: rows, optional: ["DEVICES", "ENDS IN", "ASK", "PRICED"])
  }

  /// Claims that have less than they asked for: what, why, and when that may be over.
  private func degradedLines(_ page: Page) -> [String] {
    if degraded.isEmpty { return [] }
    return ["", "DEGRADED"]
      + degraded.flatMap { entry -> [String] in
        guard let text = entry.degraded else { return [] }
        let who = "\(entry.form.name) of \(entry.form.tenant) (\(entry.serviceClass))"
        let recovers = text.degradation.recovers.map { "; may be over in \(fromNow($0)) s" }
        return page.prose("\(who): \(text.sentence)\(recovers ?? "")")
      }
  }

  private func laneName(_ lease: Lease) -> String {
    session.pool.lane(lease.lane).map { session.names.text($0.key) } ?? "?"
  }

  private func devices(_ lease: Lease) -> String {
    let names = session.pool.uses(of: lease).compactMap { session.pool.device($0.device) }
      .map { session.names.text($0.report.key) }
    return names.count > 2
      ? "\(names[0]) and \(names.count - 1) more" : names.joined(separator: " ")
  }

  /// What a claim asks for, in a few words.
  private func ask(_ form: ClaimForm) -> String {
    let demand = form.demand
    let each = askOfMember(demand)
    return demand.members > 1 ? "\(demand.members) members, each \(each)" : each
  }

  private func askOfMember(_ demand: Demand) -> String {
    let count = demand.devices > 1 ? "\(demand.devices) x " : ""
    switch demand.shape {
    case .whole: return "\(demand.devices) whole"
    case .fraction(let milli, let memory):
      return "\(count)\(Amounts.milli(Int64(milli.value))), \(Amounts.gibibytes(memory.value)) GiB"
    case .slice(let key): return "\(count)\(NamePath.last(session.names.text(key)))"
    case .cpuOnly: return "\(Amounts.milli(Int64(demand.cpu.value))) cores"
    }
  }

  private func waitingLines(_ page: Page) -> [String] {
    if waiting.isEmpty { return ["WAITING  none"] }
    return ["WAITING"]
      + waiting.flatMap { entry -> [String] in
        let who = "\(entry.form.name) of \(entry.form.tenant) (\(entry.serviceClass))"
        let lanes = entry.form.lanes.joined(separator: ", ")
        let state: String
        if entry.state == .parked {
          let until = entry.hint.map {
            " until \(Amounts.seconds(($0.clearsAt - .origin).ns)) s of pool time"
              + " (in \(Amounts.seconds(($0.clearsAt - view.now).ns)) s)"
          }
          state = "parked on bucket \"\(entry.bucket ?? "?")\"" + (until ?? "")
        } else if let lapses = entry.lapses {
          state = "awaits approval, for \(fromNow(lapses)) s at most"
        } else {
          let place = entry.position.map { "\(Self.ordinal($0)) " } ?? ""
          state = "queued, \(place)in \(lanes)"
        }
        return page.prose("\(who): \(state); asks \(ask(entry.form))")
          + startLines(entry, page) + reasonLines(entry, page)
      }
  }

  /// By when a claim starts: what is planned, and the bound.
  private func startLines(_ entry: Entry, _ page: Page) -> [String] {
    var parts: [String] = []
    if let planned = entry.planned { parts.append("planned within \(fromNow(planned)) s") }
    switch entry.startBound {
    case .success(let bound): parts.append("starts within \(fromNow(bound.by)) s at the latest")
    case .failure(let because): parts.append("no bound: \(because.sentence)")
    case nil: break
    }
    return parts.isEmpty ? [] : page.prose(parts.joined(separator: "; "), indent: "    ")
  }

  private func fromNow(_ moment: Instant) -> String {
    Amounts.seconds(max(.zero, moment - view.now).ns)
  }

  private static func ordinal(_ number: Int) -> String {
    switch (number % 10, number % 100) {
    case (1, 1), (1, 21...): "\(number)st"
    case (2, 2), (2, 22...): "\(number)nd"
    case (3, 3), (3, 23...): "\(number)rd"
    default: "\(number)th"
    }
  }

  private func refusedLines(_ page: Page) -> [String] {
    if refused.isEmpty { return ["REFUSED  none"] }
    return ["REFUSED"]
      + refused.flatMap { entry -> [String] in
        let who = "\(entry.form.name) of \(entry.form.tenant) (\(entry.serviceClass))"
        var when = "; never as asked"
        if let hint = entry.hint {
          when = "; come back in \(hint.retryAfterSeconds) s"
        } else if entry.verdict == .rejected {
          let retryable = entry.reasons.allSatisfy(\.reason.code.isRetryable)
          when = retryable ? "; come back later" : "; change the request or the policy"
        }
        return page.prose("\(who): \(entry.verdict.wire)\(when)") + reasonLines(entry, page)
      }
  }

  private func reasonLines(_ entry: Entry, _ page: Page) -> [String] {
    entry.reasons.flatMap { reason in
      page.prose("\(reason.reason.code.wire): \(reason.sentence)", indent: "    ")
    }
  }

  private func endedLines(_ page: Page) -> [String] {
    ["ENDED"]
      + ended.flatMap {
        page.prose("\($0.form.name) of \($0.form.tenant): \($0.ended?.spacedWords ?? "")")
      }
  }

  private func bucketLines(_ page: Page) -> [String] {
    let rows = view.buckets.map { bucket in
      [
        bucket.name, Amounts.gpuSeconds(bucket.level.value),
        Amounts.gpuSeconds(bucket.burst.value),
        Amounts.gpuSeconds(bucket.refillPerSecond.value) + "/s",
        Amounts.gpuSeconds(bucket.reserved.value), "\(bucket.leases)",
      ]
    }
    return ["BUCKETS in GPU-seconds"]
      + page.table(
        header: ["BUCKET", "LEVEL", "BURST", "REFILL", "RESERVED", "LEASES"], rows: rows)
  }
}

extension String {
  /// A word of the wire as people write it.
  var spacedWords: String { String(map { $0 == "_" ? " " : $0 }) }
}
