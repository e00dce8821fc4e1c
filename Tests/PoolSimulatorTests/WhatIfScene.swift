import PoolAllocator
import PoolRecord
import PoolSimulator

/// A workload that was run on a small cluster, with its journal.
struct WhatIfScene {
  let cluster: SmallCluster
  private(set) var simulation: Simulation

  var journal: [UInt8] { simulation.journal?.bytes ?? [] }

  init(_ cluster: SmallCluster, _ workload: Workload) {
    self.cluster = cluster
    var pool = Pool()
    var journal = JournalBytes(identity: SmallCluster.key(15, 0), from: pool)
    journal.apply(.begin(epoch: 1), at: .origin, to: &pool)
    journal.apply(.activate(PolicyGeneration(1), cluster.policy), at: .origin, to: &pool)
    for number in 0..<cluster.nodes {
      guard
        let node = journal.apply(.enrol(cluster.enrolment(of: number)), at: .origin, to: &pool).node
      else { fatalError("a node is enrolled") }
      journal.apply(.advertise(node, cluster.advertisement(of: number)), at: .origin, to: &pool)
    }
    simulation = Simulation(pool: pool, workload: workload)
    simulation.journal = journal
  }

  mutating func run(until end: Instant = Instant(ns: .max)) { simulation.run(until: end) }

  /// One more node like the others.
  var oneMore: AddedNode {
    AddedNode(
      enrolment: cluster.enrolment(of: cluster.nodes),
      advertisement: cluster.advertisement(of: cluster.nodes))
  }
}
