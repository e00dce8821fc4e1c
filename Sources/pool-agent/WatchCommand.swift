import HardwareProbe
import PoolConsole
import StrictJSON

/// `pool-agent probe --watch`: prints again and again, with what the driver reported meanwhile and
/// how the health of each device changed.
struct WatchCommand {
  private let arguments: Arguments
  private let machine: MachineFlags
  private let seconds: Int

  init(_ arguments: Arguments, _ machine: MachineFlags) throws(UsageError) {
    if arguments.has("--strict") {
      throw UsageError(message: "--strict and --watch exclude one another: a watch has no result")
    }
    self.arguments = arguments
    self.machine = machine
    seconds = try arguments.number("--interval", 1...3600) ?? 5
  }

  /// Runs until the process is interrupted, which ends it with 130.
  func run() -> Int32 {
    Console.endOnInterrupt()
    var stream = Self.events(of: machine)
    var health = NodeHealth()
    var memory = ProbeMemory()
    while true {
      var (reported, dropped): ([DriverEvent], Int) = ([], 0)
      if stream != nil, let taken = stream?.take() { (reported, dropped) = taken }
      let inventory = machine.inventory(memory: &memory)
      Console.print(ProbeCommand.text(of: inventory, arguments))
      for event in reported { Console.note(Self.words(event, inventory)) }
      if dropped > 0 { Console.note("event: \(dropped) more were dropped\n") }
      let now = UInt64(Console.monotonicNanoseconds())
      for change in health.look(inventory, after: reported, at: now) {
        Console.note(Self.words(change))
      }
      Console.sleep(seconds: seconds)
    }
  }

  private static func words(_ event: DriverEvent, _ inventory: NodeInventory) -> String {
    let whom = inventory.gpus.flatMap(event.concerned(on:))
    let parts =
      whom.isEmpty || whom == [event.uuid] ? "" : ", concerns \(whom.joined(separator: " "))"
    return "event: \(event.uuid ?? "a GPU"): \(event.words) (\(event.effect))\(parts)\n"
  }

  private static func words(_ change: NodeHealth.Change) -> String {
    switch change {
    case .judged(let key, let before, let now):
      let why = now.reason.map { ": \($0)" } ?? ""
      return "health: \(key): \(before.word) -> \(now.word)\(why)\n"
    case .reset(let uuid, let sign):
      return "reset: \(uuid): it was reset, since \(sign)\n"
    }
  }

  /// Where the driver is asked in another process, its events are awaited in one more.
  static func events(of machine: MachineFlags) -> DriverEventStream? {
    guard case .probed(let options) = machine.subject, options.nvml != .none,
      case .child(let program, _, _) = options.driver
    else { return nil }
    return DriverEventStream(
      program: program,
      arguments: DriverCommand.arguments(DriverCommand.eventsWord, options.nvml))
  }
}
