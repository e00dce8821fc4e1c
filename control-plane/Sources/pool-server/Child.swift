import Foundation
import PoolStore
import Synchronization

/// The agent of this machine as a child process, which ends with this one.
final class Child: Sendable {
  private let process = Mutex<Process?>(nil)

  /// Starts it.
  func start(_ program: String, _ arguments: [String]) throws {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: program)
    child.arguments = arguments
    child.standardInput = FileHandle.nullDevice
    try child.run()
    process.withLock { $0 = child }
  }

  /// Ends it, and waits until it has.
  func end() {
    process.withLock { process in
      guard let child = process, child.isRunning else { return }
      child.terminate()
      child.waitUntilExit()
      process = nil
    }
  }

  /// What a program says.
  /// - Throws: `StoreError` where it fails.
  static func output(of program: String, _ arguments: [String]) throws -> [UInt8] {
    let child = Process()
    let pipe = Pipe()
    child.executableURL = URL(fileURLWithPath: program)
    child.arguments = arguments
    child.standardInput = FileHandle.nullDevice
    // Its notes come once more from the agent that is started.
    child.standardError = FileHandle.nullDevice
    child.standardOutput = pipe
    try child.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    child.waitUntilExit()
    guard child.terminationStatus == 0 else {
      throw StoreError(
        .unavailable, "\(program) \(arguments.joined(separator: " ")) failed",
        remedy: "run it by hand and see why")
    }
    return Array(data)
  }
}
