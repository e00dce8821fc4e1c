internal import CNVML
internal import StrictJSON

/// The driver's reports, awaited in a process of its own: waiting calls into the driver too.
public enum DriverEvents {
  /// The longest line of an event. Unit: bytes.
  static let lineBytesMax = 4096

  /// Waits for events and writes each as one line to descriptor 3, until nobody reads any more or
  /// the process that started this one ends. After a failure it waits before it asks again: the
  /// driver's own wait returns at once then.
  ///
  /// - Returns: False when nobody reads any more.
  public static func write(_ search: Probe.NVMLSearch) -> Bool {
    Syscalls.dieWithParent()
    let isPrivileged = Syscalls.isPrivileged()
    let (paths, _) = NVMLLocator.candidates(for: search, isPrivileged: isPrivileged)
    guard case .open(let library) = NVMLLibrary.open(paths, isPrivileged: isPrivileged) else {
      return true
    }
    defer { library.close() }
    guard let set = EventSet(library) else { return true }
    defer { set.free() }
    var backoff = Backoff()
    while true {
      let (event, result) = set.wait(milliseconds: 1000)
      if let event {
        backoff.succeeded()
        guard Syscalls.write(line(event) + [UInt8(ascii: "\n")], to: DriverRecord.descriptor) else {
          return false
        }
      } else if result.code == 10 {
        // The ordinary end of a wait without an event.
        backoff.succeeded()
        if Syscalls.isPipeClosed(DriverRecord.descriptor) { return false }
      } else {
        if result.meaning == .deviceGone {
          let lost = DriverEvent(kind: .lost, uuid: nil, data: UInt64(max(0, result.code)))
          _ = Syscalls.write(line(lost) + [UInt8(ascii: "\n")], to: DriverRecord.descriptor)
        }
        // A driver that is gone does not come back into this process.
        if result.meaning == .driverGone || result.meaning == .absent { return true }
        Syscalls.sleep(milliseconds: backoff.failed())
        if Syscalls.isPipeClosed(DriverRecord.descriptor) { return false }
      }
    }
  }

  static func line(_ event: DriverEvent) -> [UInt8] {
    var writer = JSONWriter(.compact)
    writer.object { writer in
      writer.string("event", event.kind.rawValue)
      if let uuid = event.uuid { writer.string("uuid", uuid) }
      writer.int64("data", Int64(clamping: event.data))
      if let instance = event.gpuInstance { writer.int64("gpu_instance", Int64(instance)) }
      if let instance = event.computeInstance {
        writer.int64("compute_instance", Int64(instance))
      }
    }
    return writer.bytes
  }

  /// Reads one line; nil when it is none of ours.
  static func event(_ line: [UInt8]) -> DriverEvent? {
    let limits = JSONLimits(
      documentBytesMax: lineBytesMax, depthMax: 2, arrayElementsMax: 1, objectMembersMax: 8,
      stringBytesMax: 512, numberBytesMax: 32, errorsMax: 1)
    guard let document = try? JSONDocument(line, limits: limits) else { return nil }
    let instance: ClosedRange<Int64> = 0...Int64(UInt32.max) - 1
    return try? document.decode { root in
      try root.object { fields in
        let word = fields.string("event", 1...32)
        let uuid = fields.optionalString("uuid", 1...512)
        let data = fields.int64("data", in: 0...Int64.max)
        let gpu = fields.optionalInt64("gpu_instance", in: instance)
        let compute = fields.optionalInt64("compute_instance", in: instance)
        guard let kind = DriverEvent.Kind(rawValue: try word.value) else {
          throw root.refuse("not an event of ours")
        }
        return DriverEvent(
          kind: kind, uuid: try uuid.value?.printable, data: UInt64(try data.value),
          gpuInstance: try gpu.value.map { UInt32($0) },
          computeInstance: try compute.value.map { UInt32($0) })
      }
    }
  }

  /// Kinds by NVML's bit.
  static let kinds: [(bit: UInt64, kind: DriverEvent.Kind)] = [
    (UInt64(CNVML_EVENT_XID), .xid), (UInt64(CNVML_EVENT_SINGLE_BIT), .singleBit),
    (UInt64(CNVML_EVENT_DOUBLE_BIT), .doubleBit),
    (UInt64(CNVML_EVENT_SINGLE_BIT_STORM), .singleBitStorm),
    (UInt64(CNVML_EVENT_RETIREMENT), .retirement),
    (UInt64(CNVML_EVENT_RETIREMENT_FAILED), .retirementFailed),
    (UInt64(CNVML_EVENT_FATAL_POISON), .fatalPoison),
    (UInt64(CNVML_EVENT_UNAVAILABLE), .unavailable),
    (UInt64(CNVML_EVENT_RECOVERY_ACTION), .recoveryAction),
  ]

