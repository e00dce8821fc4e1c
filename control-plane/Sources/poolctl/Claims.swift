import ArgumentParser
import Foundation
import PoolClient
import PoolConsole

/// Which claim is meant.
struct ClaimArguments: ParsableArguments {
  @Argument(help: "The tenant.")
  var tenant: String
  @Argument(help: "The claim.")
  var claim: String

  var path: [String] { ["v1", "claims", tenant, claim] }
}

/// `poolctl place`.
struct Place: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Asks for devices.",
    discussion: """
      FILE is a claim, or a document of kind claims, in YAML or JSON. With --wait a claim that \
      waits is followed until it runs. With --export the environment of the lease is printed for \
      eval.
      """)
  @OptionGroup var common: Common
  @Option(name: .shortAndLong, help: "The claim; - is standard input.")
  var file: String
  @Option(help: "Seconds to wait for a claim that is queued.")
  var wait = 0
  @Flag(help: "Say what would become of it, and ask for nothing.")
  var dryRun = false
  @Flag(help: "Print what to export for the devices, for eval.")
  var export = false

  func run() async throws {
    let client = try common.client()
    let claims = try Claims.read(file)
    var worst = Int32(0)
    for claim in claims {
      let ending = try await place(claim, client)
      if claims.count == 1 { worst = ending }
    }
    if worst != 0 { throw ExitCode(worst) }
  }

  private func place(_ claim: Data, _ client: PoolClient) async throws -> Int32 {
    let reply: Reply
    do throws(ClientError) {
      reply = try await client.ask(
        "POST", ["v1", "claims"], query: dryRun ? ["dry_run": "true"] : [:], body: claim,
        key: dryRun ? nil : UUID().uuidString)
    } catch {
      return (try? await attempt { () async throws(ClientError) -> Int32 in throw error }) == nil
        ? Claims.code(error) : 0
    }
    if dryRun {
      try Output.show(reply, as: common.format == .yaml ? .yaml : .json)
      return 0
    }
    var answer = reply
    if wait > 0, reply.status == 202 {
      answer = try await Claims.follow(reply, seconds: wait, client)
    }
    return try show(answer)
  }

  private func show(_ reply: Reply) throws -> Int32 {
    let answer = reply.object
    if export, let lease = Claims.lease(answer) {
      print(Claims.exports(lease))
    } else if common.format == .table || common.format == .wide {
      say(Claims.sentence(answer))
    } else {
      try Output.show(reply, as: common.format)
    }
    guard Claims.lease(answer) != nil else {
      return wait > 0 ? Ending.waited.rawValue : Ending.queued.rawValue
    }
    return answer["outcome"] as? String == "downgraded" ? Ending.degraded.rawValue : 0
  }
}

/// What the commands about claims share.
enum Claims {
  /// The claims of a document: one, or those of a document of kind claims.
  static func read(_ path: String) throws -> [Data] {
    let data = try Output.document(path)
    let object = (try JSONSerialization.jsonObject(with: data)) as? [String: Any]
    guard object?["kind"] as? String == "claims",
      let list = object?["claims"] as? [[String: Any]]
    else { return [data] }
    return try list.map { claim in
      var claim = claim
      claim["at_seconds"] = nil
      return try JSONSerialization.data(withJSONObject: claim)
    }
  }

  /// The exit code of what was refused; it was told already.
  static func code(_ error: ClientError) -> Int32 {
    guard case .refused(let reply) = error else { return Ending.unreachable.rawValue }
    return reply.status == 422 ? Ending.infeasible.rawValue : Ending.refused.rawValue
  }

  /// Follows a claim until it runs, is gone, or the time is over.
  static func follow(
    _ first: Reply, seconds: Int, _ client: PoolClient
  ) async throws -> Reply {
    let answer = first.object
    guard let tenant = answer["tenant"] as? String, let claim = answer["claim"] as? String else {
      return first
    }
    note(sentence(answer))
    let end = Date().addingTimeInterval(Double(seconds))
    while true {
      let left = min(20, Int(end.timeIntervalSinceNow.rounded(.up)))
      let reply = try await attempt { () async throws(ClientError) in
        try await client.ask(
          "GET", ["v1", "claims", tenant, claim], query: ["wait": "\(max(0, left))"])
      }
      if reply.object["runs"] != nil || reply.object["state"] as? String == "ended" {
        return reply
      }
      if left <= 0 { return reply }
    }
  }

  /// The lease of an answer, if it has one.
  static func lease(_ answer: [String: Any]) -> [String: Any]? {
    if let lease = answer["lease"] as? [String: Any] { return lease }
    return (answer["runs"] as? [[String: Any]])?.first?["lease"] as? [String: Any]
  }

