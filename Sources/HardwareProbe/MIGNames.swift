/// Names and identifiers of MIG devices. Pure.
enum MIGNames {
  /// What an identifier says about its place.
  struct Identity: Equatable {
    /// The GPU's own identifier; nil in the form that does not name it.
    var gpu: String?
    var gpuInstance: UInt32?
    var computeInstance: UInt32?
  }

  /// Reads `MIG-<uuid>` (R470 and later) and `MIG-GPU-<uuid>/<gi>/<ci>` (before).
  ///
  /// - Returns: nil for anything else.
  static func identity(_ uuid: String) -> Identity? {
    guard uuid.hasPrefix("MIG-") else { return nil }
    let rest = uuid.dropFirst(4)
    guard rest.hasPrefix("GPU-") else {
      return rest.isEmpty || rest.contains("/") ? nil : Identity()
    }
    let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].count > 4,
      let instance = Decimal.parse(parts[1]), instance < UInt64(UInt32.max),
      let compute = Decimal.parse(parts[2]), compute < UInt64(UInt32.max)
    else { return nil }
    return Identity(
      gpu: String(parts[0]), gpuInstance: UInt32(instance), computeInstance: UInt32(compute))
  }

  /// The driver's name of a kind without what stands before it: `MIG 1g.10gb`, and
  /// `NVIDIA A100-SXM4-40GB MIG 1g.5gb`, give `1g.10gb` and `1g.5gb`.
  ///
  /// - Returns: nil when the text holds no name of that form.
  static func profile(in text: String) -> String? {
    let words = text.split(separator: " ")
    guard let last = words.last else { return nil }
    if words.count > 1, words[words.count - 2] != "MIG" { return nil }
    return isProfile(last) ? String(last) : nil
  }

  /// `[Nc.]Ng.Mgb`, with attributes such as `+me` or `-me` behind it.
  static func isProfile(_ text: some StringProtocol) -> Bool {
    let name = text.prefix { $0 != "+" && $0 != "-" }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    let suffixes = parts.count == 3 ? ["c", "g", "gb"] : ["g", "gb"]
    guard parts.count == suffixes.count else { return false }
    return zip(parts, suffixes).allSatisfy { part, suffix in
      part.hasSuffix(suffix) && Decimal.parse(part.dropLast(suffix.count)) != nil
    }
  }

  /// The name of a MIG device: that of its GPU instance, with the compute slices in front when the
  /// device has fewer of them than the instance.
  static func device(instance: String, gpuSlices: UInt64?, computeSlices: UInt64?) -> String {
    guard let gpuSlices, let computeSlices, computeSlices < gpuSlices,
      !instance.contains("c.")
    else { return instance }
    return "\(computeSlices)c.\(instance)"
  }

  /// The name by the rule that the drivers' names follow: memory is the part of the GPU's GiB that
  /// the instance takes, in eighths, rounded up; half a GiB rounds up.
  ///
  /// - Returns: nil when there is nothing to reckon with.
  static func reckoned(slices: UInt64, memoryMiB: UInt64, totalBytes: UInt64) -> String? {
    let totalMiB = totalBytes >> 20
    guard slices > 0, slices <= 64, memoryMiB > 0, totalMiB >= memoryMiB, totalMiB < 1 << 40 else {
      return nil
    }
    let eighths = (memoryMiB * 8 + totalMiB - 1) / totalMiB
    let gibibytes = (totalMiB + 1023) / 1024
    return "\(slices)g.\((eighths * gibibytes * 2 + 8) / 16)gb"
  }
}
