extension NodeShape {
  /// What contradicts itself across parts of the shape: key of the document, and words.
  var faults: [(key: String, problem: String)] {
    let gpus = gpus
    var faults: [(String, String)] = []
    if gpus.count > ProbeLimits.gpus {
      faults.append(("gpus", "\(gpus.count) GPUs are more than \(ProbeLimits.gpus)"))
    }
    let places = gpus.map(\.pciBusID)
    for place in Set(places.filter { id in places.count { $0 == id } > 1 }).sorted() {
      faults.append(("gpus", "two GPUs at \(place)"))
    }
    for gpu in gpus {
      if let node = gpu.numaNode, !host.numaNodes.contains(where: { $0.id == node }) {
        faults.append(("gpus", "GPU \(gpu.index) is near NUMA node \(node), which is not there"))
      }
    }
    for node in host.numaNodes {
      if let index = node.gpuIndex, index >= gpus.count {
        faults.append(("host", "NUMA node \(node.id) is memory of GPU \(index), not there"))
      }
    }
    var first = 0
    for group in groups {
      let own = first..<(first + group.count)
      faults += group.pairFaults(own) + group.instanceFaults(own)
      first = own.upperBound
    }
    return faults
  }

  /// What the profiles of a catalogue say against the shape.
  ///
  /// - Returns: One sentence without a full stop for every unknown profile, profile of a CPU,
  ///   partition that the GPU cannot be cut into, and place where it cannot start; empty when all
  ///   fits.
  public func check(against catalogue: ProfileCatalogue) -> [String] {
    var faults: [String] = []
    for group in groups {
      guard let profile = catalogue.profile(named: group.profile), profile.kind == .gpu else {
        faults.append("no GPU profile is named \(group.profile)")
        continue
      }
      for instance in group.mig?.instances ?? [] {
        guard let slice = profile.migSlices.first(where: { $0.name == instance.profile }) else {
          faults.append("\(profile.name) cannot be cut into \(instance.profile)")
          continue
        }
        if let size = slice.placementSize, size != instance.size {
          faults.append("\(instance.profile) of \(profile.name) takes \(size) memory slices")
        }
        if !slice.placementStarts.isEmpty, !slice.placementStarts.contains(instance.start) {
          faults.append("\(instance.profile) of \(profile.name) cannot start at \(instance.start)")
        }
        if let slices = slice.computeSlices, instance.computeSlices.reduce(0, +) > slices {
          faults.append("\(instance.profile) of \(profile.name) has \(slices) compute slices")
        }
      }
    }
    return faults
  }
}

extension NodeShape.GPUGroup {
  /// Pairs must be of this group, named once, and need no more links than a GPU has.
  fileprivate func pairFaults(_ own: Range<Int>) -> [(String, String)] {
    guard let nvlink, case .peers(let pairs) = nvlink.remote else { return [] }
    var faults: [(String, String)] = []
    for (index, pair) in pairs.enumerated() {
      if !own.contains(pair.first) || !own.contains(pair.second) {
        faults.append(("gpus", "pair \(pair.first), \(pair.second) is not of its group"))
      }
      let isTwice = pairs[..<index].contains {
        $0.first == pair.first && $0.second == pair.second
      }
      if isTwice { faults.append(("gpus", "pair \(pair.first), \(pair.second) is named twice")) }
    }
    for index in own {
      let used = pairs.filter { $0.first == index || $0.second == index }
        .reduce(0) { $0 + $1.links }
      if used > nvlink.links {
        faults.append(("gpus", "GPU \(index) needs \(used) links and has \(nvlink.links)"))
      }
    }
    return faults
  }

  /// Instances must be of this group, and no two of one GPU may take one memory slice.
  fileprivate func instanceFaults(_ own: Range<Int>) -> [(String, String)] {
    var faults: [(String, String)] = []
    let instances = mig?.instances ?? []
    for (index, instance) in instances.enumerated() {
      let (gpu, end) = (instance.gpuIndex, instance.start + instance.size)
      if !own.contains(gpu) {
        faults.append(("gpus", "\(instance.profile) is on GPU \(gpu), not of its group"))
      }
      let overlaps = instances[..<index].contains { other in
        other.gpuIndex == gpu && other.start < end && instance.start < other.start + other.size
      }
      if overlaps {
        faults.append(("gpus", "\(instance.profile) at \(instance.start) of GPU \(gpu) is taken"))
      }
    }
    return faults
  }
}
