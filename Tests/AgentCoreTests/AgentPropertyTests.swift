import Foundation
import PoolAllocator
import PoolSimulator
import Testing

@testable import AgentCore

/// Random orders, sights, times and restarts against a naive model.
@Suite struct AgentPropertyTests {
  /// What is true: what lives, and the highest number that ever lived or was refused on a device.
  private struct Model {
    var living: [UInt64: (gpu: UInt64, milli: Int32)] = [:]
    var highest: [UInt64: UInt64] = [:]

    func used(_ gpu: UInt64) -> Int32 {
      living.values.reduce(0) { $0 + ($1.gpu == gpu ? $1.milli : 0) }
    }
  }

  @Test func anAgentKeepsToTheModel() throws {
    var edges: Set<String> = []
    for seed in 0..<UInt64(Scale.cases(release: 400, debug: 40)) {
      var random = SeededGenerator(seed: seed)
      try live(&random, &edges)
    }
    let listed = try Self.listedEdges()
    #expect(edges.subtracting(listed) == [])
    #expect(listed.subtracting(edges) == [])
  }

  private func live(_ random: inout SeededGenerator, _ edges: inout Set<String>) throws {
    var (rig, model) = (AgentRig(), Model())
    var orders: [UInt64: LeaseOrder] = [:]
    var next = UInt64(1)
    for _ in 0..<300 {
      switch random.below(12) {
      case 0, 1:
        let order = AgentRig.order(
          next,
          .start(
            within: .seconds(random.within(0...30)), runs: .seconds(random.within(0...60))),
          gpu: random.below(2),
          milli: [1_000, 500, 300][Int(random.below(3))])
        orders[next] = order
        next += 1
      case 2, 3:
        if let number = orders.keys.sorted().randomElement(using: &random) {
          let span = Span.seconds(random.within(0...40))
          orders[number]?.verb = random.below(3) == 0 ? .stop(within: span) : .run(until: span)
        }
      case 4:
        // The leader forgets one, or remembers one that is long over.
        if let number = orders.keys.sorted().randomElement(using: &random) {
          orders[number] = nil
        } else if next > 1 {
          let old = 1 + random.below(next - 1)
          orders[old] = AgentRig.order(old, .start(within: .seconds(20), runs: .seconds(90)))
        }
      case 5, 6, 7: reply(Array(orders.values), &rig, &random)
      case 8:
        if let number = model.living.keys.sorted().randomElement(using: &random) {
          model.living[number] = nil
          rig.saw(.exited(random.below(2) == 0 ? .completed : .failed), number)
        }
      case 9:
        rig.stores.toggle()
        if rig.stores { rig.agent.stored(rig.agent.record.number) }
      case 10: rig.pass(random.within(0...6))
      default: restart(&rig, &model, &random)
      }
      rig.run()
      try follow(&rig, &model, &random)
      try check(rig, model)
    }
    edges.formUnion(rig.edges)
  }

  private func reply(
    _ orders: [LeaseOrder], _ rig: inout AgentRig, _ random: inout SeededGenerator
  ) {
    rig.pass(random.within(0...2))
    guard let message = rig.message else { return }
    var answer = rig.reply(to: message, orders)
    if random.below(10) == 0 { answer.sequence -= min(answer.sequence, 1) }
    if random.below(10) == 0 { answer.ask = ReportAsk(epoch: 1, number: random.below(9)) }
    let now = rig.now
    rig.call { $0.take(answer, at: now) }
  }

  private func restart(
    _ rig: inout AgentRig, _ model: inout Model, _ random: inout SeededGenerator
  ) {
    let isBoot = random.below(3) == 0
    if isBoot { model.living = [:] }
    let boot = isBoot ? Key(high: 8, low: random.next()) : rig.agent.boot
    let (now, edges) = (rig.now, rig.edges)
    rig = AgentRig(record: rig.disk, boot: boot)
    rig.now = now
    rig.edges = edges
  }

