import ProbeFakes
import Testing

@testable import HardwareProbe

@Suite("Links between GPUs")
struct LinkTests {
  @Test("NVSwitch: the ports lead to a switch, the pairs say NVLink")
  func switches() throws {
    let text = (0..<2).map { index in
      FakeDriver.h100(
        index,
        "nvlinks = 18\nnvlink_version = 6\nnvlink_remote = switch\nfabric_state = 3\n"
          + "fabric_status = 0\nfabric_clique = 0\nnvlink_replay_errors = 2\ncpu_affinity = 0-7")
    }
    let gpu = try FakeDriver.gpus(text.joined())[0]
    let links = try #require(gpu.links)
    #expect(links.map(\.remote) == [.nvswitch, .gpu])
    #expect(links[0].ports == 18 && links[0].version == 4 && links[0].errors == 36)
    #expect(links[1].ports == 0 && links[1].overNVLink == true && links[1].index == 1)
    #expect(links[1].path == .node && links[1].canRead == true)
    #expect(gpu.readings.fabricState == "completed" && gpu.state == .usable)
  }

  @Test("direct links are counted by peer, inactive ones not at all")
  func direct() throws {
    let text =
      FakeDriver.h100(0, "bus_id = 00000000:1B:00.0\nnvlinks = 4\nnvlink_version = 5")
      + "[gpu 0 link 0]\nremote = gpu 1\n[gpu 0 link 1]\nremote = gpu 1\n"
      + "[gpu 0 link 2]\nstate = 0\n[gpu 0 link 3]\nremote = gpu 1\n"
      + FakeDriver.h100(1, "bus_id = 00000000:43:00.0\nnvlinks = 0")
      + "[gpu 0 peer 1]\nancestor = system\np2p_read = 5\np2p_nvlink = 0\n"
    let gpus = try FakeDriver.gpus(text)
    let links = try #require(gpus[0].links)
    #expect(links.count == 1)
    #expect(links[0].ports == 3 && links[0].version == 3 && links[0].uuid == gpus[1].uuid)
    #expect(links[0].path == .system && links[0].canRead == false && links[0].overNVLink == true)
  }

  @Test(
    "islands: what NVLink connects, and the rest together",
    arguments: [
      ([:], [0, 0, 0, 0]),
      ([0: [1]], [0, 0, 1, 1]),
      ([2: [3]], [0, 0, 1, 1]),
      ([0: [3], 1: [2]], [0, 1, 1, 0]),
      ([0: [1], 1: [3]], [0, 0, 1, 0]),
      ([0: [4], 2: [4]], [0, 1, 0, 1]),
    ] as [([Int: [Int]], [Int])])
  func islands(links: [Int: [Int]], islands: [Int]) {
    let gpus = (0..<4).map { index in
      var gpu = GPUEntry(
        index: index, uuid: "GPU-\(index)", name: nil, memory: nil, state: .usable,
        profile: .notChecked)
      // 4 stands for a switch.
      gpu.links = (links[index] ?? []).map { peer in
        var link = GPULink(remote: peer == 4 ? .nvswitch : .gpu, uuid: "GPU-\(peer)")
        link.ports = 2
        return link
      }
      // Every pair is known; without NVLink that says nothing.
      gpu.links? += (0..<4).filter { $0 != index }.map {
        GPULink(remote: .gpu, uuid: "GPU-\($0)")
      }
      return gpu
    }
    #expect(GPUIslands.numbers(of: gpus) == islands)
  }

  @Test("with MIG on, ports that are refused are unknown and not none")
  func refused() throws {
    let off = try FakeDriver.gpus(FakeDriver.h100(0))[0]
    #expect(off.links?.isEmpty == true)
    let on = try FakeDriver.gpus(FakeDriver.h100(0, "nvlinks = 18\nmig_mode = on"))[0]
    #expect(on.links == nil)
  }

  @Test("versions of the fabric's structure", arguments: [1, 2, 3])
  func fabric(version: Int) throws {
    let gpu = try FakeDriver.gpus(
      "[driver]\nfabric_version = \(version)\n"
        + FakeDriver.h100(0, "fabric_state = 3\nfabric_status = 0\nfabric_clique = 7"))[0]
    #expect(gpu.readings["fabric_clique"] == 7, "version \(version)")
  }

  @Test("NUMA node and CPUs near a GPU")
  func affinity() throws {
    let gpu = try FakeDriver.gpus(
      FakeDriver.h100(0, "cpu_affinity = 0-31,64-95\nmemory_affinity = 1\nnuma_node_id = 9"))[0]
    #expect(gpu.cpus?.list == "0-31,64-95")
    #expect(gpu.numaNode == 1 && gpu.memoryNode == 9)
    let silent = try FakeDriver.gpus(FakeDriver.h100(0))[0]
    #expect(silent.cpus == nil && silent.numaNode == nil && silent.memoryNode == nil)
  }

  @Test("NVML's numbers of versions are not the versions")
  func versions() {
    #expect([1, 2, 3, 4, 5, 6, 7, 8].map(GPUWords.linkVersion) == [1, 2, 2, 3, 3, 4, 5, nil])
    #expect([0, 10, 20, 30, 40, 50, 60].map(GPUWords.path).last == .some(nil))
  }
}
