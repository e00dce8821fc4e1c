import HardwareProbe
import PoolConsole
import PoolWire
import StrictJSON

/// `pool-agent profiles explain`: what each rule makes of a device, and what is near to it.
enum ProfileExplain {
  static func run(_ words: [String], _ arguments: Arguments) throws(UsageError) -> Int32 {
    guard words.count <= 1 else {
      throw UsageError(message: "unexpected argument \(quoted(words[1])); explain takes one word")
    }
    let (catalogue, _) = try ProfilesCommand.required(arguments)
    let facts = try facts(words.first, arguments, catalogue)
    let explanation = ProfileMatcher.explain(facts, among: catalogue.profiles)
    let near = explanation.match.name == nil ? nearest(facts, catalogue) : []
    Console.print(
      arguments.has("--json")
        ? json(facts, explanation, near, catalogue) : text(facts, explanation, near, catalogue))
    return 0
  }

  /// The facts that the command line gives. A profile's name stands for a device that says all
  /// that the profile knows.
  private static func facts(
    _ word: String?, _ arguments: Arguments, _ catalogue: ProfileCatalogue
  ) throws(UsageError) -> DeviceFacts {
    var facts = DeviceFacts()
    if let word {
      if let profile = catalogue.profile(named: word) {
        guard profile.kind == .gpu else {
          throw UsageError(message: "\(word) is a profile of CPUs, which match by architecture")
        }
        facts = DeviceFacts(
          name: profile.match.nvmlNames.first,
          pci: profile.match.pciDeviceIDs.first.flatMap { PCIIdentity($0) },
          computeCapability: profile.match.computeCapability, memoryMiB: profile.memoryMiB)
      } else if let pci = PCIIdentity(word) {
        facts.pci = pci
      } else if word.contains(" ") || word.contains(where: \.isUppercase) {
        facts.name = word
      } else {
        throw ProfilesCommand.unknown(word, in: catalogue)
      }
    }
    if let name = arguments.one("--name") { facts.name = name }
    if let text = arguments.one("--pci") {
      guard let pci = PCIIdentity(text) else {
        throw UsageError(message: "--pci \(quoted(text)) is no PCI device; write it as 10de:2330")
      }
      facts.pci = pci
    }
    if let text = arguments.one("--memory-mib") {
      guard let memory = UInt64(text), (1...(16 << 20)).contains(memory) else {
        throw UsageError(
          message: "--memory-mib \(quoted(text)) is no number from 1 to \(16 << 20)")
      }
      facts.memoryMiB = memory
    }
    if let text = arguments.one("--cc") { facts.computeCapability = try capability(text) }
    guard facts != DeviceFacts() else {
      throw UsageError(
        message:
          "profiles explain needs a name, a PCI device or facts, as: profiles explain 10de:2330")
    }
    return facts
  }

  /// A capability as drivers write it: `9.0`, for which `9` is short, or a maker's word such as
  /// `gfx942`.
  private static func capability(_ text: String) throws(UsageError) -> String {
    func isNumber(_ part: Substring) -> Bool {
      (1...2).contains(part.count) && part.allSatisfy { $0.isASCII && $0.isNumber }
    }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    if parts.count == 1, isNumber(parts[0]) { return text + ".0" }
    let isVersion = parts.count == 2 && parts.allSatisfy(isNumber)
    let isWord =
      text.first?.isLetter == true && text.count <= 16
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    guard isVersion || isWord else {
      throw UsageError(message: "--cc \(quoted(text)) is no capability; write it as 9.0 or gfx942")
    }
    return text
  }

  /// A profile that a device might be, and in what it differs.
  struct Near {
    var profile: HardwareProfile
    var words: String
  }

  /// At most four: those that the rules left over, a name that may be a slip, and the next in
  /// memory among equal capability or maker.
  private static func nearest(_ facts: DeviceFacts, _ catalogue: ProfileCatalogue) -> [Near] {
    let gpus = catalogue.profiles.filter { $0.kind == .gpu }
    var names: [String] = []
    if let name = facts.name {
      let known = gpus.flatMap(\.match.nvmlNames)
      if let slip = NearestName.of(name, among: known) {
        names += gpus.filter { $0.match.nvmlNames.contains(slip) }.map(\.name)
      }
    }
    let match = ProfileMatcher.gpu(facts, among: catalogue.profiles)
    if case .unknown(_, let candidates) = match { names += candidates }
    let alike = gpus.filter { profile in
      if let capability = facts.computeCapability {
        return profile.match.computeCapability == capability
      }
      let vendor = facts.pci.flatMap { PCIVendor(number: $0.device.vendor) }
      return vendor == nil ? facts.memoryMiB != nil : profile.vendor == vendor
    }
    if let memory = facts.memoryMiB {
      let sorted = alike.filter { $0.memoryMiB != nil }.sorted {
        distance($0, memory) < distance($1, memory)
      }
      names += sorted.prefix(3).map(\.name)
    } else if facts.computeCapability != nil {
      names += alike.map(\.name)
    }
    var found: [Near] = []
    for name in names where found.count < 4 && !found.contains(where: { $0.profile.name == name }) {
      guard let profile = catalogue.profile(named: name) else { continue }
      found.append(Near(profile: profile, words: differences(facts, profile)))
    }
    return found
  }

