import PoolAllocator
import Testing

@testable import PoolSimulator

/// Traces of pods through the production allocator: where they go, and that nothing is refused that
/// fits.
struct OpenbReplayTests {
  private func replay(_ score: PlacementRule.Score) throws -> OpenbReplay {
    OpenbReplay(
      nodes: try OpenbNodes(Array(OpenbFixture.nodes.utf8)),
      pods: try OpenbPods(Array(OpenbFixture.pods.utf8)).pods, score: score)
  }

  @Test(arguments: [
    (PlacementRule.Score.bestFit, OpenbFixture.bestFit),
    (.fragmentation, OpenbFixture.fragmentation), (.offerValue, OpenbFixture.offerValue),
  ])
  func podsGoWhereTheyAlwaysWent(score: PlacementRule.Score, places: String) throws {
    let replay = try replay(score)
    let outcome = replay.run()
    #expect(replay.table(outcome) == OpenbFixture.table(places))
    #expect(outcome.refused == places.split(separator: " ").count { $0 == "-" })
    #expect(outcome.placedMilli <= Int64(replay.nodes.gpus) * 1_000)
    #expect(outcome.askedMilli == replay.pods.reduce(0) { $0 + $1.allMilli })
  }

  /// What is left of one node, counted beside the allocator.
  private struct Room {
    var cpu: Int32
    var memory: Int64
    var gpus: [Int32]
    let model: String

    func holds(_ pod: OpenbPod) -> Bool {
      guard cpu >= pod.cpuMilli, memory >= pod.memoryMiB else { return false }
      return pod.gpus == 0
        || (pod.models.isEmpty || pod.models.contains(model))
          && gpus.count { $0 >= pod.gpuMilli } >= pod.gpus
    }
  }

  @Test(arguments: PlacementRule.Score.allCases, [1, 2, 3, 4, 5] as [UInt64])
  func nothingIsRefusedThatFits(score: PlacementRule.Score, seed: UInt64) throws {
    var draws = SeededGenerator(seed: seed)
    let models = ["T4", "P100", "G2", ""]
    var nodes = "sn,cpu_milli,memory_mib,gpu,model\n"
    for number in 0..<12 {
      let model = models[draws.pick(4)]
      let gpus = model.isEmpty ? 0 : [1, 2, 4, 8][draws.pick(4)]
      nodes += "n\(number),\(8_000 + 8_000 * draws.pick(8)),65536,\(gpus),\(model)\n"
    }
    var pods = "cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"
    for _ in 0..<120 {
      let gpus = [0, 1, 1, 1, 2, 4][draws.pick(6)]
      let milli = gpus == 1 ? 100 * (1 + draws.pick(10)) : gpus == 0 ? 0 : 1_000
      let spec = ["", "", "T4", "G2|P100", "A10"][draws.pick(5)]
      pods += "\(500 + 500 * draws.pick(9)),\(1_024 * draws.pick(8)),\(gpus),\(milli),\(spec)\n"
    }
    let replay = OpenbReplay(
      nodes: try OpenbNodes(Array(nodes.utf8)), pods: try OpenbPods(Array(pods.utf8)).pods,
      score: score)
    var rooms = replay.nodes.nodes.map {
      Room(
        cpu: $0.cpuMilli, memory: $0.memoryMiB, gpus: Array(repeating: 1_000, count: $0.gpus),
        model: $0.model)
    }
    let outcome = replay.run()
    #expect(outcome.refused > 0 && outcome.refused < 120)
    for (pod, place) in zip(replay.pods, outcome.placed) {
      guard let place else {
        #expect(!rooms.contains { $0.holds(pod) }, "\(pod) was refused and fitted")
        continue
      }
      #expect(rooms[place.node].holds(pod) && place.gpus.count == pod.gpus)
      rooms[place.node].cpu -= pod.cpuMilli
      rooms[place.node].memory -= pod.memoryMiB
      for gpu in place.gpus {
        rooms[place.node].gpus[gpu] -= pod.gpuMilli
        #expect(rooms[place.node].gpus[gpu] >= 0)
      }
    }
  }

  @Test func tiesGoToTheFirstInTheOrder() throws {
    var nodes = try OpenbNodes(Array(OpenbFixture.nodes.utf8))
    let pods = try OpenbPods(
      Array("cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n1000,1024,2,1000,T4\n".utf8)
    ).pods
    #expect(OpenbReplay(nodes: nodes, pods: pods).run().placed == [.init(node: 0, gpus: [0, 1])])
    try nodes.order(by: Array("e\r\nd\nc\nb\na".utf8))
    let outcome = OpenbReplay(nodes: nodes, pods: pods).run()
    #expect(outcome.placed.first??.node == 0 && nodes.nodes[0].name == "e")
  }

  @Test func aMixHasTheMostFrequentKinds() throws {
    let kind = "4000,8192,1,500,"
    let rows = Array(repeating: kind, count: 96) + ["1000,1024,2,1000,G2|T4", "8000,1024,0,,"]
    let text = "cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n" + rows.joined(separator: "\n")
    let pods = try OpenbPods(Array(text.utf8)).pods
    let mix = OpenbMix(pods, models: ["T4", "P100", "G2"], for: .fragmentation)
    let first = MixKind(
      popularity: 96, devices: 1, share: MilliGPU(500), cpu: MilliCPU(4_000), pools: 0b111)
    #expect(mix.kinds == [first], "96 of 98 are more than 95 of 100")
    let rest = OpenbMix(Array(pods.suffix(2)), models: ["T4", "P100", "G2"], for: .fragmentation)
    #expect(rest.kinds.map(\.pools) == [0, 0b101], "of equals the one that asks for more first")
    #expect(rest.kinds.map(\.devices) == [0, 2])
    let all = OpenbMix(pods, models: ["T4", "P100", "G2"], for: .offerValue)
    #expect(all.kinds.map(\.popularity) == [96, 1, 1], "rare kinds count too")
  }
}

extension SeededGenerator {
  /// A number from 0 to one less than the bound.
  fileprivate mutating func pick(_ bound: Int) -> Int { Int(below(UInt64(bound))) }
}
