import Hummingbird

extension API { func metrics(_ request: Request) async throws -> Response { .text("") } }
