import PoolAllocator
import PoolConsole
import PoolSimulator
import PoolWire
import StrictJSON

/// A scenario as its document says it.
struct ScenarioDocument {
  /// What the engine runs.
  let scenario: Scenario
  /// What it shows, for people.
  let about: String

  /// Reads a document of kind `scenario`; policies that it names by file lie beside it.
  init(file: String) throws(UsageError) {
    var reader = ScenarioReader(file: file)
    let bytes = try Self.bytes(of: file)
    do throws(JSONErrors) {
      let document = try JSONDocument(bytes)
      self = try document.decode { root in try reader.document(root) }
    } catch {
      throw UsageError(
        lines: reader.lines + error.errors.map { $0.formatted(file: Terminal.plain(file)) },
        message: "\(Terminal.plain(file)) is no scenario that can be run")
    }
  }

  init(scenario: Scenario, about: String) {
    self.scenario = scenario
    self.about = about
  }

  private static func bytes(of file: String) throws(UsageError) -> [UInt8] {
    do {
      return try Console.read(file)
    } catch {
      throw UsageError(message: error.message)
    }
  }
}

/// Reads one scenario.
struct ScenarioReader {
  /// The document's own file.
  let file: String
  /// What is wrong with other files, one line each.
  var lines: [String] = []
  /// The policy of the beginning.
  var policy: PolicyDocument?
  var machines: [DescribedMachine] = []
  var streams: [ScenarioStream] = []
  /// Tenant and class of each stream.
  var owners: [(tenant: String, rank: UInt8)] = []

  init(file: String) { self.file = file }

  /// Longest text that says something to people. Unit: bytes.
  private static let textMax = 4_096
  /// Most entries of any list. Unit: entries.
  static let entriesMax = 1_000

  mutating func document(_ root: JSONValue) throws -> ScenarioDocument {
    try root.object { fields in
      let head = try fields.head("scenario")
      let name = fields.name("name")
      let about = fields.string("about", 1...Self.textMax)
      let lasts = fields.span("lasts_seconds", atLeast: 1)
      let limits = fields.optionalObject("limits") { try self.limits(&$0) }
      let stated = fields.read("policy") { try statedPolicy($0) }
      let policy = try fields.take(stated)
      self.policy = policy
      let cluster = fields.array("cluster", min: 1, max: 100) { try self.machine($0) }
      _ = try fields.take(cluster)
      let workload = fields.array("workload", min: 1, max: 64) { try self.stream($0) }
      _ = try fields.take(workload)
      let faults = fields.optionalArray("faults", max: Self.entriesMax) { try self.fault($0) }
      let verdict = fields.array("verdict", min: 1, max: Self.entriesMax) {
        try self.assertion($0)
      }
      _ = try head.value
      var scenario = Scenario(
        name: try name.value, machines: machines, policy: policy.policy, streams: streams,
        deeds: (try faults.value ?? []).flatMap { $0 }, lasts: try lasts.value,
        assertions: try verdict.value)
      scenario.limits = try limits.value ?? Limits()
      return ScenarioDocument(scenario: scenario, about: try about.value)
    }
  }

  private func limits(_ fields: inout JSONFields) throws -> Limits {
    let workflow = fields.optionalInt64("live_claims_per_workflow", in: 1...1_000_000)
    let queued = fields.optionalInt64("queued_claims", in: 1...1_000_000)
    let silent = fields.optionalSpan("silent_after_seconds", atLeast: 1)
    var limits = Limits()
    if let count = try workflow.value { limits.liveClaimsPerWorkflow = Int(count) }
    if let count = try queued.value { limits.queuedClaims = Int(count) }
    if let span = try silent.value { limits.silentAfter = span }
    return limits
  }

  /// A policy that stands there, or the name of a file beside the scenario.
  mutating func statedPolicy(_ value: JSONValue) throws -> PolicyDocument {
    guard value.kind == .string else { return try PolicyDocument(value) }
    let name = try value.string(1...300)
    let path = beside(name)
    do {
      return try PolicyDocument(try JSONDocument(try Console.read(path)))
    } catch let error as JSONErrors {
      lines += error.errors.map { $0.formatted(file: Terminal.plain(path)) }
      throw value.refuse("the policy has errors", hint: "see its own lines")
    } catch let error as Console.ReadError {
      throw value.refuse(error.message, hint: "name a file beside the scenario")
    }
  }

  private func beside(_ name: String) -> String {
    guard !name.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return name }
    return String(file[...slash]) + name
  }

  /// The place of something by its name.
  func index(
    _ value: JSONValue, among names: [String], called what: String
  ) throws(JSONAbandoned) -> Int {
    let name = try value.string(1...300)
    if let index = names.firstIndex(of: name) { return index }
    throw value.refuse(
      "there is no \(what) \"\(Terminal.plain(name))\"",
      hint: NearestName.hint(name, among: names, called: what))
  }
}
