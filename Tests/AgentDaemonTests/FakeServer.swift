import Foundation
import Synchronization

/// A very small HTTP server on this machine: one request a connection.
final class FakeServer: Sendable {
  struct Request: Sendable {
    var path: String
    var secret: String
    var body: Data
  }

  struct Response: Sendable {
    var status: Int
    var body = ""
    /// Where else to ask.
    var location: String?
  }

  let port: UInt16
  private let listener: Int32
  private let isOpen = Mutex(true)

  /// Answers every request with what `answer` says; it may take its time, on a thread of its own.
  init(_ answer: @escaping @Sendable (Request) -> Response) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard listener >= 0 else { throw POSIXError(.EIO) }
    _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(listener, address, length) == 0 && listen(listener, 64) == 0
          && getsockname(listener, address, &length) == 0
      }
    }
    guard isBound else { throw POSIXError(.EADDRINUSE) }
    self.listener = listener
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0, isOpen.withLock({ $0 }) else {
          if connection >= 0 { close(connection) }
          return
        }
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        Thread.detachNewThread { Self.serve(connection, answer) }
      }
    }
  }

  var url: String { "http://127.0.0.1:\(port)" }

  /// Answers nobody any more.
  func shutDown() {
    isOpen.withLock { $0 = false }
    shutdown(listener, Int32(SHUT_RDWR))
  }

  private static func serve(_ connection: Int32, _ answer: (Request) -> Response) {
    defer { close(connection) }
    guard let request = read(connection) else { return }
    let response = answer(request)
    let body = Data(response.body.utf8)
    // 204 has no body, not even an empty one.
    let length = response.status == 204 ? "" : "Content-Length: \(body.count)\r\n"
    let location = response.location.map { "Location: \($0)\r\n" } ?? ""
    let head =
      "HTTP/1.1 \(response.status) X\r\n\(length)\(location)Connection: close\r\n\r\n"
    let bytes = Array(Data(head.utf8) + (response.status == 204 ? Data() : body))
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        send(
          connection, bytes.baseAddress?.advanced(by: offset), bytes.count - offset,
          Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      offset += count
    }
  }

  private static func read(_ connection: Int32) -> Request? {
    var data = Data()
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      if let end = data.range(of: Data("\r\n\r\n".utf8)) {
        let head = String(decoding: data[..<end.lowerBound], as: UTF8.self)
        let lines = head.components(separatedBy: "\r\n")
        let length = header("content-length", lines).flatMap { Int($0) } ?? 0
        if data.count - end.upperBound >= length {
          let words = lines[0].split(separator: " ")
          guard words.count > 1 else { return nil }
          let bearer = header("authorization", lines) ?? ""
          return Request(
            path: String(words[1]), secret: String(bearer.dropFirst("Bearer ".count)),
            body: data[end.upperBound...].prefix(length))
        }
      }
      let count = recv(connection, &chunk, chunk.count, 0)
      guard count > 0 else { return nil }
      data.append(contentsOf: chunk[..<count])
    }
  }

  private static func header(_ name: String, _ lines: [String]) -> String? {
    lines.first { $0.lowercased().hasPrefix(name + ":") }.map {
      $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
    }
  }
}
