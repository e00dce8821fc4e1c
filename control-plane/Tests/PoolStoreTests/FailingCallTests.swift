import Foundation
import Glibc
import PoolAllocator
import PoolStore
import Testing

/// A writer of which one call of the system fails, each in its turn, until there is none left to
/// fail.
@Suite(.serialized) struct FailingCallTests {
  private static var built: URL {
    get throws {
      let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      return URL(fileURLWithPath: own).deletingLastPathComponent()
    }
  }

  /// What became of a writer.
  private struct Outcome {
    /// The last request of which it said that it is durable.
    var durable: UInt64
    /// Whether the call was made that was to fail.
    var isFired: Bool
    var status: Int32
  }

  private func write(_ scratch: Scratch, failing call: Int, with error: CInt) throws -> Outcome {
    let fired = scratch.path + "-fired"
    defer { try? FileManager.default.removeItem(atPath: fired) }
    let process = Process()
    process.executableURL = try Self.built.appendingPathComponent("store-lab")
    process.arguments = ["write", scratch.path, "4"]
    process.environment = [
      "LD_PRELOAD": try Self.built.appendingPathComponent("libFailingCalls.so").path,
      "FAIL_CALL": "\(call)", "FAIL_ERROR": "\(error)", "FAIL_FIRED": fired,
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let said = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let lines = String(decoding: said, as: UTF8.self).split(separator: "\n")
    let durable = lines.last { $0.hasPrefix("durable ") }?.dropFirst(8)
    return Outcome(
      durable: durable.flatMap { UInt64($0) } ?? 0,
      isFired: FileManager.default.fileExists(atPath: fired), status: process.terminationStatus)
  }

  /// Whatever fails, a writer never says that something is durable which is not there afterwards.
  @Test(arguments: [EIO, ENOSPC]) func whateverFailsNothingThatWasSaidIsLost(error: CInt) throws {
    var (calls, ended) = (0, 0)
    while true {
      let scratch = Scratch()
      calls += 1
      let outcome = try write(scratch, failing: calls, with: error)
      let recovered = try scratch.store().recover()
      #expect(recovered.records >= outcome.durable, "call \(calls)")
      recovered.pool.checkInvariants()
      if outcome.status != 0 { ended += 1 }
      guard outcome.isFired else {
        #expect(outcome.status == 0 && outcome.durable > 0)
        break
      }
      try #require(calls < 10_000)
    }
    print("\(calls - 1) calls failed in their turn with \(error): \(ended) ended the writer")
    #expect(calls > 40 && ended > 10)
  }
}
