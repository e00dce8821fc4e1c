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
    /// In which process the driver is asked.
    public var driver: DriverAccess

    /// Makes options; as they stand they ask the live machine in this process.
    public init(
      root: String = "/", nvml: NVMLSearch = .standard, catalogue: ProfileCatalogue? = nil,
      driver: DriverAccess = .inProcess
    ) {
      self.root = root
      self.nvml = nvml
      self.catalogue = catalogue
      self.driver = driver
    }
  }

  /// In which process the driver is asked.
  public enum DriverAccess: Sendable, Equatable {
    /// In this one. A call into a broken driver may block for seconds, or for ever.
    case inProcess
    /// In one that is started for it, and killed at the deadline. The program must call
    /// ``DriverRecord/write(_:skipping:)`` when it gets these arguments; `--skip=0,3` may follow.
    case child(program: String, arguments: [String], deadlineMilliseconds: Int)
  }

  /// Whether and where to look for NVML.
  public enum NVMLSearch: Sendable, Equatable {
    /// The environment's `POOL_NVML_LIBRARY` (not in a privileged process), else the usual places.
    case standard
    /// This library and no other. A privileged process loads it only when root alone can write it.
    case library(path: String)
    /// The library of a driver whose files are below this directory, and no other: in `usr/lib64`,
    /// `usr/lib/TRIPLET`, `lib64` or `lib/TRIPLET`. The same rule holds in a privileged process.
    case driverRoot(path: String)
    /// Not at all.
    case none
  }

  /// Asks once. Never fails: what could not be learnt is a note or a state of the answer.
  ///
  /// With ``DriverAccess/inProcess`` it calls into the driver, which may block for seconds, or for
  /// ever on a broken GPU; with ``DriverAccess/child(program:arguments:deadlineMilliseconds:)`` it
  /// is back within the deadline and half a second.
  public static func run(_ options: Options = Options()) -> NodeInventory {
    var memory = ProbeMemory()
    return run(options, memory: &memory)
  }

  /// As ``run(_:)``, for a caller that probes again and again: a value that the driver does not
  /// tell now ("timeout", "no data", "in use" …) is the last one that it told, with its age in
  /// ``GPUEntry/late``, for at most 60 s.
  ///
  /// - Parameter memory: What was told before; the same one for every probe of one machine.
  public static func run(_ options: Options, memory: inout ProbeMemory) -> NodeInventory {
    let start = Syscalls.monotonicNanoseconds()
    var tree = FileTree(root: options.root)
    let host = HostProbe.identity(from: &tree)
    let capacity = HostProbe.capacity(from: &tree)
    let record = memory.keeping(
      ask(options, tree: &tree), at: Syscalls.monotonicNanoseconds())
    var deadline = 0
    if case .child(_, _, let milliseconds) = options.driver { deadline = milliseconds }
    let (told, notes) = GPUFolding.entries(
      of: record, catalogue: options.catalogue, deadlineMilliseconds: deadline)
    for note in notes { tree.note(note) }
    let kernel = KernelDeviceReader.readAll(from: &tree, catalogue: options.catalogue)
    let platform = HostPlatform.read(from: &tree)
    let join = GPUJoin(status: record.status, catalogue: options.catalogue, platform: platform)
    var gpus = join.joined(told, kernel)
    MIGMinors.fill(&gpus, from: &tree)
    if tree.isLive, options.nvml != .none, let note = VisibleDevices.note { tree.note(note) }
    var inventory = NodeInventory(
      host: host, capacity: capacity, nvml: record.status, gpus: gpus,
      cpuProfile: cpuProfile(host, options.catalogue), notes: [], sources: ["/proc", "/sys"],
      elapsedNanoseconds: 0)
    inventory.cudaVersion = record.cudaVersion
    inventory.platform = platform
    inventory.isNVMLNamed = NVMLLocator.isNamed(options.nvml)
    if case .running = record.status { inventory.sources.insert("nvml", at: 0) }
    inventory.notes = tree.allNotes
    inventory.elapsedNanoseconds = Syscalls.monotonicNanoseconds() &- start
    return inventory
  }

  static func cpuProfile(_ host: HostIdentity, _ catalogue: ProfileCatalogue?) -> ProfileMatch {
    guard let catalogue else { return .notChecked }
    return ProfileMatcher.cpu(architecture: host.architecture, among: catalogue.profiles)
  }

  private static func ask(_ options: Options, tree: inout FileTree) -> NVMLRecord {
    if options.nvml == .none { return NVMLRecord(status: .notAsked) }
    let isPrivileged = Syscalls.isPrivileged()
    let (paths, note) = NVMLLocator.candidates(for: options.nvml, isPrivileged: isPrivileged)
    if let note { tree.note(note) }
    switch options.driver {
    case .inProcess: return NVMLReader.record(paths, isPrivileged: isPrivileged)
    case .child(let program, let arguments, let deadline):
      let child = DriverChild(
        program: program, arguments: arguments, deadlineMilliseconds: max(1, deadline))
      let (record, notes) = child.record()
      for note in notes { tree.note(note) }
      return record
    }
  }
}