  static func kind(_ bits: UInt64) -> DriverEvent.Kind {
    kinds.first { bits & $0.bit != 0 }?.kind ?? .other
  }
}

/// A set of events on which one can wait.
private struct EventSet {
  private let library: NVMLLibrary
  private let set: cnvml_event_set
  /// A GPU's identifier by its handle. NVML reports an event of a MIG device by its GPU's handle
  /// and the numbers of its instances.
  private let uuids: [UInt: String]

  /// Registers what each GPU supports; nil when there is no set or no GPU takes part.
  init?(_ library: NVMLLibrary) {
    var created: cnvml_event_set?
    guard cnvml_event_set_create(library.table, &created) == 0, let set = created else {
      return nil
    }
    let wanted = DriverEvents.kinds.reduce(0) { $0 | $1.bit }
    var uuids: [UInt: String] = [:]
    for index in 0..<min(library.deviceCount().count, ProbeLimits.gpus) {
      guard let device = library.device(at: index).device else { continue }
      let supported =
        library.wide(CNVML_U64_EVENT_TYPES, of: device).value ?? UInt64(CNVML_EVENT_XID)
      let code = cnvml_register_events(library.table, device.handle, supported & wanted, set)
      guard code == 0, let uuid = library.text(CNVML_TEXT_UUID, of: device).value else { continue }
      uuids[UInt(bitPattern: device.handle)] = uuid
    }
    self.library = library
    self.set = set
    self.uuids = uuids
    if uuids.isEmpty {
      free()
      return nil
    }
  }

  func free() { _ = cnvml_event_set_free(library.table, set) }

  func wait(milliseconds: UInt32) -> (event: DriverEvent?, result: NVMLReturn) {
    var event = cnvml_event()
    let result = NVMLReturn(
      code: cnvml_event_set_wait(library.table, set, &event, milliseconds))
    guard result.isSuccess else { return (nil, result) }
    func instance(_ number: UInt32) -> UInt32? { number == CNVML_NOT_TOLD_32 ? nil : number }
    return (
      DriverEvent(
        kind: DriverEvents.kind(event.type),
        uuid: uuids[UInt(bitPattern: event.device)], data: event.data,
        gpuInstance: instance(event.gpu_instance),
        computeInstance: instance(event.compute_instance)), result
    )
  }
}

/// Events from a started process, taken without waiting. The process is started again, later each
/// time, when it ends.
public struct DriverEventStream: ~Copyable {
  /// Events kept by one look; the rest is dropped and counted. Unit: events.
  public static let eventsMax = 256

  private let program: String
  private let arguments: [String]
  private var child: Syscalls.Child?
  private var lines = LineBuffer(lineBytesMax: DriverEvents.lineBytesMax)
  private var backoff = Backoff(firstMilliseconds: 1000, longestMilliseconds: 300_000)
  private var notBefore: UInt64 = 0

  /// A stream from a program that calls ``DriverEvents/write(_:)`` when it gets these arguments.
  public init(program: String, arguments: [String]) {
    self.program = program
    self.arguments = arguments
  }

  deinit {
    if let child, Syscalls.end(child) == .stuck { StuckAskers.shared.add(child) }
  }

  /// The events since the last look, and how many were dropped.
  public mutating func take() -> (events: [DriverEvent], dropped: Int) {
    let now = Syscalls.monotonicNanoseconds()
    if child == nil, now >= notBefore, StuckAskers.shared.refusal() == nil {
      child = Syscalls.spawn(program, arguments).child
      lines = LineBuffer(lineBytesMax: DriverEvents.lineBytesMax)
      notBefore = now &+ UInt64(backoff.failed()) &* 1_000_000
    }
    var events: [DriverEvent] = []
    var dropped = 0
    while let running = child {
      guard case .bytes(let bytes) = Syscalls.receive(running, until: 0) else { break }
      guard lines.append(bytes) else {
        end(running)
        break
      }
      while let line = lines.next() {
        guard let event = DriverEvents.event(line), events.count < Self.eventsMax else {
          dropped += 1
          continue
        }
        backoff.succeeded()
        events.append(event)
      }
      if dropped > 65_536 { break }
    }
    if let running = child, Syscalls.hasEnded(running) { end(running) }
    return (events, dropped)
  }

  private mutating func end(_ running: Syscalls.Child) {
    if Syscalls.end(running) == .stuck { StuckAskers.shared.add(running) }
    child = nil
  }
}
