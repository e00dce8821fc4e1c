/// Asks the machine what it has.
public enum Probe {
  /// How to ask.
  public struct Options: Sendable {
    /// Where the machine's files start; "/" on a live machine, else a captured or generated tree.
    public var root: String
    /// Whether and where to look for NVML.
    public var nvml: NVMLSearch
    /// Where to look up profiles; nil leaves every device without one.
    public var catalogue: ProfileCatalogue?

    /// Makes options; as they stand they ask the live machine.
    public init(
      root: String = "/", nvml: NVMLSearch = .standard, catalogue: ProfileCatalogue? = nil
    ) {
      self.root = root
      self.nvml = nvml
      self.catalogue = catalogue
    }
  }

  /// Whether and where to look for NVML.
  public enum NVMLSearch: Sendable, Equatable {
    /// The environment's `POOL_NVML_LIBRARY` (not in a privileged process), else the usual places.
    case standard
    /// This library and no other. A privileged process loads it only when root alone can write it.
    case library(path: String)
    /// Not at all.
    case none
  }

  /// Asks once. Never fails: what could not be learnt is a note or a state of the answer.
  ///
  /// Calls into the driver, which may block for seconds, or for ever on a broken GPU.
  public static func run(_ options: Options = Options()) -> NodeInventory {
    let start = Syscalls.monotonicNanoseconds()
    var tree = FileTree(root: options.root)
    let host = HostProbe.identity(from: &tree)
    let capacity = HostProbe.capacity(from: &tree)
    let answer = gpus(options, tree: &tree)
    for note in answer.notes { tree.note(note) }
    var cpuProfile = ProfileMatch.notChecked
    if let catalogue = options.catalogue {
      cpuProfile = ProfileMatcher.cpu(
        architecture: host.architecture, among: catalogue.profiles)
    }
    var sources = ["/proc", "/sys"]
    if case .running = answer.status { sources.insert("nvml", at: 0) }
    return NodeInventory(
      host: host, capacity: capacity, nvml: answer.status, gpus: answer.gpus,
      cpuProfile: cpuProfile, notes: tree.allNotes, sources: sources,
      elapsedNanoseconds: Syscalls.monotonicNanoseconds() &- start)
  }

  private static func gpus(_ options: Options, tree: inout FileTree) -> GPUProbe.Answer {
    var explicit: String?
    switch options.nvml {
    case .none: return GPUProbe.Answer(status: .notAsked, gpus: [], notes: [])
    case .library(let path): explicit = path
    case .standard: break
    }
    let isPrivileged = Syscalls.isPrivileged()
    let (candidates, note) = NVMLLocator.candidates(
      explicit: explicit, environment: Syscalls.environment(NVMLLocator.variable),
      isPrivileged: isPrivileged)
    if let note { tree.note(note) }
    return GPUProbe.run(candidates, isPrivileged: isPrivileged, catalogue: options.catalogue)
  }
}
