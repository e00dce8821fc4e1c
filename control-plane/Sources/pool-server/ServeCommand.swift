import ArgumentParser
import Dispatch
import Foundation
import PoolConsole
import PoolService
import PoolStore

/// `pool-server serve`: the leader of a cluster.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serves a cluster: agents on other nodes, schedulers and people.",
    discussion: """
      Without --tls-certificate it listens on a loopback address alone. --operator-file is written \
      once, with a credential for 30 days: it makes all others (poolctl credential). \
      --identity-providers names those whose tokens (JWT) are taken too; at --socket the users of \
      this machine whom --socket-peers names need none. Once a policy is in force, another one is \
      proposed and approved (poolctl policy propose), unless --direct-policy lets an operator \
      decide alone. Where systemd started it, it says when it is ready and that it lives.
      """)

  @OptionGroup var state: StateOptions
  @OptionGroup var checks: CheckOptions
  @Option(help: "Address and port.")
  var listen = "127.0.0.1:7070"
  @Option(help: "The certificate and the chain behind it, PEM.")
  var tlsCertificate: String?
  @Option(help: "Its private key, PEM.")
  var tlsKey: String?
  @Option(help: "A policy to put in force where there is none; see --direct-policy.")
  var policy: String?
  @Flag(help: "An operator alone may put a later policy in force, and so may --policy.")
  var directPolicy = false
  @Option(help: "A client file for the first operator, made if it is not there.")
  var operatorFile: String?
  @Option(help: "The address that clients are told, such as https://pool.example:7070.")
  var address: String?
  @Option(help: "The server's name in delegation tokens.")
  var audience = Server.audience
  @OptionGroup var callers: CallerOptions
  @Option(help: "A Unix socket to listen at, too, mode 660.")
  var socket: String?
  @Option(help: "Who the users of this machine are that ask at the socket.")
  var socketPeers: String?

  func run() async throws {
    let listen = try ListenAddress(listen)
    let tls = try files(listen)
    let supervisor = Supervisor()
    do {
      let providers = try await callers.providers()
      let socket = try localSocket()
      let server = try Server.begun(
        at: state.folder, audience: audience, checksFirst: checks.checkFirst)
      if let policy {
        let isInForce = try await server.activate(
          file: policy, by: "file:\(policy)", onlyFirst: !directPolicy)
        if !isInForce {
          DevCommand.say(
            "note: \(policy) is later than the policy in force, and others have to approve it:"
              + " poolctl policy propose")
        }
      }
      let beginning = Beginning()
      try await server.run(
        host: listen.host, port: listen.port, tls: tls, providers: providers, socket: socket,
        isPolicyDirect: directPolicy
      ) { port in
        do {
          let scheme = tls == nil ? "http" : "https"
          try await begin(server, address ?? "\(scheme)://\(listen.host):\(port)")
          supervisor.ready()
          supervisor.beat(while: { server.decider.isReady })
        } catch {
          beginning.fail(error)
        }
      }
      supervisor.stopping()
      await server.decider.stop()
      try beginning.check()
    } catch let error as StoreError {
      DevCommand.say("error: \(error)")
      throw ExitCode(error.kind == .inUse ? 2 : 1)
    }
  }

  /// The files of TLS, without which no other machine may ask.
  private func files(_ listen: ListenAddress) throws -> TLSFiles? {
    switch (tlsCertificate, tlsKey) {
    case (let certificate?, let key?): return TLSFiles(certificate: certificate, key: key)
    case (nil, nil) where listen.isLoopback: return nil
    case (nil, nil):
      throw ValidationError(
        "\"\(listen.host)\" can be reached from elsewhere: name --tls-certificate and --tls-key"
      )
    default: throw ValidationError("--tls-certificate and --tls-key go together")
    }
  }

  private func localSocket() throws -> LocalSocket? {
    switch (socket, socketPeers) {
    case (let path?, let file?): return try LocalSocket(path, try SocketPeers(file: file))
    case (nil, nil): return nil
    default: throw ValidationError("--socket and --socket-peers go together")
    }
  }

  private func begin(_ server: Server, _ address: String) async throws {
    if let file = operatorFile, !FileManager.default.fileExists(atPath: file) {
      try await server.writeClient(
        file, address: address, for: Identity("operator:first", .operator), seconds: 2_592_000,
        by: "file:\(file)")
    }
    FileHandle.standardOutput.write(
      Data("pool-server is ready at \(address); its state is in \(state.folder)\n".utf8))
  }
}

extension Supervisor {
  /// Says from now on, as long as all is well, that the server lives.
  fileprivate func beat(while isWell: @escaping @Sendable () -> Bool) {
    guard let interval else { return }
    DispatchQueue.global().asyncAfter(deadline: .now() + .microseconds(interval)) {
      if isWell() { lives() }
      beat(while: isWell)
    }
  }
}
