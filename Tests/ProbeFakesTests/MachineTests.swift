import Glibc
import ProbeFakes
import Synchronization
import Testing

/// Scenarios: processes, MIG, many GPUs, events, hangs.
@Suite struct MachineTests {
  static let processes = """
    [gpu 0]
    name = NVIDIA L4
    [gpu 0 process 0]
    pid = 100
    memory = 1 GiB
    [gpu 0 process 1]
    pid = 200
    [gpu 0 process 2]
    pid = 300
    memory = 3
    type = G
    [gpu 0 process 10]
    pid = 400
    memory = 4
    type = M+C

    """

  /// The entries of a process list are as long as the file says, and nothing behind is touched.
  @Test(arguments: [
    ("nvmlDeviceGetComputeRunningProcesses", 24, 16),
    ("nvmlDeviceGetComputeRunningProcesses_v2", 32, 24),
    ("nvmlDeviceGetComputeRunningProcesses_v3", 16, 16),
    ("nvmlDeviceGetComputeRunningProcesses_v3", 24, 24),
    ("nvmlDeviceGetComputeRunningProcesses_v3", 32, 32),
  ])
  func strides(name: String, configured: Int, stride: Int) throws {
    let library = try LoadedLibrary(
      "[driver]\nprocess_entry_bytes = \(configured)\n\(Self.processes)")
    try library.start()
    let device = try library.gpu(0)
    let list = try library.symbol(name, LoadedLibrary.Lists.self)
    var count: UInt32 = 0
    #expect(list(device, &count, nil) == 7)
    #expect(count == 2)
    var bytes = [UInt8](repeating: 0xA5, count: 40 * 4)
    count = 1
    #expect(list(device, &count, &bytes) == 7)
    #expect(bytes.allSatisfy { $0 == 0xA5 })
    count = 4
    #expect(list(device, &count, &bytes) == 0)
    #expect(count == 2)
    let second = bytes.withUnsafeBytes {
      (
        $0.loadUnaligned(fromByteOffset: stride, as: UInt32.self),
        $0.loadUnaligned(fromByteOffset: stride + 8, as: UInt64.self)
      )
    }
    #expect(second == (200, .max))
    #expect(bytes[(2 * stride)...].allSatisfy { $0 == 0xA5 })
  }

  @Test(arguments: [("Graphics", 1), ("MPSCompute", 1), ("Compute", 2)])
  func kindsOfProcesses(kind: String, expected: UInt32) throws {
    let library = try LoadedLibrary(Self.processes)
    try library.start()
    var count: UInt32 = 0
    let list = try library.symbol(
      "nvmlDeviceGet\(kind)RunningProcesses_v3", LoadedLibrary.Lists.self)
    #expect(list(try library.gpu(0), &count, nil) == 7)
    #expect(count == expected)
  }

  static func mig(_ rest: String) -> String {
    """
    [gpu 0]
    name = NVIDIA A100-SXM4-40GB
    mig_mode = on
    gpu_utilization = 50
    memory_utilization = 50
    [gpu 0 profile 0]
    id = 19
    name = MIG 1g.5gb
    slices = 1
    instances = 7
    multiprocessors = 14
    memory_mb = 4864
    placements = 0:1,1:1,2:1,3:1,4:1,5:1,6:1
    [gpu 0 gi 9]
    profile = 19
    placement = 2:1
    [gpu 0 mig 2]
    gi = 9
    ci = 0
    uuid = MIG-a
    profile = 1g.5gb
    memory_total = 4864 MiB
    \(rest)

    """
  }

  @Test func migHasHolesAndRules() throws {
    let library = try LoadedLibrary(Self.mig(""))
    try library.start()
    let device = try library.gpu(0)
    #expect(try library.number("nvmlDeviceGetMaxMigDeviceCount", device).value == 7)
    let codes = try (0..<8).map { try library.migDevice($0, of: device).code }
    #expect(codes == [6, 6, 0, 6, 6, 6, 6, 2])
    let mig = try #require(try library.migDevice(2, of: device).device)
    #expect(try library.text("nvmlDeviceGetName", mig) == (0, "NVIDIA A100-SXM4-40GB MIG 1g.5gb"))
    #expect(try library.text("nvmlDeviceGetUUID", mig) == (0, "MIG-a"))
    #expect(try library.number("nvmlDeviceGetGpuInstanceId", mig) == (0, 9))
    #expect(try library.number("nvmlDeviceGetGpuInstanceId", device).code == 3)
    #expect(try library.number("nvmlDeviceGetUtilizationRates", device, UInt64.self).code == 3)
    #expect(try library.number("nvmlDeviceGetUtilizationRates", mig, UInt64.self).code == 3)
    var parent: Handle?
    let get = try library.symbol(
      "nvmlDeviceGetDeviceHandleFromMigDeviceHandle", LoadedLibrary.Fill.self)
    #expect(get(mig, &parent) == 0)
    #expect(parent == device)
    var free: UInt32 = 0
    let remaining = try library.symbol(
      "nvmlDeviceGetGpuInstanceRemainingCapacity", LoadedLibrary.IndexedFill.self)
    #expect(remaining(device, 19, &free) == 0)
    #expect(free == 6)
    #expect(remaining(device, 14, &free) == 2)
  }

  @Test func handlesGoStale() throws {
    let library = try LoadedLibrary(Self.mig(""))
    try library.start()
    let device = try library.gpu(0)
    let mig = try #require(try library.migDevice(2, of: device).device)
    library.fake.configure(Self.mig("uuid = MIG-b"))
    #expect(try library.text("nvmlDeviceGetUUID", mig).0 == 2)
    let fresh = try #require(try library.migDevice(2, of: device).device)
    #expect(try library.text("nvmlDeviceGetUUID", fresh) == (0, "MIG-b"))
    #expect(try library.text("nvmlDeviceGetUUID", mig).0 == 2)
  }

