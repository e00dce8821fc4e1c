import HardwareProbe
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
    var stream = events()
    var monitors: [String: HealthMonitor] = [:]
    var memory = ProbeMemory()
    while true {
      var (reported, dropped): ([DriverEvent], Int) = ([], 0)
      if stream != nil, let taken = stream?.take() { (reported, dropped) = taken }
      let inventory = machine.inventory(memory: &memory)
      Console.print(ProbeCommand.text(of: inventory, arguments))
      let now = UInt64(Console.monotonicNanoseconds())
      for event in reported {
        let whom = inventory.gpus.flatMap(event.concerned(on:))
        let parts =
          whom.isEmpty || whom == [event.uuid] ? "" : ", concerns \(whom.joined(separator: " "))"
        Console.note("event: \(event.uuid ?? "a GPU"): \(event.words) (\(event.effect))\(parts)\n")
        guard let uuid = event.uuid, let seen = HealthMonitor.Observation(event) else { continue }
        for device in whom.isEmpty ? [uuid] : whom { observe(seen, device, &monitors, at: now) }
      }
      if dropped > 0 { Console.note("event: \(dropped) more were dropped\n") }
      for gpu in inventory.gpus {
        for (key, seen) in Self.seen(of: gpu) { observe(seen, key, &monitors, at: now) }
      }
      Console.sleep(seconds: seconds)
    }
  }

  /// What was seen of a GPU, and of its MIG devices, each of which is well or not by itself.
  private static func seen(of gpu: GPUEntry) -> [(key: String, seen: HealthMonitor.Observation)] {
    let whole = HealthMonitor.Observation(gpu)
    let parts = (gpu.mig.instances ?? []).map { instance in
      let fault = instance.fault.map { HealthMonitor.Observation.bad(reason: $0) }
      return (instance.uuid ?? "index \(gpu.index).\(instance.position)", fault ?? whole)
    }
    return [(gpu.uuid ?? "index \(gpu.index)", whole)] + parts
  }

  /// Where the driver is asked in another process, its events are awaited in one more.
  private func events() -> DriverEventStream? {
    guard case .probed(let options) = machine.subject, options.nvml != .none,
      case .child(let program, _, _) = options.driver
    else { return nil }
    return DriverEventStream(
      program: program,
      arguments: DriverCommand.arguments(DriverCommand.eventsWord, options.nvml))
  }

  private func observe(
    _ seen: HealthMonitor.Observation, _ key: String, _ monitors: inout [String: HealthMonitor],
    at now: UInt64
  ) {
    // Devices come and go; what is not a device of this machine must not fill memory.
    if monitors[key] == nil, monitors.count >= 1024 { return }
    let before = monitors[key, default: HealthMonitor()].observe(seen, at: now)
    guard let before, let health = monitors[key]?.health else { return }
    let why = health.reason.map { ": \($0)" } ?? ""
    Console.note("health: \(key): \(before.word) -> \(health.word)\(why)\n")
  }
}
