public import HardwareProbe

/// A described machine as a fake one: what its NVML says, and its `/proc` and `/sys`.
///
/// Identifiers are made from the host's name, so that two nodes never share one, and two runs
/// always do. GPUs are idle and healthy; change ``file`` to make them otherwise.
public struct FakeNode: Sendable {
  /// The file of its fake NVML.
  public var file: FakeFile
  /// Its file tree; give the root to the probe.
  public let machine: FakeMachine
  /// What it calls itself.
  public let hostname: String

  /// Makes a node of a shape.
  ///
  /// - Parameters:
  ///   - catalogue: Where the GPUs' profiles are; a GPU without one there is left out of NVML.
  ///   - hostname: What the node calls itself; nil for the shape's name.
  public init(_ shape: NodeShape, catalogue: ProfileCatalogue, hostname: String? = nil) {
    let name = hostname ?? shape.name
    self.hostname = name
    file = FakeFile(shape, catalogue: catalogue, hostname: name)
    machine = FakeMachine(shape, catalogue: catalogue, hostname: name)
  }

  /// Where the hardware profiles of this package lie on the machine that built it, also when it is
  /// another package's dependency; the node shapes are below, in `nodes`.
  public static var profilesDirectory: String {
    #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined() + "/hardware-profiles"
  }

  /// The node of a shape of this package, by its name (`hardware-profiles/nodes/NAME.json`).
  ///
  /// - Throws: `ProfileErrors` when there is no such shape, or the profiles cannot be used.
  public init(shape name: String, hostname: String? = nil) throws(ProfileErrors) {
    let path = Self.profilesDirectory + "/nodes/\(name).json"
    guard let bytes = FakeMachine.bytes(of: path) else {
      throw ProfileErrors(messages: ["\(path): cannot be read; is \(name) a node shape?"])
    }
    self.init(
      try NodeShape(json: String(decoding: bytes, as: UTF8.self), file: path),
      catalogue: try ProfileCatalogue(directory: Self.profilesDirectory), hostname: hostname)
  }

  /// A copy of the fake library that plays the node; nil when the library is not built.
  public func library(edition: FakeNVML.Edition = .current) -> FakeNVML? {
    FakeNVML(file.text, edition: edition)
  }
}

/// Identifiers that follow from a name.
enum FakeIdentifier {
  /// A UUID in the usual form, the same for the same words in every run.
  static func uuid(_ words: String) -> String {
    var digits = ""
    for salt in 0..<2 {
      var hash: UInt64 = 0xCBF2_9CE4_8422_2325
      for byte in "\(salt)/\(words)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      let text = String(hash ^ (hash >> 29), radix: 16)
      digits += String(repeating: "0", count: 16 - text.count) + text
    }
    var parts: [Substring] = []
    var rest = digits[...]
    for count in [8, 4, 4, 4, 12] {
      parts.append(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    return parts.joined(separator: "-")
  }
}
