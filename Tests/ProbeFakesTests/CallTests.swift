import ProbeFakes
import Testing

/// The manners of NVML's calls: codes, versions of structures, sizes of buffers.
@Suite struct CallTests {
  static let gpu = """
    [gpu 0]
    name = NVIDIA H100 80GB HBM3
    memory_total = 81559 MiB
    memory_reserved = 480 MiB
    memory_used = 1 GiB

    """

  @Test func nothingAnswersBeforeInit() throws {
    let library = try LoadedLibrary(Self.gpu)
    var count: UInt32 = 99
    #expect(try library.symbol("nvmlDeviceGetCount_v2", LoadedLibrary.Count.self)(&count) == 1)
    #expect(count == 99)
    #expect(try library.call("nvmlShutdown") == 1)
    try library.start()
    #expect(try library.call("nvmlInit_v2") == 0)
    // Init is counted: the library answers until the last shutdown.
    #expect(try library.call("nvmlShutdown") == 0)
    _ = try library.gpu(0)
    #expect(try library.call("nvmlShutdown") == 0)
    #expect(try library.call("nvmlShutdown") == 1)
  }

  @Test(arguments: [9, 18, 999, 4]) func initFails(code: Int32) throws {
    let library = try LoadedLibrary("[driver]\ninit = \(code)\n\(Self.gpu)")
    #expect(try library.call("nvmlInit_v2") == code)
    #expect(try library.call("nvmlInit") == code)
    let withFlags = try library.symbol(
      "nvmlInitWithFlags", (@convention(c) (UInt32) -> Int32).self)
    #expect(withFlags(1) == code)
  }

  @Test func memoryKnowsItsVersions() throws {
    let library = try LoadedLibrary(Self.gpu)
    try library.start()
    let device = try library.gpu(0)
    var second = [UInt64](repeating: 5, count: 5)
    let get = try library.symbol("nvmlDeviceGetMemoryInfo_v2", LoadedLibrary.Fill.self)
    #expect(get(device, &second) == 25)
    #expect(second == [5, 5, 5, 5, 5])
    second[0] = 0x0200_0028
    #expect(get(device, &second) == 0)
    let expected: [UInt64] = [
      0x0200_0028, 81559 << 20, 480 << 20, (81559 - 480 - 1024) << 20, 1 << 30,
    ]
    #expect(second == expected)
    var first = [UInt64](repeating: 0, count: 3)
    let old = try library.symbol("nvmlDeviceGetMemoryInfo", LoadedLibrary.Fill.self)
    #expect(old(device, &first) == 0)
    #expect(first == [81559 << 20, (81559 - 480 - 1024) << 20, (480 + 1024) << 20])
    #expect(get(nil, &second) == 2)
    #expect(get(device, nil) == 2)
  }

  @Test func textsNeedRoom() throws {
    let library = try LoadedLibrary(Self.gpu)
    try library.start()
    let device = try library.gpu(0)
    #expect(try library.text("nvmlDeviceGetName", device) == (0, "NVIDIA H100 80GB HBM3"))
    #expect(try library.text("nvmlDeviceGetName", device, bytes: 21) == (7, ""))
    #expect(try library.text("nvmlDeviceGetName", device, bytes: 22).0 == 0)
    library.fake.configure(Self.gpu + "text = unterminated\n")
    let answer = try library.text("nvmlDeviceGetName", device, bytes: 30)
    #expect(answer == (0, "NVIDIA H100 80GB HBM3NVIDIA H1"))
  }

  /// What is not there is NOT_SUPPORTED, and `!` gives any other code; outputs stay.
  @Test(arguments: [
    ("", 3), ("power_usage_mw = N/A", 3), ("power_usage_mw = !NO_PERMISSION", 4),
    ("power_usage_mw = !15", 15), ("power_usage_mw = many", 999),
    ("power_usage_mw = 99999999999", 999), ("power_usage_mw = 300000", 0),
    ("GetPowerUsage = 10", 10), ("nvmlDeviceGetPowerUsage = NVML_ERROR_TIMEOUT", 10),
    ("every_call = GPU_IS_LOST", 15),
  ])
  func codes(line: String, code: Int32) throws {
    let library = try LoadedLibrary(Self.gpu + line + "\n")
    try library.start()
    let answer = try library.number("nvmlDeviceGetPowerUsage", try library.gpu(0))
    #expect(answer.code == code)
    #expect(answer.value == (code == 0 ? 300_000 : 7))
  }

