import HTTPTypes
import Hummingbird
import NIOCore
import PoolIdentity

/// Streams of server-sent events. Each word says how something stands, not what happened: whoever
/// missed some of them is right again with the next one.
extension API {
  func addEvents(to router: Router<Context>) {
    let readers: Set<Role> = [.operator, .owner, .workload]
    router.get("/v1/claims/:tenant/:claim/events") { request, context in
      let asker = try await caller(request, context, readers, to: .look)
      let parameters = Parameters(context)
      let place = Followers.Place(tenant: parameters["tenant"], claim: parameters["claim"])
      guard asker.identity.mayAct(for: place.tenant) else { throw Problem.unknown }
      let following = try await engine.follow(place, by: asker, after: Self.lastEvent(request))
      guard let following else { throw Problem.unknown }
      return Self.events(following, request, context.channel)
    }
    router.get("/v1/queue/events") { request, context in
      let asker = try await caller(request, context, readers, to: .look)
      let following = try await engine.follow(
        queueOf: asker.identity.tenant, by: asker, after: Self.lastEvent(request))
      guard let following else { throw Problem.unknown }
      return Self.events(following, request, context.channel)
    }
  }

  /// The record behind which the caller was told how things stand; an id that is none of ours
  /// counts as none.
  private static func lastEvent(_ request: Request) -> UInt64? {
    HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] }.flatMap { UInt64($0) }
  }

  /// Sends what is told until it is over, the caller is gone, or its credential is. The connection
  /// ends with it.
  private static func events(
    _ following: Following, _ request: Request, _ channel: any Channel
  ) -> Response {
    let follower = following.follower
    // Whoever does not read on is cut off.
    follower.whenOver {
      channel.eventLoop.scheduleTask(in: .seconds(5)) { channel.close(promise: nil) }
    }
    let body = ResponseBody { writer in
      try await request.body.consumeWithInboundCloseHandler { _ in
        for await _ in following.pulses {
          let words = follower.take()
          if !words.isEmpty { try await writer.write(ByteBuffer(bytes: words)) }
        }
      } onInboundClosed: {
        follower.end()
      }
      let rest = follower.take()
      if !rest.isEmpty { try await writer.write(ByteBuffer(bytes: rest)) }
      try await writer.finish(nil)
    }
    return Response(
      status: .ok,
      headers: [
        .contentType: "text/event-stream", .cacheControl: "no-store", .connection: "close",
      ], body: body)
  }
}
