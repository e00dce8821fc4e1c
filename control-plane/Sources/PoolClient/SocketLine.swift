import Foundation
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOPosix

/// A server behind a Unix socket of this machine: one connection for each request.
struct SocketLine: Sendable {
  /// Most bytes of an answer.
  private static let answerMax = 64 << 20
  let path: String

  /// Asks.
  /// - Parameter limit: how long the whole answer may take.
  /// - Throws: `ClientError.unreachable` where nobody answers there.
  func ask(
    _ method: String, _ target: String, _ headers: [(String, String)], _ body: Data?,
    within limit: Duration
  ) async throws(ClientError) -> Reply {
    let start = ContinuousClock.now
    do {
      return try await exchange(method, target, headers, body, within: limit)
    } catch ClientError.unreachable(let what) {
      throw .unreachable("\(path): \(what)")
    } catch {
      // A connection that was cut off in its middle fails in one way or another.
      let isLate = ContinuousClock.now - start >= limit
      throw .unreachable(
        isLate
          ? "\(path): no answer within \(limit); see whether the server there is well"
          : "\(path): \(error)")
    }
  }

  private func exchange(
    _ method: String, _ target: String, _ headers: [(String, String)], _ body: Data?,
    within limit: Duration
  ) async throws -> Reply {
    guard let method = HTTPRequest.Method(method) else {
      throw ClientError.unreachable("\(method) is no method")
    }
    var fields: HTTPFields = [.connection: "close", .contentLength: "\(body?.count ?? 0)"]
    for (name, value) in headers {
      if let name = HTTPField.Name(name) { fields[name] = value }
    }
    let request = HTTPRequest(
      method: method, scheme: "http", authority: "localhost", path: target, headerFields: fields)
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connect(
      unixDomainSocketPath: path
    ) { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHTTPClientHandlers()
        try channel.pipeline.syncOperations.addHandler(HTTP1ToHTTPClientCodec())
        return try NIOAsyncChannel<HTTPResponsePart, HTTPRequestPart>(
          wrappingChannelSynchronously: channel)
      }
    }
    let socket = channel.channel
    let end = socket.eventLoop.scheduleTask(in: TimeAmount(limit)) { socket.close(promise: nil) }
    defer { end.cancel() }
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(.head(request))
      if let body { try await outbound.write(.body(ByteBuffer(bytes: body))) }
      try await outbound.write(.end(nil))
      return try await Self.reply(inbound)
    }
  }

  private static func reply(
    _ inbound: NIOAsyncChannelInboundStream<HTTPResponsePart>
  ) async throws -> Reply {
    var (status, retryAfter, bytes) = (0, Int?.none, Data())
    for try await part in inbound {
      switch part {
      case .head(let head):
        status = head.status.code
        retryAfter = head.headerFields[.retryAfter].flatMap { Int($0) }
      case .body(let buffer):
        guard bytes.count + buffer.readableBytes <= answerMax else {
          throw ClientError.unreachable("the answer has more than \(answerMax) bytes")
        }
        bytes.append(contentsOf: buffer.readableBytesView)
      case .end: return Reply(status: status, body: bytes, retryAfter: retryAfter)
      }
    }
    throw Unanswered()
  }
}

/// The connection ended before an answer came.
private struct Unanswered: Error, CustomStringConvertible {
  var description: String { "it ended before it answered" }
}
