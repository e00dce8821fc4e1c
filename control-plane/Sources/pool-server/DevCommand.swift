import ArgumentParser
import Foundation
import PoolService
import PoolStore
import StrictJSON

/// `pool-server dev`: a whole deployment on this machine.
struct DevCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dev",
    abstract: "Serves on this machine alone, with its own agent.",
    discussion: """
      Makes DIR (mode 700) with a journal, or goes on with the one that is there; writes \
      DIR/client.json, which poolctl --config takes; listens at DIR/pool.sock, too, where this \
      user is an operator without a credential; enrols this machine and starts its agent. It ends \
      with Ctrl-C, and its agent with it.
      """)

  @OptionGroup var state: StateOptions
  @OptionGroup var checks: CheckOptions
  @Option(help: "Address and port; a loopback address. Port 0: one that is free.")
  var listen = "127.0.0.1:7070"
  @Option(help: "A policy to put in force, if its generation is later than that in force.")
  var policy: String?
  @Option(help: "The agent's program; else pool-agent beside this one.")
  var agent: String?
  @Option(help: "Claims to place in a pool that is new, once this machine is ready.")
  var claims: String?
  @OptionGroup var callers: CallerOptions
  @Flag(help: "Start no agent: nodes are enrolled through the API.")
  var noAgent = false

  func run() async throws {
    let address = try ListenAddress(listen)
    guard address.isLoopback else {
      throw ValidationError(
        "dev listens on a loopback address alone, not on \"\(address.host)\"; serve has TLS")
    }
    let (host, port) = (address.host, address.port)
    do {
      let providers = try await callers.providers()
      let server = try Server.begun(at: state.folder, checksFirst: checks.checkFirst)
      let child = Child()
      let beginning = Beginning()
      try await server.run(
        host: host, port: port, providers: providers, socket: ownSocket(), isPolicyDirect: true
      ) { port in
        // Nobody is answered before this returns, and the agent has to be.
        Task {
          do {
            try await begin(server, "http://\(host):\(port)", child)
          } catch {
            beginning.fail(error)
          }
        }
      }
      child.end()
      await server.decider.stop()
      try beginning.check()
    } catch let error as StoreError {
      Self.say("error: \(error)")
      throw ExitCode(error.kind == .inUse ? 2 : 1)
    }
  }

  /// A socket at which this user needs no credential; none where the folder's path is too long.
  private func ownSocket() -> LocalSocket? {
    do throws(StoreError) {
      let own = Identity("dev:\(NSUserName())", .operator)
      return try LocalSocket(state.folder + "/pool.sock", SocketPeers(own: own))
    } catch {
      Self.say("note: \(error)")
      return nil
    }
  }

  /// What there is to do once the port is known.
  private func begin(_ server: Server, _ address: String, _ child: Child) async throws {
    let who = "dev:\(NSUserName())"
    let isNew = server.isNew
    if let policy { try await server.activate(file: policy, by: who) }
    let file = state.folder + "/client.json"
    try await server.writeClient(
      file, address: address, for: Identity(who, .operator), seconds: 604_800, by: who)
    if !noAgent { try await start(server, address, child) }
    if let claims, isNew { try await place(claims, server, who) }
    let lines = """
      pool-server is ready at \(address); its state is in \(state.folder)
      try: poolctl --config \(file) nodes

      """
    FileHandle.standardOutput.write(Data(lines.utf8))
  }

  /// Enrols this machine and starts its agent.
  private func start(_ server: Server, _ address: String, _ child: Child) async throws {
    let program = agent ?? Self.sibling("pool-agent")
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw ValidationError("\(program) is no program; name one with --agent, or --no-agent")
    }
    let document = try Child.output(of: program, ["advertise", "--once"])
    let node = try await server.enrol(document, by: "dev:\(NSUserName())")
    let folder = state.folder + "/agent"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    var arguments = ["run", "--server", address, "--state", folder, "--node", node]
    if !FileManager.default.fileExists(atPath: folder + "/credential") {
      let credential = try await server.issue(
        Identity("join:\(node)", .join, of: node), for: 3_600, by: "dev:\(NSUserName())")
      try PrivateFile.replace(folder + "/join", with: Array(credential.utf8))
      arguments += ["--join-file", folder + "/join"]
    }
    try child.start(program, arguments)
  }

  /// Places the claims of a document, and says what came of each.
  private func place(_ file: String, _ server: Server, _ who: String) async throws {
    guard let text = FileManager.default.contents(atPath: file) else {
      throw ValidationError("\(file) cannot be read")
    }
    do {
      for line in try await server.place(Array(text), by: who) { Self.say("  \(line)") }
    } catch let errors as JSONErrors {
      throw ValidationError(errors.formatted(file: file))
    }
  }

  private static func sibling(_ name: String) -> String {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
  }

  static func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