  private static func distance(_ profile: HardwareProfile, _ memory: UInt64) -> UInt64 {
    let own = profile.memoryMiB ?? 0
    return own > memory ? own - memory : memory - own
  }

  private static func differences(_ facts: DeviceFacts, _ profile: HardwareProfile) -> String {
    var words: [String] = []
    let match = profile.match
    if let name = facts.name, !match.nvmlNames.contains(name) {
      words.append("is named \"\(match.nvmlNames.joined(separator: "\" or \""))\"")
    }
    if let pci = facts.pci, !match.pciDeviceIDs.contains(pci.device.text) {
      let devices = match.pciDeviceIDs.joined(separator: ", ")
      words.append(devices.isEmpty ? "has no known PCI device" : "is \(devices)")
    }
    if let capability = facts.computeCapability, match.computeCapability != capability {
      words.append("has capability \(match.computeCapability ?? "unknown")")
    }
    if let memory = facts.memoryMiB, match.memoryMiB?.contains(memory) != true {
      words.append("has \(ProfileText.memory(profile))")
    }
    return words.isEmpty ? "nothing speaks against it" : words.joined(separator: "; ")
  }

  private static func text(
    _ facts: DeviceFacts, _ explanation: ProfileExplanation, _ near: [Near],
    _ catalogue: ProfileCatalogue
  ) -> String {
    let told: [String?] = [
      facts.name.map { "name \(quoted($0))" }, facts.pci.map { "pci \($0.text)" },
      facts.computeCapability.map { "capability \(quoted($0))" },
      facts.memoryMiB.map { "memory \($0) MiB" },
    ]
    let page = Page(width: Terminal.width())
    var lines = page.prose("DEVICE  " + told.compactMap { $0 }.joined(separator: ", "), indent: "")
    lines += page.table(
      header: ["RULE", "DECIDES", "WHY"],
      rows: explanation.steps.map { step in
        [step.rule.rawValue, step.isDecisive ? "yes" : "no", shown(step.words)]
      }, indent: "")
    switch explanation.match {
    case .matched(let name, let rule):
      let weight = catalogue.profile(named: name).map(ProfileText.weight) ?? "?"
      lines.append("profile \(name), weight \(weight), by \(rule.rawValue)")
    case .unknown(let reason, _):
      lines += page.prose("no profile: \(shown(reason))", indent: "")
      lines += near.flatMap { page.prose("near: \($0.profile.name): \($0.words)", indent: "") }
    case .notChecked: lines.append("no profile: there are none")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// Text with somebody else's words in it, fit for a terminal.
  private static func shown(_ text: String) -> String {
    String(
      text.unicodeScalars.map { scalar -> Character in
        let isPlain = scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
        return isPlain ? Character(scalar) : "?"
      })
  }

  private static func json(
    _ facts: DeviceFacts, _ explanation: ProfileExplanation, _ near: [Near],
    _ catalogue: ProfileCatalogue
  ) -> String {
    var writer = JSONWriter(.pretty)
    writer.object { writer in
      writer.int64("schema_version", 1)
      writer.string("kind", "profile_explanation")
      writer.object("facts") { writer in
        writer.known("name", facts.name)
        writer.known("pci", facts.pci?.text)
        writer.known("compute_capability", facts.computeCapability)
        writer.known("memory_mib", facts.memoryMiB)
      }
      writer.known("profile", explanation.match.name)
      var (rule, reason): (String?, String?)
      if case .matched(_, let by) = explanation.match { rule = by.rawValue }
      if case .unknown(let words, _) = explanation.match { reason = words }
      writer.known("matched_by", rule)
      writer.known("reason", reason)
      writer.array("rules") { writer in
        for step in explanation.steps {
          writer.object { writer in
            writer.string("rule", step.rule.rawValue)
            writer.bool("decides", step.isDecisive)
            writer.array("found") { writer in for name in step.found { writer.string(name) } }
            writer.string("why", step.words)
          }
        }
      }
      writer.array("nearest") { writer in
        for candidate in near {
          writer.object { writer in
            writer.string("profile", candidate.profile.name)
            writer.string("differs", candidate.words)
          }
        }
      }
    }
    return writer.text + "\n"
  }
}
