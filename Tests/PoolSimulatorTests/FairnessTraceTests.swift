import PoolAllocator
import Testing

@testable import PoolSimulator

/// Traces of real clusters: what is read, what is refused, and where.
struct FairnessTraceTests {
  private static let header = FairnessTrace.header

  private func trace(_ lines: [String]) throws -> FairnessTrace {
    try FairnessTrace(Array((lines.joined(separator: "\n") + "\n").utf8))
  }

  private func fault(_ lines: [String]) -> TraceError? {
    do {
      _ = try trace(lines)
      return nil
    } catch {
      return error as? TraceError
    }
  }

  @Test func jobsComeInTheOrderOfTime() throws {
    let trace = try trace([Self.header, "b,0,20,1,5", "a,0,10,12,7\r", "b,1,20,64,9"])
    #expect(trace.tenants == ["b", "a"])
    #expect(trace.jobs.map(\.arrives.ns) == [10, 20, 20].map { $0 * 1_000_000_000 })
    #expect(trace.jobs.map(\.members) == [2, 1, 8] && trace.jobs.map(\.gpus) == [6, 1, 8])
    #expect(trace.jobs.map(\.runs) == [.seconds(7), .seconds(5), .seconds(9)])
    let mix = trace.mix(nodes: nil)
    #expect(mix.nodes == 8, "the gang of 64 GPUs needs 8 nodes")
    #expect(mix.end == .origin + .seconds(20))
    #expect(trace.mix(nodes: 20).gpus == 160)
  }

  @Test(arguments: [
    ("", 1, "the first line must be"),
    ("job,vc", 1, "the first line must be"),
    ("a,0,1,1", 3, "4 fields"),
    ("a,0,1,1,5,6", 3, "6 fields"),
    (",0,1,1,5", 3, "vc is no"),
    ("a,x,1,1,5", 3, "job is no whole number"),
    ("a,0,-1,1,5", 3, "submit_s is no whole number from 0"),
    ("a,0,1.5,1,5", 3, "submit_s is no"),
    ("a,0,+1,1,5", 3, "submit_s is no"),
    ("a,0,1,0,5", 3, "gpus is no whole number from 1 to 512"),
    ("a,0,1,513,5", 3, "gpus is no"),
    ("a,0,1,509,5", 3, "509 GPUs cannot be split"),
    ("a,0,1,1,0", 3, "duration_s is no"),
    ("a,0,1,1,31536001", 3, "duration_s is no"),
    ("a,0,1,1,99999999999999999999", 3, "duration_s is no"),
    ("a,0,1,1,", 3, "duration_s is no"),
  ])
  func whatIsWrongIsToldWithItsLine(line: String, number: Int, message: String) {
    let lines = number == 1 ? [line] : [Self.header, "a,0,1,1,5", line]
    let fault = fault(lines)
    #expect(fault?.line == number)
    #expect(fault?.message.contains(message) == true, "\(fault?.message ?? "nothing")")
  }

  @Test func sizesAreBounded() {
    #expect(fault([Self.header])?.message == "no job follows the header")
    #expect(throws: TraceError.self) { try FairnessTrace([]) }
    let long = String(repeating: "a", count: FairnessTrace.lineBytesMax)
    #expect(fault([Self.header, "\(long),0,1,1,5"])?.message.contains("longer than") == true)
    let tenants = (0...FairnessTrace.tenantsMax).map { "t\($0),0,1,1,5" }
    #expect(fault([Self.header] + tenants)?.line == FairnessTrace.tenantsMax + 2)
    let jobs = Array(repeating: "a,0,1,1,5", count: FairnessTrace.jobsMax + 1)
    #expect(fault([Self.header] + jobs)?.line == FairnessTrace.jobsMax + 2)
    #expect(throws: TraceError.self) {
      try FairnessTrace(Array("\(Self.header)\n".utf8) + [0xFF] + Array(",0,1,1,5\n".utf8))
    }
  }

  @Test func aTraceRunsAsAMix() throws {
    let lines = (0..<60).map { "vc\($0 % 3),\($0),\($0 * 10),\([1, 2, 8, 16][$0 % 4]),600" }
    let comparison = FairnessComparison(try trace([Self.header] + lines).mix(nodes: 2))
    for record in comparison.records {
      #expect(record.rows.allSatisfy { $0.ended != nil }, "\(record.scheduler)")
    }
  }
}
