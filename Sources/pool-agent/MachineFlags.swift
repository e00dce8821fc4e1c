import HardwareProbe
import PoolConsole

/// Which machine a command looks at, and how.
struct MachineFlags: Sendable {
  /// A machine to look at.
  enum Subject: Sendable {
    case probed(Probe.Options)
    case described(NodeShape, ProfileCatalogue, file: String)
  }

  let subject: Subject

  /// The kernel's own name of the running boot; nil where it does not say.
  static var bootID: String? {
    let bytes = try? Console.read("/proc/sys/kernel/random/boot_id", upTo: 128)
    let words = bytes.map {
      String(decoding: $0, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    }
    return words?.first.map(String.init)
  }

  init(_ arguments: Arguments) throws(UsageError) {
    if let file = arguments.one("--fake") {
      for flag in ["--nvml", "--driver-root", "--root", "--deadline"] where arguments.has(flag) {
        throw UsageError(message: "--fake and \(flag) exclude one another")
      }
      subject = try Self.described(file, arguments)
      return
    }
    var options = Probe.Options(catalogue: try ProbeCommand.catalogue(arguments))
    if let root = arguments.one("--root") {
      guard Console.isDirectory(root) else {
        let advice = "give the directory that holds proc and sys"
        throw UsageError(message: "--root \(quoted(root)): there is no such directory; \(advice)")
      }
      options.root = root
      // A captured tree says nothing of the driver of the machine that reads it.
      options.nvml = .none
    }
    if arguments.has("--nvml"), arguments.has("--driver-root") {
      throw UsageError(message: "--nvml and --driver-root exclude one another")
    }
    if let library = arguments.one("--nvml") {
      options.nvml = .library(path: try Self.absolute(library))
    }
    if let root = arguments.one("--driver-root") {
      guard Console.isDirectory(root), let path = Console.absolutePath(root) else {
        let advice = "give the directory that holds the driver's usr"
        throw UsageError(
          message: "--driver-root \(quoted(root)): there is no such directory; \(advice)")
      }
      options.nvml = .driverRoot(path: path)
    }
    let deadline = try arguments.number("--deadline", 10...600_000) ?? 5000
    // Where /proc does not tell the program's path the driver is asked here.
    if let program = Console.executablePath() {
      options.driver = .child(
        program: program,
        arguments: DriverCommand.arguments(DriverCommand.recordWord, options.nvml),
        deadlineMilliseconds: deadline)
    } else {
      Console.note("note: /proc/self/exe cannot be read: a hanging driver hangs this command\n")
    }
    subject = .probed(options)
  }

  /// A library's path as the driver's process needs it. One that is absolute may come later.
  private static func absolute(_ library: String) throws(UsageError) -> String {
    if library.hasPrefix("/") { return library }
    guard let path = Console.absolutePath(library) else {
      throw UsageError(message: "--nvml \(quoted(library)): there is no such file")
    }
    return path
  }

  /// Looks once.
  func inventory() -> NodeInventory {
    var memory = ProbeMemory()
    return inventory(memory: &memory)
  }

  /// Looks again: what the driver does not tell now is what it told last, with its age.
  func inventory(memory: inout ProbeMemory) -> NodeInventory {
    switch subject {
    case .probed(let options): Probe.run(options, memory: &memory)
    case .described(let shape, let catalogue, let file):
      Probe.describe(shape, catalogue: catalogue, source: file)
    }
  }

  private static func described(
    _ file: String, _ arguments: Arguments
  ) throws(UsageError) -> Subject {
    guard let catalogue = try ProbeCommand.catalogue(arguments) else {
      throw UsageError(message: "--fake needs the hardware profiles; name them with --profiles")
    }
    let bytes: [UInt8]
    do {
      bytes = try Console.read(file)
    } catch {
      throw UsageError(message: error.message)
    }
    do {
      let shape = try NodeShape(json: String(decoding: bytes, as: UTF8.self), file: file)
      return .described(shape, catalogue, file: file)
    } catch {
      throw UsageError(lines: error.messages, message: "the node shape cannot be used")
    }
  }
}

extension Arguments {
  /// A whole number in a range; nil when the flag is not given.
  func number(_ flag: String, _ range: ClosedRange<Int>) throws(UsageError) -> Int? {
    guard let text = one(flag) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      let ends = "\(range.lowerBound) to \(range.upperBound)"
      throw UsageError(message: "\(flag) \(quoted(text)): not a whole number from \(ends)")
    }
    return number
  }
}
