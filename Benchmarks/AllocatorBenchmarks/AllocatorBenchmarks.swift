import Benchmark
import CAllocations
import Workload

// The cases of `pool-bench` as benchmarks of the package `benchmark`: percentiles, instructions,
// baselines. Filling a cluster is no part of what is measured. Allocations are counted by our own
// counter: those of the package read 0 without its interposer. `renew` is not here: a lease can be
// renewed only a few times.

let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, .throughput, .instructions, allocations], warmupIterations: 1,
    maxDuration: .seconds(2), maxIterations: 1_000)
  register(Case<FleetStage>.pairs + [.recorded, .charge, .snapshot, .digest])
  register(Case<TickStage>.ticks)
  register([Case<CrowdStage>.explain])
  register(Case<JournalStage>.journal)
}

/// Calls of allocation functions for each operation.
let allocations = BenchmarkMetric.custom(
  "allocations", polarity: .prefersSmaller, useScalingFactor: true)

/// One benchmark for each case and size.
func register<On: Stage>(_ cases: [Case<On>]) {
  for subject in cases {
    for nodes in subject.sizes {
      register(subject, nodes: nodes)
    }
  }
}

func register<On: Stage>(_ subject: Case<On>, nodes: Int) {
  var configuration = Benchmark.defaultConfiguration
  configuration.scalingFactor = subject.operations >= 1_000 ? .kilo : .one
  var stage: On?
  var number = 0
  Benchmark("\(subject.name), \(On.size(of: nodes))", configuration: configuration) { benchmark in
    guard let stage else { return }
    let before = allocations_made()
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      subject.run(stage, number)
      number += 1
    }
    benchmark.stopMeasurement()
    benchmark.measurement(allocations, Int(allocations_made() - before))
  } setup: {
    let made = On(nodes: nodes)
    subject.prepare(made)
    stage = made
  } teardown: {
    stage = nil
  }
}