  /// Codes of six calls one after the other.
  @Test(arguments: [
    ("3", [3, 3, 3, 3, 3, 3]), ("after 2 calls: 15", [0, 0, 15, 15, 15, 15]),
    ("0 x2, 15 x1, 0", [0, 0, 15, 0, 0, 0]), ("10 x2", [10, 10, 0, 0, 0, 0]),
    ("sleep 1 4", [4, 4, 4, 4, 4, 4]), ("nonsense", [999, 999, 999, 999, 999, 999]),
    ("", [0, 0, 0, 0, 0, 0]), ("10 x1, after 1 calls: 15", [10, 0, 15, 15, 15, 15]),
  ])
  func scripts(script: String, codes: [Int32]) throws {
    let library = try LoadedLibrary("\(Self.gpu)temperature_c = 30\nGetTemperature = \(script)\n")
    try library.start()
    let device = try library.gpu(0)
    var degrees: UInt32 = 0
    let get = try library.symbol("nvmlDeviceGetTemperature", LoadedLibrary.IndexedFill.self)
    #expect((0..<6).map { _ in get(device, 0, &degrees) } == codes)
  }

  @Test func aReplacedFileIsSeenByTheNextCall() throws {
    let library = try LoadedLibrary(Self.gpu)
    try library.start()
    let device = try library.gpu(0)
    #expect(try library.number("nvmlDeviceGetFanSpeed", device).code == 3)
    library.fake.configure(Self.gpu + "fan_speed = 41\n")
    #expect(try library.number("nvmlDeviceGetFanSpeed", device) == (0, 41))
    library.fake.configure("[driver]\n")
    #expect(try library.number("nvmlDeviceGetFanSpeed", device).code == 2)
  }

  @Test func aThousandWordsOfNothingAreSurvived() throws {
    let library = try LoadedLibrary(
      "garbage\n[\n[]\n[gpu\n= 3\n[gpu 0]\nname\n===\n[gpu 99999999999]\nx=1\n")
    try library.start()
    #expect(try library.text("nvmlDeviceGetName", try library.gpu(0)) == (0, "NVIDIA Fake"))
  }

  @Test func wordsForCodes() throws {
    let library = try LoadedLibrary("")
    let words = try library.symbol(
      "nvmlErrorString", (@convention(c) (Int32) -> UnsafePointer<CChar>).self)
    #expect(String(cString: words(15)) == "GPU is lost")
    #expect(String(cString: words(12345)) == "Unknown Error")
  }

  @Test func aLibraryOf2018HasLess() throws {
    let library = try LoadedLibrary(Self.gpu, edition: .of2018)
    for name in [
      "nvmlInitWithFlags", "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMigMode",
      "nvmlDeviceGetComputeRunningProcesses_v2", "nvmlDeviceGetArchitecture", "nvmlEventSetWait_v2",
      "nvmlDeviceGetRemappedRows", "nvmlDeviceSetMigMode",
    ] { #expect(!library.has(name), "\(name)") }
    try library.start()
    let name = try library.text("nvmlDeviceGetName", try library.gpu(0))
    #expect(name == (0, "NVIDIA H100 80GB HBM3"))
    let current = try LoadedLibrary("")
    #expect(current.has("nvmlDeviceGetMemoryInfo_v2") && current.has("nvmlDeviceSetMigMode"))
  }

  @Test func whatIsNotPlayedIsSaid() throws {
    let library = try LoadedLibrary("[driver]\nSetComputeMode = 0\n\(Self.gpu)")
    try library.start()
    #expect(try library.call("nvmlDeviceGetActiveVgpus") == 3)
    #expect(try library.call("nvmlDeviceSetPersistenceMode") == 4)
    #expect(try library.call("nvmlDeviceSetComputeMode") == 0)
  }
}
