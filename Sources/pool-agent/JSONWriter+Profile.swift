import HardwareProbe
import StrictJSON

extension JSONWriter {
  /// Writes the members of a profile: the same keys for every profile, null for what is not known.
  mutating func members(of profile: HardwareProfile) {
    string("name", profile.name)
    string("kind", profile.kind.rawValue)
    known("vendor", profile.vendor?.rawValue)
    known("architecture", profile.architecture ?? profile.match.cpuArchitecture)
    milliFixed("weight", Int64(profile.weightMilli))
    array("nvml_names") { writer in for name in profile.match.nvmlNames { writer.string(name) } }
    array("pci_device_ids") { writer in
      for device in profile.match.pciDeviceIDs { writer.string(device) }
    }
    known("compute_capability", profile.match.computeCapability)
    known("memory_mib_min", profile.match.memoryMiB?.lowerBound)
    known("memory_mib_max", profile.match.memoryMiB?.upperBound)
    string("memory_kind", profile.memoryKind.rawValue)
    known("memory_mib", profile.memoryMiB)
    known("memory_reserved_mib", profile.reservedMiB)
    known("multiprocessors", profile.multiprocessors)
    thousandths("fp16_dense_tflops", profile.fp16GigaflopsDense)
    thousandths("bf16_dense_tflops", profile.bf16GigaflopsDense)
    thousandths("memory_bandwidth_gb_s", profile.bandwidthMegabytes)
    links(of: profile)
    known("pcie_generation", profile.pcieGeneration)
    known("power_w", profile.powerWatts)
    mig(of: profile)
    object("sources") { writer in
      for figure in HardwareProfile.Figure.allCases {
        writer.known(figure.rawValue, profile.sources[figure])
      }
    }
    array("notes") { writer in for note in profile.notes { writer.string(note) } }
  }

  private mutating func links(of profile: HardwareProfile) {
    guard let links = profile.links else { return null("links") }
    array("links") { writer in
      for link in links {
        writer.object { writer in
          writer.string("kind", link.kind.rawValue)
          writer.known("version", link.version)
          writer.known("count", link.count)
          writer.thousandths("total_gb_s", link.totalMegabytes)
        }
      }
    }
  }

  private mutating func mig(of profile: HardwareProfile) {
    guard let axes = profile.migAxes else { return null("mig") }
    object("mig") { writer in
      writer.int64("memory_slices", Int64(axes.memorySlices))
      writer.int64("compute_slices", Int64(axes.computeSlices))
      writer.array("profiles") { writer in
        for slice in profile.migSlices { writer.object { $0.members(of: slice) } }
      }
    }
  }

  private mutating func members(of slice: HardwareProfile.MIGSlice) {
    string("name", slice.name)
    int64("billed_milli", Int64(slice.billedMilli))
    known("compute_slices", slice.computeSlices)
    known("size", slice.placementSize)
    array("starts") { writer in for start in slice.placementStarts { writer.int64(Int64(start)) } }
    known("instances_max", slice.instancesMax)
    known("multiprocessors", slice.multiprocessors)
    array("memory_mib") { writer in
      for memory in slice.memoryMiBSeen { writer.int64(Int64(clamping: memory)) }
    }
    known("nvml_profile_id", slice.nvmlProfileID)
  }

  mutating func known(_ name: String, _ value: String?) {
    if let value { string(name, value) } else { null(name) }
  }

  mutating func known(_ name: String, _ value: (some BinaryInteger)?) {
    if let value { int64(name, Int64(clamping: value)) } else { null(name) }
  }

  private mutating func thousandths(_ name: String, _ value: UInt64?) {
    if let value { milli(name, Int64(clamping: value)) } else { null(name) }
  }
}
