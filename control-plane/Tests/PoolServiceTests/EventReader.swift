import Dispatch
import Foundation
import Glibc

/// Reads a stream of events over a connection of its own, away from the threads of tasks.
struct EventReader {
  struct Event: Equatable, Sendable {
    var id: String?
    var name = ""
    var data = ""

    /// The data as one JSON object.
    var object: [String: Any] {
      (try? JSONSerialization.jsonObject(with: Data(data.utf8))) as? [String: Any] ?? [:]
    }
  }

  /// A read that takes longer ends the stream. Unit: seconds.
  private static let patience = 30
  private let connection: Connection
  private var events: AsyncStream<Event>.Iterator

  /// A socket that ends with its reader.
  private final class Connection: Sendable {
    let file: Int32
    init(_ file: Int32) { self.file = file }
    deinit { Glibc.close(file) }
  }

  /// Asks for a stream.
  /// - Parameter after: the id of the last event that is known.
  init(port: Int, token: String, _ path: String, after: String? = nil) throws {
    let connection = Connection(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
    let file = connection.file
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let isConnected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    var limit = timeval(tv_sec: Self.patience, tv_usec: 0)
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard isConnected else { throw CocoaError(.fileReadUnknown) }
    let resume = after.map { "Last-Event-ID: \($0)\r\n" } ?? ""
    let request = Array(
      ("GET /\(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n"
        + "\(resume)Connection: close\r\n\r\n").utf8)
    _ = send(file, request, request.count, Int32(MSG_NOSIGNAL))
    self.connection = connection
    let (stream, next) = AsyncStream.makeStream(of: Event.self)
    events = stream.makeAsyncIterator()
    DispatchQueue(label: "events").async { Self.read(connection, next) }
  }

  /// The next event; nil where the stream ended.
  mutating func next() async -> Event? { await events.next() }

  /// The next event that is so, past others.
  mutating func next(where isSo: (Event) -> Bool) async -> Event? {
    while let event = await next() {
      if isSo(event) { return event }
    }
    return nil
  }

  /// Goes away.
  func close() { shutdown(connection.file, Int32(SHUT_RDWR)) }

  /// Reads lines; the head and the sizes of chunks begin with none of the words of an event.
  private static func read(
    _ connection: Connection, _ next: AsyncStream<Event>.Continuation
  ) {
    var (text, event) = ([UInt8](), Event())
    var part = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(connection.file, &part, part.count, 0)
      guard count > 0 else { return next.finish() }
      text += part[..<count]
      while let end = text.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: text[..<end], as: UTF8.self)
        text.removeSubrange(...end)
        if line.isEmpty, !event.name.isEmpty {
          next.yield(event)
          event = Event()
        } else if line.hasPrefix("id: ") {
          event.id = String(line.dropFirst(4))
        } else if line.hasPrefix("event: ") {
          event.name = String(line.dropFirst(7))
        } else if line.hasPrefix("data: ") {
          event.data = String(line.dropFirst(6))
        }
      }
    }
  }
}