  @Test(arguments: [
    ("uuid", "MIG-00000000-0000-0009-0000-000000000002"), ("path", "MIG-GPU-x/9/0"),
  ])
  func bothFormsOfUUID(form: String, expected: String) throws {
    let machine = Self.mig("[gpu 0]\nuuid = GPU-x").split(separator: "\n")
      .filter { $0 != "uuid = MIG-a" }.joined(separator: "\n")
    let library = try LoadedLibrary("[driver]\nmig_uuid_form = \(form)\n\(machine)\n")
    try library.start()
    let mig = try #require(try library.migDevice(2, of: try library.gpu(0)).device)
    #expect(try library.text("nvmlDeviceGetUUID", mig) == (0, expected))
    var same: Handle?
    let find = try library.symbol("nvmlDeviceGetHandleByUUID", LoadedLibrary.Named.self)
    #expect(find(expected, &same) == 0)
    #expect(same == mig)
    #expect(find("MIG-other", &same) == 6)
  }

  @Test func manyGPUsAndSickOnes() throws {
    var file = FakeFile()
    for index in 0..<200 { file.addGPU(index, name: "NVIDIA B200", memoryMiB: 183_359) }
    file.fail(gpu: 3, code: 15)
    file["gpu 5", "handle"] = "NO_PERMISSION"
    file.remove(section: "gpu 7")
    let library = try LoadedLibrary(file.text)
    try library.start()
    var count: UInt32 = 0
    #expect(try library.symbol("nvmlDeviceGetCount_v2", LoadedLibrary.Count.self)(&count) == 0)
    #expect(count == 200)
    let byIndex = try library.symbol("nvmlDeviceGetHandleByIndex_v2", LoadedLibrary.Indexed.self)
    var device: Handle?
    let codes = (0..<200).map { byIndex($0, &device) }
    #expect(codes[3] == 15 && codes[5] == 4 && codes[7] == 2)
    #expect(codes.count { $0 == 0 } == 197)
    #expect(try library.text("nvmlDeviceGetUUID", try library.gpu(199)).1.hasSuffix("000000000199"))
  }

  @Test func eventsComeOnceOrAsOftenAsTheFileSays() throws {
    var file = FakeFile()
    file.addGPU(0, name: "NVIDIA L4", memoryMiB: 23_034)
    file.addXID(79, gpu: 0)
    file["event 0", "repeat"] = "2"
    let library = try LoadedLibrary(file.text)
    try library.start()
    let device = try library.gpu(0)
    var set: Handle?
    let create = try library.symbol(
      "nvmlEventSetCreate", (@convention(c) (UnsafeMutableRawPointer?) -> Int32).self)
    #expect(create(&set) == 0)
    let register = try library.symbol(
      "nvmlDeviceRegisterEvents", (@convention(c) (Handle?, UInt64, Handle?) -> Int32).self)
    #expect(register(device, 1 << 40, set) == 3)
    #expect(register(device, 8, set) == 0)
    let wait = try library.symbol(
      "nvmlEventSetWait_v2",
      (@convention(c) (Handle?, UnsafeMutableRawPointer?, UInt32) -> Int32).self)
    var event = [UInt64](repeating: 0, count: 4)
    for _ in 0..<2 {
      #expect(wait(set, &event, 5000) == 0)
      #expect(event[0] == UInt64(UInt(bitPattern: device)) && event[1] == 8 && event[2] == 79)
      #expect(event[3] == .max)
    }
    #expect(wait(set, &event, 0) == 10)
    // Another event is news; the first one is not told again.
    file.addXID(31, gpu: 0)
    library.fake.configure(file.text)
    #expect(wait(set, &event, 5000) == 0)
    #expect(event[2] == 31)
    #expect(wait(set, &event, 1) == 10)
    library.fake.configure(file.text + "[driver]\nEventSetWait_v2 = GPU_IS_LOST\n")
    #expect(wait(set, &event, 5000) == 15)
    let free = try library.symbol("nvmlEventSetFree", (@convention(c) (Handle?) -> Int32).self)
    #expect(free(set) == 0)
    #expect(free(set) == 2)
  }

  /// A call that hangs holds up nobody else.
  @Test func aHangIsOneThreadsOnly() throws {
    let library = try LoadedLibrary("[gpu 0]\npower_usage_mw = 1\nGetName = hang\n")
    try library.start()
    let device = try library.gpu(0)
    let get = try library.symbol("nvmlDeviceGetName", LoadedLibrary.Text.self)
    let address = UInt(bitPattern: device)
    let work = Unmanaged.passRetained(
      HangingCall { _ = get(UnsafeMutableRawPointer(bitPattern: address), nil, 0) })
    var thread = pthread_t()
    #expect(
      pthread_create(
        &thread, nil,
        { argument in
          guard let argument else { return nil }
          Unmanaged<HangingCall>.fromOpaque(argument).takeUnretainedValue().run()
          return nil
        }, work.toOpaque()) == 0)
    pthread_detach(thread)
    usleep(20_000)
    #expect(try library.number("nvmlDeviceGetPowerUsage", device) == (0, 1))
    #expect(!work.takeUnretainedValue().hasEnded)
    // A thread hangs in it for ever, so it is never closed.
    _ = Unmanaged.passRetained(library)
  }
}

/// A call that is not expected to come back.
private final class HangingCall: Sendable {
  private let body: @Sendable () -> Void
  private let ended = Atomic(false)

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }

  var hasEnded: Bool { ended.load(ordering: .relaxed) }

  func run() {
    body()
    ended.store(true, ordering: .relaxed)
  }
}
