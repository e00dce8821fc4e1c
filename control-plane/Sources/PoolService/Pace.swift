import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes

/// A connection whose sender has to keep a pace, so that nobody holds one by sending a request
/// slowly: the head of a request within 5 s of its first byte, and a body with 1 KiB a second.
struct PacedChannel: ServerChildChannel {
  typealias Value = HTTP1Channel.Value

  /// Most of all headers of a request, and of one. Unit: bytes.
  static let headerBytesMax = 16 << 10
  /// Most headers of a request.
  static let headersMax = 100

  private let base: HTTP1Channel

  init(_ responder: @escaping HTTPChannelHandler.Responder) {
    base = HTTP1Channel(
      responder: responder,
      configuration: HTTP1Channel.Configuration(
        additionalChannelHandlers: [ReceivedParts()], idleTimeout: .seconds(30),
        httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
          maxHeaderFieldSize: Self.headerBytesMax, maxHeaderListSize: Self.headerBytesMax,
          maxHeaderFieldCount: Self.headersMax)))
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(ReceivedBytes())
    }.flatMap { base.setup(channel: channel, logger: logger) }
  }

  func handle(value: Value, logger: Logger) async {
    await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) {
      await base.handle(value: value, logger: logger)
    }
  }
}

/// Counts what comes in before it is read as HTTP, and ends a connection that is behind its pace.
private final class ReceivedBytes: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// What is being received.
  enum Phase {
    /// Nothing of a request.
    case idle
    /// Its head.
    case head
    /// Its body; so many bytes since it was looked at last.
    case body(Int)
  }

  /// How long a head may take, and how often a body is looked at.
  private static let span = TimeAmount.seconds(5)
  /// Least of a body in that time. Unit: bytes.
  private static let bodyLeast = 5 << 10

  private var phase = Phase.idle
  private var timer: Scheduled<Void>?
  /// Requests whose head came in, and which were not answered to the end.
  var open = 0
  /// Whether an answer was begun and not ended.
  var isAnswering = false

  /// Another part of a request begins.
  func enter(_ phase: Phase) {
    self.phase = phase
    timer?.cancel()
    timer = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch phase {
    case .idle: phase = .head
    case .head: break
    case .body(let count): phase = .body(count + unwrapInboundIn(data).readableBytes)
    }
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    watch(context)
    context.fireChannelReadComplete()
  }

  func handlerRemoved(context: ChannelHandlerContext) { enter(.idle) }

  /// What came whole with one read is not watched at all.
  private func watch(_ context: ChannelHandlerContext) {
    if case .idle = phase { return }
    guard timer == nil else { return }
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.span) {
      self.look(context)
    }
  }

  private func look(_ context: ChannelHandlerContext) {
    timer = nil
    switch phase {
    case .idle: return
    case .body(let count) where count >= Self.bodyLeast:
      phase = .body(0)
      watch(context)
    case .head, .body:
      // Another answer may be due, or half sent: nothing is said into that.
      var isFirst = open == 0
      if case .body = phase { isFirst = open == 1 }
      if isFirst, !isAnswering {
        let answer =
          "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
      }
      context.close(promise: nil)
    }
  }
}

/// Tells which part of a request the bytes are of.
private final class ReceivedParts: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private var bytes: ReceivedBytes?

  func handlerAdded(context: ChannelHandlerContext) {
    bytes = try? context.pipeline.syncOperations.handler(type: ReceivedBytes.self)
  }

  func handlerRemoved(context: ChannelHandlerContext) { bytes = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head:
      bytes?.open += 1
      bytes?.enter(.body(0))
    case .body: break
    case .end: bytes?.enter(.idle)
    }
    context.fireChannelRead(data)
  }

  func write(
    context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
  ) {
    switch unwrapOutboundIn(data) {
    case .head: bytes?.isAnswering = true
    case .body: break
    case .end:
      bytes?.isAnswering = false
      bytes?.open -= 1
    }
    context.write(data, promise: promise)
  }
}
