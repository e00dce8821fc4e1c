import Foundation
import PoolAllocator
import PoolSimulator
import PoolWire

@testable import PolicyTesting

/// What a pool under the starter's policy was asked, as a journal.
struct RecordedScene {
  private let pool: Pool
  private let journal: JournalBytes
  private var workload = Workload()

  /// Begins with the policy and the node of a folder, in a pool of such limits.
  init(_ folder: String, limits: Limits = Limits()) throws {
    let source = try PolicySource(file: folder + "policy.yaml")
    let node = try NodeSource.read(folder + "nodes/gpu-1.yaml")
    var pool = Pool(limits: limits)
    var journal = JournalBytes(identity: Key(high: 15, low: 1), from: pool)
    journal.apply(.begin(epoch: 1), at: .origin, to: &pool)
    let document = source.document
    journal.apply(.activate(document.generation, document.policy), at: .origin, to: &pool)
    if let id = journal.apply(.enrol(node.enrolment), at: .origin, to: &pool).node {
      journal.apply(.advertise(id, node.numbered(1).advertisement), at: .origin, to: &pool)
    }
    self.pool = pool
    self.journal = journal
  }

  /// Adds a claim of one device.
  mutating func ask(
    _ name: String, of tenant: String, _ service: String, in lane: String, at second: Int64,
    runtime: Int64, runs: Int64
  ) {
    var claim = ClaimSpec(
      key: ClaimForm.key(tenant: tenant, name: name), tenant: NameTable.key(.tenant, tenant),
      service: NameTable.key(.service, service), action: NameTable.key(.action, "answer"),
      modelClass: NameTable.key(.modelClass, "any"), demand: Demand(shape: .whole, devices: 1),
      lanes: pool.laneSet(named: [NameTable.key(.lane, lane)]), runtimeMax: .seconds(runtime))
    claim.workflow = claim.key
    workload.add(
      Job(
        arrives: Instant(ns: second * 1_000_000_000), claim: claim, runs: .seconds(runs)))
  }

  /// Runs until everything is over, and writes the journal into a file.
  func write(to file: String) throws {
    var simulation = Simulation(pool: pool, workload: workload)
    simulation.journal = journal
    simulation.run()
    try Data(simulation.journal?.bytes ?? []).write(to: URL(filePath: file))
  }
}
