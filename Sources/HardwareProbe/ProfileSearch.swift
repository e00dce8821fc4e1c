/// One search for the profile of a GPU: the rules in their order, each leaving a step.
struct ProfileSearch {
  let facts: DeviceFacts
  let gpus: [HardwareProfile]
  private var steps: [ProfileExplanation.Step] = []

  init(facts: DeviceFacts, gpus: [HardwareProfile]) {
    self.facts = facts
    self.gpus = gpus
  }

  mutating func run() -> ProfileExplanation {
    let match = decide()
    return ProfileExplanation(steps: steps, match: match)
  }

  /// A name that says nothing counts as none.
  private var isNamed: Bool {
    facts.name.map { !ProfileMatcher.genericNames.contains($0) } ?? false
  }

  /// Profiles that neither memory nor capability speaks against, where at least memory is known.
  private var candidates: [String] {
    guard let memory = facts.memoryMiB else { return [] }
    return gpus.filter { profile in
      let capability = facts.computeCapability
      return profile.match.memoryMiB?.contains(memory) == true
        && (capability == nil || profile.match.computeCapability == capability)
    }.map(\.name)
  }

  private mutating func decide() -> ProfileMatch {
    if let match = byName() ?? bySubsystem() ?? byDevice() { return match }
    if isNamed, let name = facts.name {
      note(.capabilityMemory, "not asked: the device has a name, which no profile knows")
      return .unknown(reason: "no profile names \"\(name)\"", candidates: candidates)
    }
    return byCapability()
  }

  private mutating func byName() -> ProfileMatch? {
    guard let name = facts.name else { return pass(.nvmlName, "the name is not known") }
    guard isNamed else { return pass(.nvmlName, "\"\(name)\" is the name of any board") }
    // Drivers before R465 left the maker out: "A100-SXM4-40GB".
    let found = gpus.filter { profile in
      profile.match.nvmlNames.contains { $0 == name || $0 == "NVIDIA " + name }
    }
    return sure(.nvmlName, found, none: "no profile names \"\(name)\"")
  }

  private mutating func bySubsystem() -> ProfileMatch? {
    guard let pci = facts.pci, pci.subsystem != nil else {
      return pass(.pciSubsystem, "the PCI subsystem is not known")
    }
    let found = gpus.filter { $0.match.pciDeviceIDs.contains(pci.text) }
    return sure(.pciSubsystem, found, none: "no profile has \(pci.text)")
  }

  private mutating func byDevice() -> ProfileMatch? {
    guard let device = facts.pci?.device.text else {
      return pass(.pciDevice, "the PCI device is not known")
    }
    let found = gpus.filter { $0.match.pciDeviceIDs.contains(device) }
    return sure(.pciDevice, found, none: "no profile has \(device)")
  }

  private mutating func byCapability() -> ProfileMatch {
    guard let memory = facts.memoryMiB else {
      let words =
        facts.pci.map { "no profile has \($0.device.text), and no memory is known" }
        ?? (facts.name == nil ? "neither name nor memory is known" : "no memory is known")
      note(.capabilityMemory, words)
      return .unknown(reason: words, candidates: [])
    }
    let found = candidates
    guard let capability = facts.computeCapability else {
      note(.capabilityMemory, found: found, "the compute capability is not known")
      return .unknown(
        reason: "\(memory) MiB alone do not identify a GPU", candidates: found)
    }
    if let only = found.first, found.count == 1 {
      note(.capabilityMemory, found: found, isDecisive: true, "only \(only) has both")
      return .matched(profile: only, rule: .capabilityMemory)
    }
    let words = found.isEmpty ? "no profile has" : "several profiles have"
    let reason = "\(words) compute capability \(capability) and \(memory) MiB"
    note(.capabilityMemory, found: found, reason)
    return .unknown(reason: reason, candidates: found)
  }

  /// The outcome of a rule that needs no second look but at the memory; nil when it found nothing.
  private mutating func sure(
    _ rule: ProfileRule, _ found: [HardwareProfile], none: String
  ) -> ProfileMatch? {
    let names = found.map(\.name)
    guard let profile = found.first else { return pass(rule, none) }
    if found.count > 1 {
      let reason = "several profiles claim it: \(names.joined(separator: ", "))"
      note(rule, found: names, isDecisive: true, reason)
      return .unknown(reason: reason, candidates: candidates)
    }
    if let memory = facts.memoryMiB, let range = profile.match.memoryMiB, !range.contains(memory) {
      let reason = "looks like \(profile.name) but has \(memory) MiB"
      note(rule, found: names, isDecisive: true, reason)
      return .unknown(reason: reason, candidates: candidates)
    }
    note(rule, found: names, isDecisive: true, "only \(profile.name) has it")
    return .matched(profile: profile.name, rule: rule)
  }

  private mutating func pass(_ rule: ProfileRule, _ words: String) -> ProfileMatch? {
    note(rule, words)
    return nil
  }

  private mutating func note(
    _ rule: ProfileRule, found: [String] = [], isDecisive: Bool = false, _ words: String
  ) {
    steps.append(
      ProfileExplanation.Step(rule: rule, found: found, words: words, isDecisive: isDecisive))
  }
}
