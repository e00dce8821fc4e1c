import Foundation
import Hummingbird
import Logging
import PoolAllocator
import PoolService

// What `make service-figures` measures:
//   service-lab FOLDER NODES
// A server of so many nodes, and beside it the framework's trivial route, each on a free port of
// loopback. Their addresses stand in FOLDER/client.json and FOLDER/trivial. It ends on a signal.
guard CommandLine.arguments.count == 3, let count = Int(CommandLine.arguments[2]) else {
  print("usage: service-lab FOLDER NODES")
  exit(2)
}
Heap.keep()
let folder = CommandLine.arguments[1]
var logger = Logger(label: "lab")
logger.logLevel = .error
// One tenant may have as many claims wait as the flood needs.
var limits = Limits()
limits.queuedClaims = 250_000
limits.queuedClaimsPerTenant = 200_000
let server = try Server(at: folder, limits: limits, logger: logger) { error in
  print("\(error)")
  exit(1)
}
try await server.activate(Array(Documents.policy.utf8), by: "lab")
for number in 0..<count {
  _ = try await server.enrol(Array(Documents.node("n-\(number)").utf8), by: "lab")
}
let engine = server.decider
for number in 0..<count {
  var agent = try QuietAgent("n-\(number)", Documents.node("n-\(number)"))
  Task {
    var spoken = 0
    while true {
      do { try await agent.talk(to: engine) } catch { return print("n-\(number): \(error)") }
      // Twice at once, so that the node is ready; then often enough that it stays so.
      spoken += 1
      try await Task.sleep(for: .seconds(spoken < 3 ? 1 : 8))
    }
  }
}

let router = Router()
router.get("/") { _, _ in
  Response(
    status: .ok, headers: [.contentType: "application/json"],
    body: .init(byteBuffer: ByteBuffer(string: #"{"state":"granted"}"#)))
}
let trivial = Application(
  router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
  onServerRunning: { channel in
    let address = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/"
    try? Data(address.utf8).write(to: URL(fileURLWithPath: folder + "/trivial"))
  }, logger: logger)
Task { try await trivial.runService() }
try await server.run(host: "127.0.0.1", port: 0) { port in
  do {
    try await server.writeClient(
      folder + "/client.json", address: "http://127.0.0.1:\(port)",
      for: Identity("lab", .operator), seconds: 3_600, by: "lab")
  } catch {
    print("\(error)")
    exit(1)
  }
}
await engine.stop()