  /// An answer in one sentence.
  static func sentence(_ answer: [String: Any]) -> String {
    let now = (answer["at_ms"] as? NSNumber)?.doubleValue ?? 0
    if let lease = lease(answer) {
      let devices = (lease["devices"] as? [[String: Any]] ?? []).map { Output.text($0, "uuid") }
      return "granted \(Output.text(lease, "lease")) on \(Output.text(lease, "node"))"
        + " (\(devices.joined(separator: ", "))), lane \(Output.text(lease, "lane")),"
        + " fencing \(Output.text(lease, "fencing"));"
        + " ends \(Output.ahead(lease, "ends_at_ms", at: now))"
    }
    let what = answer["outcome"] as? String ?? Output.text(answer, "state")
    let place = answer["position"].map { ", \($0). in the order" } ?? ""
    let bound =
      answer["starts_by_ms"] == nil
      ? "" : "; starts \(Output.ahead(answer, "starts_by_ms", at: now)) at the latest"
    let why = (answer["blocking"] as? [[String: Any]])?.first.map {
      "\n  \(Output.text($0, "sentence"))"
    }
    return "\(Output.text(answer, "claim")) of \(Output.text(answer, "tenant")): \(what)"
      + place + bound + (why ?? "")
  }

  /// What to export for the devices of a lease.
  static func exports(_ lease: [String: Any]) -> String {
    let devices = (lease["devices"] as? [[String: Any]] ?? []).map { Output.text($0, "uuid") }
      .filter { $0.hasPrefix("GPU-") || $0.hasPrefix("MIG-") }.joined(separator: ",")
    let pairs = [
      ("POOL_LEASE", Output.text(lease, "lease")), ("POOL_FENCING", Output.text(lease, "fencing")),
      ("CUDA_VISIBLE_DEVICES", devices), ("NVIDIA_VISIBLE_DEVICES", devices),
    ]
    return pairs.map { "export \($0.0)=\(quoted($0.1))" }.joined(separator: "\n")
  }

  /// A word that no shell takes apart.
  private static func quoted(_ text: String) -> String {
    "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }
}

/// `poolctl explain`.
struct Explain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Says why a claim waits, until when at most, and what would run now; or where it runs.")
  @OptionGroup var common: Common
  @OptionGroup var claim: ClaimArguments

  func run() async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await client.ask("GET", claim.path)
    }
    guard common.format == .table || common.format == .wide else {
      return try Output.show(reply, as: common.format)
    }
    say(text(reply.object))
  }

  private func text(_ answer: [String: Any]) -> String {
    let now = (answer["at_ms"] as? NSNumber)?.doubleValue ?? 0
    var lines = [Claims.sentence(answer)]
    for (index, reason) in (answer["blocking"] as? [[String: Any]] ?? []).enumerated() {
      let clears =
        reason["clears_at_ms"] == nil ? "" : Output.ahead(reason, "clears_at_ms", at: now)
      lines.append("  \(index + 1). \(Output.text(reason, "code"))  \(clears)")
      lines.append("     \(Output.text(reason, "sentence"))")
    }
    for lane in answer["by_lane"] as? [[String: Any]] ?? [] {
      let price =
        lane["price_gpu_seconds"] == nil
        ? "never serves it" : "\(Output.text(lane, "price_gpu_seconds")) GPU-s"
      let clears =
        lane["clears_at_ms"] == nil ? "" : ", clears \(Output.ahead(lane, "clears_at_ms", at: now))"
      lines.append(
        "  lane \(Output.text(lane, "lane")) (\(Output.text(lane, "profile"))): \(price)\(clears)")
    }
    for other in answer["alternatives"] as? [[String: Any]] ?? [] {
      lines.append(
        "  instead: \(Output.text(other, "change")) \(Output.text(other, "from"))"
          + " -> \(Output.text(other, "to")), \(Output.text(other, "price_gpu_seconds")) GPU-s")
    }
    if let none = answer["no_alternatives"] as? [String: Any] {
      lines.append("  no alternative: \(Output.text(none, "sentence"))")
    }
    return lines.joined(separator: "\n")
  }
}

/// `poolctl cancel`.
struct Cancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Withdraws a claim.")
  @OptionGroup var common: Common
  @OptionGroup var claim: ClaimArguments

  func run() async throws {
    let client = try common.client()
    let reply = try await attempt { () async throws(ClientError) in
      try await client.ask("DELETE", claim.path)
    }
    if common.format == .table { print("withdrawn") } else { try Output.show(reply, as: .json) }
  }
}
