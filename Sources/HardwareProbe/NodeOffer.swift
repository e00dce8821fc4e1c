/// What of a GPU may be offered.
public struct GPUOffer: Sendable, Equatable {
  /// The GPU's own identifier.
  public var uuid: String
  /// Its hardware profile.
  public var profile: String
  /// Memory that a holder of the whole GPU can have, in bytes.
  public var memoryBytes: UInt64
  /// The host's NUMA node that it is near to.
  public var numaNode: Int?
  /// False when the GPU is known and must not be given to anyone.
  public var isHealthy: Bool
  /// Which GPUs of the machine it is linked with: those with the same number, counted from 0.
  public var island: Int
  /// Its partitions; nil when it is offered as a whole, empty when it is cut into none.
  public var partitions: [MIGInstance]?
}

/// Capacity of one kind that may be offered.
public struct AdvertisedCapacity: Sendable, Equatable {
  /// The hardware profile, for partitions followed by `/` and the name of their kind.
  public var profile: String
  /// Thousandths of a GPU that one is billed as; nil when no profile says.
  public var milliGPU: Int?
  /// How many there are.
  public var count: Int
  /// Memory of one, in bytes; the least where they differ.
  public var memoryBytes: UInt64
}

extension NodeInventory {
  /// Every GPU of a known profile, the broken ones included, in the order of the inventory.
  ///
  /// A GPU that computes in the host's memory takes its part of one half of that, so that nothing
  /// is offered twice: see ``hostMemoryOffered``.
  public var gpuOffers: [GPUOffer] {
    let islands = GPUIslands.numbers(of: gpus)
    return gpus.indices.compactMap { row in
      let gpu = gpus[row]
      guard let uuid = gpu.uuid, let profile = gpu.profile.name, gpu.state.isAnswered,
        let bytes = offeredBytes(of: gpu), bytes > 0
      else { return nil }
      let isCut = gpu.mig.isEnabled == true
      return GPUOffer(
        uuid: uuid, profile: profile, memoryBytes: bytes, numaNode: gpu.numaNode,
        isHealthy: gpu.state == .usable, island: islands[row],
        partitions: isCut ? (gpu.mig.instances ?? []).filter(\.isOfferable) : nil)
    }
  }

  /// What may be offered, by kind, in the order in which kinds appear.
  public var advertised: [AdvertisedCapacity] {
    var kinds: [AdvertisedCapacity] = []
    func add(_ profile: String, _ milli: Int?, _ bytes: UInt64) {
      if let index = kinds.firstIndex(where: { $0.profile == profile }) {
        kinds[index].count += 1
        kinds[index].memoryBytes = min(kinds[index].memoryBytes, bytes)
      } else {
        kinds.append(
          AdvertisedCapacity(profile: profile, milliGPU: milli, count: 1, memoryBytes: bytes))
      }
    }
    for offer in gpuOffers where offer.isHealthy {
      guard let partitions = offer.partitions else {
        add(offer.profile, 1000, offer.memoryBytes)
        continue
      }
      for part in partitions {
        guard let kind = part.profile, let memory = part.memory else { continue }
        add("\(offer.profile)/\(kind)", part.billedMilli, memory.usableBytes)
      }
    }
    return kinds
  }

  /// Memory of the host that may be offered, in bytes: half of it where GPUs compute in it.
  public var hostMemoryOffered: UInt64 {
    sharingGPUs == 0 ? capacity.memoryBytes : capacity.memoryBytes - capacity.memoryBytes / 2
  }

  private var sharingGPUs: Int { gpus.count { $0.isOfferable && $0.sharesHostMemory } }

  private func offeredBytes(of gpu: GPUEntry) -> UInt64? {
    if let memory = gpu.memory { return memory.usableBytes }
    guard gpu.sharesHostMemory, sharingGPUs > 0 else { return nil }
    return capacity.memoryBytes / 2 / UInt64(sharingGPUs)
  }
}

extension GPUMemory {
  /// What a holder can have, in bytes: all but the driver's own part.
  public var usableBytes: UInt64 { totalBytes - min(totalBytes, reservedBytes ?? 0) }
}

extension GPUState {
  /// True when the GPU said something about itself, good or bad, and is not somebody else's.
  var isAnswered: Bool {
    switch self {
    case .usable, .unusable: true
    case .notPermitted, .unknown: false
    }
  }
}
