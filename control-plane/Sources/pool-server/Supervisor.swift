import Dispatch
import Foundation
import Glibc

/// What started the program, if that wants to know how it is: systemd's protocol, a datagram to the
/// socket that NOTIFY_SOCKET names.
final class Supervisor: Sendable {
  private let path: String?
  /// How often it is told that the program lives: twice as often as it asks for. Unit:
  /// microseconds.
  private let interval: Int?

  init() {
    let environment = ProcessInfo.processInfo.environment
    path = environment["NOTIFY_SOCKET"]
    interval = environment["WATCHDOG_USEC"].flatMap { Int($0) }.map { max(1, $0 / 2) }
  }

  /// Says that it is ready, and from then on, as long as that is so, that it lives.
  func ready(while isWell: @escaping @Sendable () -> Bool) {
    say("READY=1")
    beat(isWell)
  }

  /// Says that it ends.
  func stopping() { say("STOPPING=1") }

  private func beat(_ isWell: @escaping @Sendable () -> Bool) {
    guard path != nil, let interval else { return }
    DispatchQueue.global().asyncAfter(deadline: .now() + .microseconds(interval)) { [self] in
      if isWell() { say("WATCHDOG=1") }
      beat(isWell)
    }
  }

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
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    guard socket >= 0 else { return }
    defer { close(socket) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    let message = Array(text.utf8)
    _ = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(socket, message, message.count, Int32(MSG_NOSIGNAL), $0, length)
      }
    }
  }
}
