/// The file of a fake NVML, built key by key. Its form is described in Tests/ProbeFakes/README.md.
///
/// ```swift
/// var file = FakeFile()
/// file["gpu 0", "name"] = "NVIDIA H200"
/// file["gpu 0", "GetTemperature"] = "after 5 calls: GPU_IS_LOST"
/// let library = FakeNVML(file.text)
/// ```
public struct FakeFile: Sendable, Equatable {
  private struct Section: Sendable, Equatable {
    var name: String
    var keys: [(name: String, value: String)]

    static func == (left: Section, right: Section) -> Bool {
      left.name == right.name && left.keys.count == right.keys.count
        && zip(left.keys, right.keys).allSatisfy { $0 == $1 }
    }
  }

  private var sections: [Section] = []

  /// Makes an empty file: a driver without GPUs.
  public init() {}

  /// The value of a key; nil when it has none. Setting nil takes it out.
  ///
  /// A section is written as it stands in the file, without brackets: `driver`, `gpu 0 process 3`.
  /// - Complexity: O(sections + keys of the section).
  public subscript(section: String, key: String) -> String? {
    get {
      let found = sections.first { $0.name == section }
      return found?.keys.last { $0.name == key }?.value
    }
    set {
      let index = index(of: section)
      sections[index].keys.removeAll { $0.name == key }
      if let newValue { sections[index].keys.append((key, newValue)) }
    }
  }

  /// Makes sure that a section is there, also without keys: `[gpu 3]` alone is a GPU.
  public mutating func add(section: String) { _ = index(of: section) }

  /// Takes a section and all below it out: `gpu 3` takes `gpu 3 link 0` with it.
  public mutating func remove(section: String) {
    sections.removeAll { $0.name == section || $0.name.hasPrefix(section + " ") }
  }

  /// Sets several keys of a section; those with nil are left out.
  public mutating func set(_ section: String, _ keys: KeyValuePairs<String, String?>) {
    add(section: section)
    for (key, value) in keys where value != nil { self[section, key] = value }
  }

  /// The file's text.
  public var text: String {
    sections.map { section in
      "[\(section.name)]\n"
        + section.keys.map { "\($0.name) = \(Self.written($0.value))\n" }.joined()
    }.joined(separator: "\n")
  }

  private mutating func index(of section: String) -> Int {
    if let index = sections.firstIndex(where: { $0.name == section }) { return index }
    sections.append(Section(name: section, keys: []))
    return sections.count - 1
  }

  /// A value that would be cut at a mark of a comment, or lose its blanks, is quoted. Quotes and
  /// ends of lines cannot be written and become blanks.
  private static func written(_ value: String) -> String {
    let line = String(value.map { $0.isNewline || $0 == "\"" ? " " : $0 })
    let isPlain = !line.contains { $0 == ";" || $0 == "#" } && line.first != " " && line.last != " "
    return isPlain ? line : "\"\(line)\""
  }
}
