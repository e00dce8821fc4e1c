/// A value of a document with the place where it stands: what YAML and JSON have in common.
struct SourceNode: Sendable {
  /// What the value is.
  enum Kind: Sendable {
    case null
    case bool(Bool)
    /// A number as it is written.
    case number(String)
    case text(String)
    case list([SourceNode])
    case map([SourceMember])
  }

  var place: SourcePlace
  var kind: Kind

  /// The text; nil for anything else.
  var text: String? { if case .text(let text) = kind { text } else { nil } }
  /// The number as it is written; nil for anything else.
  var number: String? { if case .number(let text) = kind { text } else { nil } }
  /// The elements; empty for anything but a list.
  var elements: [SourceNode] { if case .list(let list) = kind { list } else { [] } }
  /// The members; empty for anything but a map.
  var members: [SourceMember] { if case .map(let members) = kind { members } else { [] } }
  /// Whether it is a list.
  var isList: Bool { if case .list = kind { true } else { false } }
  /// Whether it is a map.
  var isMap: Bool { if case .map = kind { true } else { false } }

  /// The two values of a limit that is observed before it is enforced; nil for anything else.
  /// Buckets may have any name; the figures of one are a map, and a limit is none.
  var limit: (shadow: SourceNode, enforced: SourceNode)? {
    guard let shadow = self["shadow"], let enforced = self["enforced"], !enforced.isMap else {
      return nil
    }
    return (shadow, enforced)
  }

  /// The value of a member; nil where there is none.
  subscript(key: String) -> SourceNode? { members.first { $0.key == key }?.value }

  /// An element; nil where the list has none there.
  subscript(index: Int) -> SourceNode? {
    elements.indices.contains(index) ? elements[index] : nil
  }

  /// Puts a member into a map, in the place of the one with its key.
  mutating func set(_ member: SourceMember) {
    guard case .map(var members) = kind else { return }
    if let index = members.firstIndex(where: { $0.key == member.key }) {
      members[index] = member
    } else {
      members.append(member)
    }
    kind = .map(members)
  }

  /// Takes a member out of a map.
  mutating func remove(_ key: String) {
    guard case .map(let members) = kind else { return }
    kind = .map(members.filter { $0.key != key })
  }

  /// One step of a way into a document.
  enum Step: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case key(String)
    case index(Int)

    init(stringLiteral key: String) { self = .key(key) }
    init(integerLiteral index: Int) { self = .index(index) }
  }

  /// Where a value stands, or the last one on the way to it that is there.
  func place(of steps: [Step]) -> SourcePlace {
    var node = self
    for step in steps {
      let next: SourceNode?
      switch step {
      case .key(let key): next = node[key]
      case .index(let index): next = node[index]
      }
      guard let next else { break }
      node = next
    }
    return node.place
  }

  /// The way as messages write it: `$.tenants[2].bucket`.
  static func path(_ steps: [Step]) -> String {
    steps.reduce("$") { path, step in
      switch step {
      case .key(let key): "\(path).\(key)"
      case .index(let index): "\(path)[\(index)]"
      }
    }
  }
}

/// A member of a map, with the place of its key.
struct SourceMember: Sendable {
  var key: String
  var place: SourcePlace
  var value: SourceNode
}
