import Glibc

/// What started the program, if that wants to know how it is: systemd's protocol (sd_notify(3)), a
/// datagram to the socket that NOTIFY_SOCKET names. Where there is none, nothing is said.
public struct Supervisor: Sendable {
  private let path: String?
  /// How often it shall be told that the program lives: twice as often as it asks for; nil: it does
  /// not ask. Unit: microseconds.
  public let interval: Int?

  /// Finds it in the environment.
  public init() {
    path = Self.variable("NOTIFY_SOCKET")
    let asked = path == nil ? nil : Self.variable("WATCHDOG_USEC").flatMap { Int($0) }
    interval = asked.map { max(1, $0 / 2) }
  }

  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Says that the program is ready for its work.
  public func ready() { say("READY=1") }

  /// Says that the program gets on, if that is asked for.
  public func lives() { if interval != nil { say("WATCHDOG=1") } }

  /// Says that the program ends.
  public func stopping() { say("STOPPING=1") }

  private func say(_ text: String) {
    guard let path else { return }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
    withUnsafeMutableBytes(of: &address.sun_path) { place in
      for (index, byte) in bytes.enumerated() { place[index] = byte }
      // A name with @ in front is not in the file system.
      if bytes.first == UInt8(ascii: "@") { place[0] = 0 }
    }
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let socket = Glibc.socket(AF_UNIX, kind, 0)
    guard socket >= 0 else { return }
    defer { close(socket) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    let message = Array(text.utf8)
    // Whoever does not read must not keep the program from its work.
    let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
    _ = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(socket, message, message.count, flags, $0, length)
      }
    }
  }
}
