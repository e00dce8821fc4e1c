import ProbeFakes
import StrictJSON
import Testing

@testable import HardwareProbe

@Suite("The record that a child process writes")
struct RecordTests {
  /// A machine with a little of everything.
  static let rich =
    FakeDriver.h100(
      0,
      "bus_id = 00000000:1B:00.0\nmig_mode = on\nmig_max_devices = 7\naccounting_mode = on\n"
        + "cpu_affinity = 0-31\nmemory_affinity = 0\nfabric_state = 3\nfabric_status = 0\n"
        + "fabric_clique = 1\nfabric_cluster = 01020304-0506-0708-090a-0b0c0d0e0f10\n"
        + "GetTemperature = NO_PERMISSION\nGetPowerUsage = TIMEOUT")
    + FakeDriver.profile(0, id: 19, "1g.10gb", memory: 9984)
    + FakeDriver.mig(2, instance: 7, id: 19, "1g.10gb", memory: 9984, at: "0:1")
    + "[gpu 0 process 0]\npid = 4711\nmemory = 9 GiB\n[gpu 0 accounted 77]\nmax_memory = 2 GiB\n"
    + FakeDriver.h100(
      1,
      "serial = 17\nGetMemoryAffinity = 10\nbus_id = 00000000:43:00.0\n"
        + "nvlinks = 2\nnvlink_version = 6"
    )
    + "[gpu 1 process 0]\npid = 4712\nmemory = 1 MiB\nsm = 93\nmem = 200\n"
    + "[gpu 1 link 0]\nremote = gpu 0\n[gpu 1 link 1]\nstate = 0\n"
    + FakeDriver.h100(2, "handle = 15") + FakeDriver.h100(3, "name = \"q\\\" é\"")

  @Test("what is written is read back the same")
  func roundTrip() throws {
    let library = try #require(FakeNVML(Self.rich))
    var parts: [NVMLReader.Part] = []
    withExtendedLifetime(library) {
      NVMLReader { parts.append($0) }.run([library.path], isPrivileged: false)
    }
    #expect(parts.count == 1 + 4 + 3 + 1)
    for part in parts {
      let line = RecordLines.line(part)
      #expect(!line.contains(UInt8(ascii: "\n")))
      #expect(try RecordParser.part(line) == part)
    }
  }

  @Test(
    "statuses of libraries that do not run",
    arguments: [
      NVMLStatus.noLibrary(reason: "none"), .notTrusted(path: "/a", reason: "open"),
      .unfitLibrary(path: "/a", reason: "no symbol"),
      .driverFailed(path: "/a", code: 9, reason: "driver not loaded"),
    ])
  func statuses(_ status: NVMLStatus) throws {
    let part = NVMLReader.Part.head(status: status, cudaVersion: nil, count: 0)
    #expect(try RecordParser.part(RecordLines.line(part)) == part)
  }

  @Test(
    "lines that make no sense are refused",
    arguments: [
      "", "{}", "[]", "{\"part\":\"end\",\"x\":1}", "{\"part\":\"head\"}",
      #"{"part":"head","version":2,"status":"running","count":1}"#,
      #"{"part":"head","version":1,"status":"described","count":1}"#,
      #"{"part":"head","version":1,"status":"running","count":-1}"#,
      #"{"part":"pair","one":0,"other":1,"peer":[0,0,0]}"#,
      #"{"part":"pair","one":0,"other":999,"peer":[0,0,0,0]}"#,
      #"{"part":"gpu","index":256,"code":0,"texts":{},"numbers":{}}"#,
      gpu(texts: #"{"nme":"x"}"#), gpu(texts: #"{"name":3}"#), gpu(texts: "[]"),
      gpu(numbers: #"{"minor":-1}"#), gpu(numbers: #"{"minor":9223372036854775808}"#),
      gpu(numbers: #"{"minor":1,"minor":1}"#), gpu(numbers: #"{"minor":{"code":-2}}"#),
      gpu(processes: #"[["x",1,1,1,1]]"#), gpu(processes: #"[["mps",1,1,1]]"#),
      gpu(processes: #"[["mps",4294967296,1,1,1]]"#),
      gpu(samples: #"[[1,2,3,4,5]]"#), gpu(samples: #"[[1,-2,3,4,5,6]]"#), gpu(cpus: "7"),
      gpu(cpus: #""9-1""#),
      gpu(more: #","accounting":[[1,2]]"#), gpu(more: #","instances":{}"#),
    ])
  func refused(_ line: String) {
    #expect(throws: JSONErrors.self) { try RecordParser.part(Array(line.utf8)) }
  }

  /// A line of a GPU of which one member is changed.
  private static func gpu(
    texts: String = "{}", numbers: String = "{}", processes: String = "[]",
    samples: String = "[]", cpus: String = "null", more: String = ""
  ) -> String {
    #"{"part":"gpu","index":0,"code":0,"texts":\#(texts),"numbers":\#(numbers),"#
      + #""processes":\#(processes),"samples":\#(samples),"cpus":\#(cpus),"#
      + #""nodes":{"code":10},"ports":[],"profiles":[]\#(more)}"#
  }

  @Test("the line that the others are changed from is read")
  func accepted() throws {
    let part = try RecordParser.part(Array(Self.gpu().utf8))
    var record = GPURecord(index: 0, handleCode: 0)
    record.processes = Answer(value: [], code: 0)
    record.ports = Answer(value: [], code: 0)
    record.samples = Answer(value: [], code: 0)
    record.cpus = Answer(value: nil, code: 0)
    record.nodes = Answer(value: nil, code: 10)
    #expect(part == .gpu(record))
  }

  @Test("lines out of pieces")
  func lines() {
    var buffer = LineBuffer(lineBytesMax: 5)
    var isKept = buffer.append(Array("ab".utf8))
    var read = [buffer.next()]
    isKept = buffer.append(Array("c\n\nde".utf8)) && isKept
    for _ in 0..<3 { read.append(buffer.next()) }
    #expect(isKept)
    #expect(read == [nil, Array("abc".utf8), [], nil])
    isKept = buffer.append(Array("fghijk".utf8))
    #expect(!isKept)
  }

  @Test("a record that stops early leaves unknown GPUs, neither well nor dead")
  func early() {
    var record = NVMLRecord(
      status: .running(path: "l", driverVersion: nil, nvmlVersion: nil), count: 3)
    record.silent = [1]
    let (gpus, notes) = GPUFolding.entries(
      of: record, catalogue: nil, deadlineMilliseconds: 800)
    #expect(gpus.map(\.state.word) == ["unknown", "unknown", "unknown"])
    #expect(gpus[0].state.reason == "no answer from the driver within 800 ms")
    #expect(gpus[1].state.reason == "the driver did not come back from this GPU")
    #expect(notes == ["the driver stopped answering before everything was asked"])
  }

  @Test("a count that no machine has is bounded")
  func count() {
    let record = NVMLRecord(
      status: .running(path: "l", driverVersion: nil, nvmlVersion: nil), count: 4_000_000_000)
    let (gpus, notes) = GPUFolding.entries(of: record, catalogue: nil)
    #expect(gpus.count == ProbeLimits.gpus)
    #expect(notes[0].hasPrefix("NVML counts 4000000000 GPUs"))
  }
}
