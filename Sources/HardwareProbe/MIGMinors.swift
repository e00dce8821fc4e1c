/// Which device files open MIG devices, from `/proc/driver/nvidia-caps/mig-minors`.
///
/// Its lines are `config 1`, `monitor 2`, and for every instance `gpu0/gi3/access 30` and
/// `gpu0/gi3/ci0/access 31`: the number is that of `/dev/nvidia-caps/nvidia-capN`. Whoever uses a
/// MIG device needs the file of its GPU instance and that of its compute instance.
struct MIGMinors: Sendable, Equatable {
  static let path = "/proc/driver/nvidia-caps/mig-minors"

  /// Numbers of files by instance: `0/3` of a GPU instance, `0/3/0` of a compute instance.
  private var numbers: [String: Int] = [:]

  /// Reads the lines; those of another form are skipped.
  init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline).prefix(Self.linesMax) {
      let words = line.split(separator: " ")
      guard words.count == 2, let number = Self.number(words[1]) else { continue }
      let parts = words[0].split(separator: "/", omittingEmptySubsequences: false)
      guard parts.last == "access", parts.count == 3 || parts.count == 4 else { continue }
      let ids = zip(parts.dropLast(), ["gpu", "gi", "ci"]).compactMap { part, prefix in
        part.hasPrefix(prefix) ? Self.number(part.dropFirst(prefix.count)) : nil
      }
      guard ids.count == parts.count - 1 else { continue }
      numbers[ids.map(String.init).joined(separator: "/")] = number
    }
  }

  /// The files by which an instance is opened, the GPU instance's first; nil when the driver does
  /// not say both.
  ///
  /// - Parameter gpu: The GPU's minor number, that of `/dev/nvidiaN`.
  func files(gpu: Int, instance: UInt32, compute: UInt32) -> [String]? {
    guard let outer = numbers["\(gpu)/\(instance)"],
      let inner = numbers["\(gpu)/\(instance)/\(compute)"]
    else { return nil }
    return [outer, inner].map { "/dev/nvidia-caps/nvidia-cap\($0)" }
  }

  /// Gives the MIG devices of GPUs their files.
  static func fill(_ gpus: inout [GPUEntry], from tree: inout FileTree) {
    guard gpus.contains(where: { $0.mig.instances?.isEmpty == false }),
      let text = tree.text(path)
    else { return }
    let minors = MIGMinors(text)
    for index in gpus.indices {
      guard let minor = gpus[index].readings[.minor] else { continue }
      gpus[index].mig.instances = gpus[index].mig.instances?.map { instance in
        var instance = instance
        if let outer = instance.gpuInstance, let inner = instance.computeInstance {
          instance.files = minors.files(gpu: Int(clamping: minor), instance: outer, compute: inner)
        }
        return instance
      }
    }
  }

  /// Lines that are read: a driver lists every instance that each GPU could have.
  private static let linesMax = 1 << 16

  private static func number(_ text: some StringProtocol) -> Int? {
    Decimal.parse(text).flatMap { $0 < UInt64(UInt32.max) ? Int($0) : nil }
  }
}
