import Foundation
import PoolAllocator
import Testing

@testable import PoolSimulator

/// `pool-sim defrag` as a person calls it, and moves and waits in a replay.
struct DefragCommandTests {
  /// One pod stands on the only node with two GPUs, and could stand elsewhere.
  private static let nodes =
    "sn,cpu_milli,memory_mib,gpu,model\na,8000,8192,2,T4\nb,8000,8192,1,G2\n"
  private static let columns = "cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"
  private static let pods = columns + "1000,1024,1,1000,\n"

  private func call(_ words: [String], pods: String = pods) throws -> ScenarioProgram.Result {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "pool-sim-defrag-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in ["nodes.csv": Self.nodes, "pods.csv": pods] {
      try Data(text.utf8).write(to: folder.appending(path: name))
    }
    return try ScenarioProgram.call(
      words.map { $0.hasSuffix(".csv") ? folder.appending(path: $0).path : $0 })
  }

  private static let eager = [
    "replay", "openb", "--nodes", "nodes.csv", "--pods", "pods.csv", "--out", "o.csv",
  ]
  private static let trace = ["defrag", "--nodes", "nodes.csv", "--pods", "pods.csv"]

  @Test func aPlanIsToldInWords() throws {
    let result = try call(Self.trace + ["--gpus", "2", "--count", "2"])
    #expect(result.code == 0 && result.err.isEmpty, "\(result.err)")
    for part in [
      "2 claims for 2 GPUs: 1 after 1 move, 1 found no room", "pod 0", "a GPU 0", "b GPU 0",
      "Nothing was moved.", "2.000 GPUs are free; 0 % of that is of no use",
    ] {
      #expect(result.out.contains(part), "\(part) in\n\(result.out)")
    }
  }

  @Test func aPlanIsToldToPrograms() throws {
    let result = try call(Self.trace + ["--gpus", "2", "--json", "--policy", "offer-value"])
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(result.out.utf8)) as? [String: Any])
    #expect(document["kind"] as? String == "defrag")
    let plan = try #require((document["plans"] as? [[String: Any]])?.first)
    #expect(plan["asked"] as? Int == 1)
    #expect((plan["fitting"] as? Int ?? 0) + (plan["gained"] as? Int ?? 0) == 1)
  }

  @Test func whatNoLaneServesIsToldSo() throws {
    let result = try call(Self.trace)
    #expect(result.code == 0)
    #expect(result.out.contains("1 claim for 8 GPUs: no lane serves it"), "\(result.out)")
  }

  @Test(arguments: [
    (["defrag"], "defrag needs --journal FILE, or --nodes FILE and --pods FILE of a trace"),
    (["defrag", "--nodes", "nodes.csv"], "defrag needs --pods FILE as well"),
    (
      ["defrag", "--journal", "nodes.csv", "--gpus", "2"],
      "--gpus means nothing with --journal; leave one of them out"
    ),
    (["defrag", "--journal", "nodes.csv"], "is no journal"),
    (trace + ["--gpus", "17"], "--gpus: \"17\" is no whole number from 0 to 16"),
    (trace + ["--gpus", "0"], "--gpus 0 asks for nothing; say how much --cpu"),
    (trace + ["--gpus", "0", "--share", "5"], "--share means nothing with --gpus 0; leave it out"),
    (trace + ["--names", "nodes.csv"], "--names means nothing for a trace; leave it out"),
    (trace + ["--policy", "fdg"], "nearest known policy is \"fgd\""),
    (
      eager + ["--waits"],
      "--waits: only offer-value knows what room is worth; use it"
    ),
  ])
  func wrongCallsAreToldWhatIsRight(words: [String], message: String) throws {
    let result = try call(words)
    #expect(result.code == 2 && result.out.isEmpty)
    #expect(result.err.contains(message), "\(result.err)")
  }

  // MARK: replays with more freedom

  private func replay(_ pods: String) throws -> OpenbReplay {
    OpenbReplay(
      nodes: try OpenbNodes(Array(Self.nodes.utf8)), pods: try OpenbPods(Array(pods.utf8)).pods)
  }

  @Test func withoutFreedomPodsGoWhereTheyAlwaysWent() throws {
    let replay = OpenbReplay(
      nodes: try OpenbNodes(Array(OpenbFixture.nodes.utf8)),
      pods: try OpenbPods(Array(OpenbFixture.pods.utf8)).pods, score: .offerValue)
    let run = replay.run(OpenbReplay.Freedom())
    #expect(run.outcome.placed == replay.run().placed)
    #expect(run.freely.moves == 0 && run.freely.waited == 0)
  }

  @Test func aPodIsMovedForOneThatFitsNowhere() throws {
    let replay = try replay(Self.pods + "1000,1024,2,1000,T4\n1000,1024,1,1000,\n")
    #expect(replay.run().refused == 1)
    var freedom = OpenbReplay.Freedom()
    freedom.moves = true
    let run = replay.run(freedom)
    #expect(run.outcome.placed.map { $0?.node } == [1, 0, nil], "where each is in the end")
    #expect(run.freely.moves == 1 && run.freely.helped == 1 && run.freely.astray == 0)
    #expect(run.freely.movedMilli == 1_000 && run.outcome.placedMilli == 3_000)
    #expect(run.outcome.refusedGPUPods == 1)
  }

  @Test func aReplayWithMovesSaysThatItIsAnotherExperiment() throws {
    let result = try call(Self.eager + ["--moves"], pods: Self.pods + "1000,1024,2,1000,T4\n")
    #expect(result.out.contains("not the eager experiment"), "\(result.out)\(result.err)")
    #expect(result.out.contains("moves      1, of 1.0 GPUs in all, for 1 pods"))
    #expect(try !call(Self.eager).out.contains("eager"))
  }

  /// Random pods that may be moved and may wait: what is placed fits, counted beside the allocator.
  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func whatIsPlacedFits(seed: UInt64) throws {
    var draws = SeededGenerator(seed: seed)
    var nodes = "sn,cpu_milli,memory_mib,gpu,model\n"
    for number in 0..<8 {
      let gpus = [1, 2, 4, 8][draws.pick(4)]
      let model = ["T4", "G2"][draws.pick(2)]
      nodes += "n\(number),\(8_000 + 8_000 * draws.pick(6)),65536,\(gpus),\(model)\n"
    }
    var pods = Self.columns
    for _ in 0..<150 {
      let gpus = [0, 1, 1, 1, 2, 4][draws.pick(6)]
      let milli = gpus == 1 ? 100 * (1 + draws.pick(10)) : gpus == 0 ? 0 : 1_000
      let host = "\(500 + 500 * draws.pick(9)),\(1_024 * draws.pick(8))"
      pods += "\(host),\(gpus),\(milli),\(["", "T4"][draws.pick(2)])\n"
    }
    let replay = OpenbReplay(
      nodes: try OpenbNodes(Array(nodes.utf8)), pods: try OpenbPods(Array(pods.utf8)).pods,
      score: .offerValue, mix: .learned)
    var freedom = OpenbReplay.Freedom()
    freedom.moves = true
    freedom.waits = seed % 2 == 0
    let run = replay.run(freedom)
    var cpu = replay.nodes.nodes.map(\.cpuMilli)
    var memory = replay.nodes.nodes.map(\.memoryMiB)
    var free = replay.nodes.nodes.map { Array(repeating: Int32(1_000), count: $0.gpus) }
    var placed: Int64 = 0
    for (pod, place) in zip(replay.pods, run.outcome.placed) {
      guard let place else { continue }
      placed += pod.allMilli
      cpu[place.node] -= pod.cpuMilli
      memory[place.node] -= pod.memoryMiB
      #expect(place.gpus.count == pod.gpus)
      #expect(pod.models.isEmpty || pod.models.contains(replay.nodes.nodes[place.node].model))
      for gpu in place.gpus { free[place.node][gpu] -= pod.gpuMilli }
    }
    #expect(placed == run.outcome.placedMilli)
    #expect(cpu.allSatisfy { $0 >= 0 } && memory.allSatisfy { $0 >= 0 })
    #expect(free.joined().allSatisfy { $0 >= 0 })
  }
}

extension SeededGenerator {
  fileprivate mutating func pick(_ bound: Int) -> Int { Int(below(UInt64(bound))) }
}
