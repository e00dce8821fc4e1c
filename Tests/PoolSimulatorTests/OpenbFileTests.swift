import Testing

@testable import PoolSimulator

/// Files of a trace of pods: what is read, what is refused, and where.
struct OpenbFileTests {
  private static let nodes = "sn,cpu_milli,memory_mib,gpu,model"
  private static let pods = "pod,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec"

  private func fault(_ lines: [String], _ body: ([UInt8]) throws -> Void) -> TraceError? {
    do {
      try body(Array(lines.joined(separator: "\n").utf8))
      return nil
    } catch {
      return error as? TraceError
    }
  }

  @Test func columnsComeInAnyOrder() throws {
    let text = "gpu_milli,x,num_gpu,cpu_milli,memory_mib\r\n500,?,1,2000,64\r\n,,0,100,0\n"
    let pods = try OpenbPods(Array(text.utf8)).pods
    #expect(pods.map(\.gpuMilli) == [500, 0] && pods.map(\.cpuMilli) == [2_000, 100])
    #expect(pods.allSatisfy { $0.models.isEmpty })
  }

  @Test(arguments: [
    ("a,1000,1,1", 3, "4 fields; the first line names 5"),
    ("a,1000,1,1,T4,", 3, "6 fields"),
    ("n,1000,1,1,T4", 3, "node n is on line 2 already"),
    (",1000,1,1,T4", 3, "sn is no UTF-8 name of 1 to 128 bytes"),
    ("a,0,1,1,T4", 3, "cpu_milli is no whole number from 1 to 1024000"),
    ("a,1000,0,1,T4", 3, "memory_mib is no whole number from 1"),
    ("a,1000,1,17,T4", 3, "gpu is no whole number from 0 to 16"),
    ("a,1000,1,-1,T4", 3, "gpu is no"),
    ("a,1000,1,1,", 3, "model is no UTF-8 name"),
  ])
  func wrongNodesAreToldWithTheirLine(row: String, line: Int, message: String) {
    let fault = fault([Self.nodes, "n,1000,1,1,T4", row]) { _ = try OpenbNodes($0) }
    #expect(fault?.line == line)
    #expect(fault?.message.hasPrefix(message) == true, "\(fault?.message ?? "nothing")")
  }

  @Test(arguments: [
    ("a,,1,1,500,", "cpu_milli is no whole number from 0 to 1024000"),
    ("a,0,1,0,,", "cpu_milli is no whole number from 1 to 1024000"),
    ("a,1000,1.5,1,500,", "memory_mib is no whole number"),
    ("a,1000,1,17,500,", "num_gpu is no whole number from 0 to 16"),
    ("a,1000,1,1,0,", "gpu_milli is no whole number from 1 to 1000"),
    ("a,1000,1,1,1001,", "gpu_milli is no"),
    ("a,1000,1,1,500", "5 fields; the first line names 6"),
  ])
  func wrongPodsAreToldWithTheirLine(row: String, message: String) {
    let fault = fault([Self.pods, "p,1000,1,1,500,T4|G2", row]) { _ = try OpenbPods($0) }
    #expect(fault?.line == 3)
    #expect(fault?.message.hasPrefix(message) == true, "\(fault?.message ?? "nothing")")
  }

  @Test func headersAndSizesAreChecked() throws {
    #expect(fault([""]) { _ = try OpenbNodes($0) }?.message.contains("the file is empty") == true)
    #expect(
      fault(["sn,gpu"]) { _ = try OpenbNodes($0) }?.message
        == "the first line must name each of these columns once: \(Self.nodes)")
    #expect(
      fault([Self.nodes + ",sn", ""]) { _ = try OpenbNodes($0) }?.message.contains("once") == true)
    #expect(
      fault([Self.nodes]) { _ = try OpenbNodes($0) }?.message == "nothing follows the first line")
    let models = (0...OpenbNodes.modelsMax).map { "n\($0),1000,1,1,m\($0)" }
    #expect(
      fault([Self.nodes] + models) { _ = try OpenbNodes($0) }?.message == "more than 63 GPU models")
    let many = (0...OpenbNodes.nodesMax).map { "n\($0),1000,1,0," }
    #expect(
      fault([Self.nodes] + many) { _ = try OpenbNodes($0) }
        == TraceError(line: 10_002, message: "more than 10000 rows; cut the file"))
    let long = String(repeating: "x", count: 1_025)
    #expect(fault([Self.nodes, long]) { _ = try OpenbNodes($0) }?.line == 2)
  }

  @Test(arguments: [
    ("a\nb\nz", 3, "there is no node z"), ("a\nb\na", 3, "node a comes twice"),
    ("a\nb", 2, "node c is missing"), ("", 1, "node a is missing"), ("a\n\nb\nc", 2, "the line is"),
  ])
  func anOrderNamesEveryNodeOnce(text: String, line: Int, message: String) throws {
    var nodes = try OpenbNodes(
      Array("\(Self.nodes)\na,1,1,0,\nb,1,1,0,\nc,1,1,0,\n".utf8))
    let fault = fault([text]) { try nodes.order(by: $0) }
    #expect(fault?.line == line)
    #expect(fault?.message.hasPrefix(message) == true, "\(fault?.message ?? "nothing")")
    #expect(nodes.nodes.map(\.name) == ["a", "b", "c"], "an order with an error changes nothing")
    try nodes.order(by: Array("c\nb\na\n".utf8))
    #expect(nodes.nodes.map(\.name) == ["c", "b", "a"])
  }
}
