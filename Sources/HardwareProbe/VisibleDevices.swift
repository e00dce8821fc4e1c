/// What `NVIDIA_VISIBLE_DEVICES` asks a container's runtime for. NVML itself does not read it: it
/// sees what the device rules of the container let through, under numbers of its own.
enum VisibleDevices: Equatable {
  /// Every GPU, or nothing is asked.
  case all
  /// No GPU: `void` and `none`.
  case nothing
  /// These: indexes of the host, UUIDs of GPUs or MIG devices, or `GPU:MIG` pairs of indexes.
  case these([String])

  static let variable = "NVIDIA_VISIBLE_DEVICES"

  init(_ text: String) {
    let names = text.split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty }
    if names.isEmpty || names.contains("all") {
      self = .all
    } else if names == ["void"] || names == ["none"] {
      self = .nothing
    } else {
      self = .these(names)
    }
  }

  /// A remark for the operator, who else would look for GPUs that this process cannot see.
  var words: String? {
    switch self {
    case .all: nil
    case .nothing:
      "\(Self.variable) asks for no GPU: in a container NVML shows none"
    case .these(let names):
      "\(Self.variable) asks for \(names.count) device\(names.count == 1 ? "" : "s"): in a"
        + " container NVML shows no others, and numbers them anew; go by their UUIDs"
    }
  }

  /// The remark for this process; nil where the variable is not set or hides nothing.
  static var note: String? {
    Syscalls.environment(variable).flatMap { VisibleDevices($0).words }
  }
}
