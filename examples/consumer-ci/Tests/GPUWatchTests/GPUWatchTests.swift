import GPUWatch
import ProbeFakes
import Testing

@Suite struct GPUWatchTests {
  @Test func aHandWrittenMachine() throws {
    var file = FakeFile()
    file.addGPU(0, name: "NVIDIA L4", memoryMiB: 23_034)
    file["gpu 0", "memory_used"] = "10 GiB"
    let fake = try #require(FakeNVML(file.text), "FakeNVML is not built")
    let watch = try GPUWatch(library: fake.path)
    #expect(watch.readings() == [.memory(name: "NVIDIA L4", freeBytes: (23_034 - 10_240) << 20)])
  }

  /// A machine of the repository's node shapes, and a GPU of it that is lost while it is watched.
  @Test func aGPUIsLost() throws {
    var node = try FakeNode(shape: "dgx-h100")
    let fake = try #require(node.library())
    let watch = try GPUWatch(library: fake.path)
    let before = watch.readings()
    #expect(before.count == 8)
    #expect(before.allSatisfy { $0 == before[0] && $0 != .failed(code: 15) })

    node.file.fail(gpu: 5, code: 15)
    fake.configure(node.file.text)
    let after = watch.readings()
    #expect(after[5] == .failed(code: 15))
    #expect(after[4] == before[4])
  }

  @Test func noDriver() throws {
    let fake = try #require(FakeNVML("[driver]\ninit = DRIVER_NOT_LOADED\n"))
    #expect(throws: GPUWatch.LoadError.self) { try GPUWatch(library: fake.path) }
  }

  @Test func notAllowedThenAllowed() throws {
    let fake = try #require(
      FakeNVML("[gpu 0]\nmemory_total = 1 GiB\nGetMemoryInfo = NO_PERMISSION x1\n"))
    let watch = try GPUWatch(library: fake.path)
    #expect(watch.readings() == [.failed(code: 4)])
    #expect(watch.readings() == [.memory(name: "NVIDIA Fake", freeBytes: 1 << 30)])
  }
}