  /// Carries out what the agent says.
  private func follow(
    _ rig: inout AgentRig, _ model: inout Model, _ random: inout SeededGenerator
  ) throws {
    for action in rig.taken() {
      let words = action.split(separator: " ")
      let number = try #require(UInt64(words[1]))
      switch words[0] {
      case "start":
        let lease = try #require(rig.agent.lease(AgentRig.fencing(number)))
        let share = lease.devices[0]
        let gpu = share.device.low
        #expect(number > model.highest[gpu, default: 0] || share.milli.value < 1_000)
        #expect(model.living[number] == nil)
        model.highest[gpu] = max(number, model.highest[gpu, default: 0])
        model.living[number] = (gpu, share.milli.value)
        #expect(model.used(gpu) <= 1_000)
        // What is started is on the disk.
        #expect(rig.disk?.leases.contains { $0.fencing == lease.fencing } == true)
        if random.below(4) == 0 {
          model.living[number] = nil
          rig.saw(.exited(.neverStarted), number)
        } else if random.below(4) > 0 {
          rig.saw(.started, number)
        }
      case "stop", "kill":
        guard random.below(2) == 0 else { continue }
        model.living[number] = nil
        rig.saw(.exited(.failed), number)
      default:
        guard random.below(2) == 0 else { continue }
        rig.saw(model.living[number] == nil ? .exited(.failed) : .started, number)
      }
    }
  }

  private func check(_ rig: AgentRig, _ model: Model) throws {
    for (number, _) in model.living {
      let lease = rig.agent.lease(AgentRig.fencing(number))
      #expect(lease?.mayLive == true, "\(number) lives, and its agent calls it gone")
    }
    for (gpu, number) in model.highest {
      let highest = rig.agent.fences.highest(of: AgentRig.gpu(gpu))
      #expect(highest >= AgentRig.fencing(number))
    }
    let sorted = rig.agent.leases.map(\.fencing)
    #expect(sorted == sorted.sorted())
    #expect(Set(sorted).count == sorted.count)
  }

  /// The edges that docs/STATES.md lists: rows `| from, from | to | because |`.
  private static func listedEdges() throws -> Set<String> {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/STATES.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let part = text.components(separatedBy: "## Lease on its node").last ?? ""
    var edges: Set<String> = []
    for line in part.components(separatedBy: "\n## ")[0].split(separator: "\n") {
      let cells = line.split(separator: "|").map { $0.filter { $0 != " " } }
      guard line.hasPrefix("|"), cells.count == 3, cells[0] != "from", cells[0].first != "-"
      else { continue }
      for from in cells[0].split(separator: ",") {
        for to in cells[1].split(separator: ",") { edges.insert("\(from) \(to)") }
      }
    }
    return edges
  }

  @Test func theEdgesAreThoseOfThePage() throws {
    var edges: Set<String> = []
    for from in AgentLeaseState.allCases {
      for to in AgentLeaseState.allCases where AgentLease.isEdge(from, to) {
        edges.insert("\(from) \(to)")
      }
    }
    #expect(edges == (try Self.listedEdges()))
  }

  /// The table of fencing numbers beside a dictionary that forgets nothing.
  @Test func theTableNeverFalls() {
    var random = SeededGenerator(seed: 3)
    var (table, truth) = (FencingTable(), [Key: Fencing]())
    for _ in 0..<Scale.cases(release: 50_000, debug: 5_000) {
      let device = Key(high: random.below(3), low: random.below(400))
      let fencing = Fencing(raw: random.below(1 << 20))
      let before = table.highest(of: device)
      let isChanged = table.raise(device, to: fencing, keeping: [device])
      #expect(isChanged == (fencing > before))
      #expect(table.highest(of: device) == max(before, fencing))
      truth[device] = max(truth[device] ?? fencing, fencing)
      #expect(table.rows.count <= AgentLimits.fences)
      let other = Key(high: random.below(3), low: random.below(400))
      if let known = truth[other] { #expect(table.highest(of: other) >= known) }
    }
    #expect(table.floor > Fencing(raw: 0))
    #expect(FencingTable(rows: table.rows, floor: table.floor) == table)
  }
}
