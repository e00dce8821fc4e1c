import Foundation
import PoolAllocator
import PoolRecord
import PoolStore
import Testing

/// Processes that are killed while they write, and disks that are full.
@Suite(.serialized) struct CrashTests {
  private static var lab: String {
    get throws {
      let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      return URL(fileURLWithPath: own).deletingLastPathComponent().path + "/store-lab"
    }
  }

  /// Runs a writer until something ends it.
  /// - Returns: the last request of which it said that it is durable, and what it said last.
  private func write(
    _ scratch: Scratch, _ before: String = "", killedAfter seconds: Double?
  ) throws -> (durable: UInt64, last: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "\(before) exec \(try Self.lab) write \(scratch.path)"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    if let seconds {
      DispatchQueue.global().asyncAfter(deadline: .now() + seconds) {
        kill(process.processIdentifier, SIGKILL)
      }
    }
    let said = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let lines = String(decoding: said, as: UTF8.self).split(separator: "\n")
    let durable = lines.last { $0.hasPrefix("durable ") }?.dropFirst(8)
    return (durable.flatMap { UInt64($0) } ?? 0, lines.last.map { String($0) } ?? "")
  }

  /// A request that was said to be durable is in the journal, its name is bound, and deciding
  /// everything again gives the same bytes.
  @Test func nothingThatWasSaidIsLost() throws {
    let scratch = Scratch()
    var dice = Dice(3)
    var said = UInt64(0)
    for kill in 0..<Trials.count(50) {
      let seconds = Double.random(in: 0.02...0.25, using: &dice)
      said = max(said, try write(scratch, killedAfter: seconds).durable)
      let store = try scratch.store()
      let recovered = try store.recover()
      #expect(recovered.records >= said, "kill \(kill)")
      recovered.pool.checkInvariants()
      if kill % 10 == 9 {
        let found = try store.verify()
        #expect(found.difference == nil)
        #expect(UInt64(found.decided) == recovered.records)
      }
    }
    print("killed \(Trials.count(50)) times: \(said) requests were said to be durable")
    #expect(said > 0)
  }

  @Test func aFullDiskEndsTheWriterAndLosesNothing() throws {
    let scratch = Scratch()
    try scratch.fill(batches: 1)
    // Files may not grow further; the write fails instead of the signal.
    let (said, last) = try write(
      scratch, "trap '' XFSZ; ulimit -f 1500;", killedAfter: nil)
    #expect(said > 0)
    #expect(last.contains("not durable"))
    let recovered = try scratch.store().recover()
    #expect(recovered.records >= said)
  }
}
