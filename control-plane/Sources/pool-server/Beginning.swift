import ArgumentParser
import Foundation
import Synchronization

/// What came of what there is to do once a server listens; it ends where that fails.
final class Beginning: Sendable {
  private let hasFailed = Atomic(false)

  /// Says why it failed, and has the server end.
  func fail(_ error: any Error) {
    DevCommand.say("error: \(error)")
    hasFailed.store(true, ordering: .relaxed)
    kill(getpid(), SIGTERM)
  }

  /// - Throws: the exit code, where it failed.
  func check() throws {
    if hasFailed.load(ordering: .relaxed) { throw ExitCode(1) }
  }
}
