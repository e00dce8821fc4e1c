internal import Glibc

/// A process by its number and the moment at which it was started: numbers are given out again.
struct ProcessName: Hashable, Sendable {
  var pid: Int32
  /// Unit: clock ticks since the boot.
  var start: UInt64

  /// This process.
  static var own: ProcessName? {
    let pid = getpid()
    return ProcessStat.read(pid).map { ProcessName(pid: pid, start: $0.start) }
  }

  /// Whether it is there and has not ended.
  var lives: Bool {
    guard let found = ProcessStat.read(pid) else { return false }
    return found.start == start && !found.isDead
  }
}

/// What /proc says of one process.
struct ProcessStat: Equatable, Sendable {
  var pid: Int32
  var group: Int32
  var session: Int32
  var start: UInt64
  /// Whether nothing of it runs any more; its parent has perhaps not taken that in yet. A process
  /// whose first thread has ended alone is not dead.
  var isDead: Bool

  /// Reads /proc/PID/stat; nil where there is no such process.
  static func read(_ pid: Int32) -> ProcessStat? {
    let descriptor = open("/proc/\(pid)/stat", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    guard count > 0 else { return nil }
    return parse(String(decoding: bytes[..<count], as: UTF8.self))
  }

  /// Reads one line of it. The name in its second field may hold anything, brackets too.
  static func parse(_ text: String) -> ProcessStat? {
    guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close,
      let pid = Int32(text[..<open].split(separator: " ").first ?? "")
    else { return nil }
    // From the third field on: state, parent, group, session …
    let fields = text[text.index(after: close)...].split(whereSeparator: \.isWhitespace)
    guard fields.count > 19, let group = Int32(fields[2]), let session = Int32(fields[3]),
      let threads = Int(fields[17]), let start = UInt64(fields[19])
    else { return nil }
    let isEnding = ["Z", "X", "x"].contains(fields[0])
    return ProcessStat(
      pid: pid, group: group, session: session, start: start, isDead: isEnding && threads <= 1)
  }

  /// Every process that is there.
  static func all() -> [ProcessStat] {
    Files.names(in: "/proc").compactMap { Int32($0) }.compactMap { read($0) }
  }
}

/// The kernel's name of the running boot.
enum Boot {
  /// Unit: bytes of the id.
  private static let idBytesMax = 128

  /// The id; nil where the kernel does not say.
  static var id: String? {
    let path = "/proc/sys/kernel/random/boot_id"
    guard let bytes = try? Files.read(path, upTo: idBytesMax) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    return text.first.map(String.init)
  }

  /// Nanoseconds since the boot, suspensions included.
  static var nanoseconds: Int64 {
    var time = timespec()
    guard clock_gettime(CLOCK_BOOTTIME, &time) == 0 else { return 0 }
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Seconds of the wall clock.
  static var wallSeconds: Int64 {
    var time = timespec()
    guard clock_gettime(CLOCK_REALTIME, &time) == 0 else { return 0 }
    return Int64(time.tv_sec)
  }
}
