internal import PoolWire
internal import StrictJSON

/// One thing that a policy says otherwise than another.
public struct PolicyChange: Sendable, Equatable {
  /// What became of it.
  public enum Kind: String, Sendable {
    case added, removed, changed
  }

  /// What became of it.
  public let kind: Kind
  /// Whose or what it is: `tenant acme`.
  public let subject: String
  /// What of the subject: `burst of bucket acme`; empty: all of it.
  public let what: String
  /// The value in the older policy, and in the newer; empty where something was added or removed.
  public let was: String
  /// The value in the newer policy.
  public let now: String
  /// The unit of both; empty where they have none.
  public let unit: String
  /// Where it stands in the newer policy; in the older one where it was removed.
  public let place: SourcePlace

  /// `tenant acme: burst of bucket acme 600 → 300 GPU-seconds`.
  public var line: String {
    let head = what.isEmpty ? "\(subject):" : "\(subject): \(what)"
    guard kind == .changed else { return "\(head) \(kind.rawValue)" }
    if unit.isEmpty { return "\(head) \(was) → \(now)" }
    // Words such as "unlimited" have no unit.
    let amounts = [was, now].filter(Self.hasAmount)
    if amounts.count == 2 { return "\(head) \(was) → \(now) \(unit)" }
    let texts = [was, now].map { amounts.contains($0) ? "\($0) \(unit)" : $0 }
    return "\(head) \(texts[0]) → \(texts[1])"
  }

  /// Whether a value is a number, or one of the two of an observed limit is.
  private static func hasAmount(_ value: String) -> Bool {
    value.split { " ()".contains($0) }.contains { Amounts.scaled(String($0), digits: 6) != nil }
  }

  /// Writes it as an object.
  func write(_ writer: inout JSONWriter) {
    writer.object { writer in
      writer.string("change", kind.rawValue)
      writer.string("subject", subject)
      writer.string("what", what)
      if kind == .changed {
        writer.string("was", was)
        writer.string("now", now)
        writer.string("unit", unit)
      }
      writer.string("file", place.file)
      writer.int64("line", Int64(place.line))
      writer.int64("column", Int64(place.column))
    }
  }
}

/// Compares two policies as they are written, so that no key is forgotten: what has a name is
/// matched by it, and everything else by its key.
struct PolicyComparison {
  private(set) var changes: [PolicyChange] = []

  /// What the newer policy says otherwise, in the order of the older one; what is new comes behind.
  static func changes(from old: SourceNode, to new: SourceNode) -> [PolicyChange] {
    var comparison = PolicyComparison()
    comparison.compareMembers(old, new, Spot())
    return comparison.changes
  }

  /// What the entries of a list, or of a map whose keys are data, are called.
  private static let labels = [
    "profiles": "profile", "slices": "slice", "pools": "pool", "lanes": "lane",
    "classes": "class", "tenants": "tenant", "services": "service", "cost_model": "cost of",
    "pressure": "gauge", "slos": "objectives of", "ladder": "rung", "children": "bucket",
  ]
  /// Named entries that are told as part of what they belong to.
  private static let inner: Set<String> = ["ladder", "children"]
  /// Maps that only group what is in them.
  private static let silent: Set<String> = ["give", "when"]
  /// Endings of keys, with the unit that they say.
  private static let units = [
    ("_gpu_seconds_per_hour", "GPU-seconds an hour"), ("_gpu_seconds", "GPU-seconds"),
    ("_seconds", "s"), ("_gib", "GiB"), ("_bytes", "bytes"), ("_milli", "thousandths"),
  ]

  /// Where a value stands, in words.
  private struct Spot {
    var subject = "policy"
    /// What of the subject it is part of, the outermost first.
    var parts: [String] = []
    /// The bucket around it, or the tenant.
    var bucket = ""
    var isRoot = true

    func what(_ words: [String]) -> String {
      (words + parts.reversed()).joined(separator: " of ")
    }
  }

  // MARK: values

  private mutating func compareMembers(_ old: SourceNode, _ new: SourceNode, _ spot: Spot) {
    let (olds, news) = (Self.members(old), Self.members(new))
    let (before, after) = (Self.places(olds.map(\.key)), Self.places(news.map(\.key)))
    for (key, node) in olds {
      compare(key, node, after[key].map { news[$0].value }, spot)
    }
    for (key, node) in news where before[key] == nil {
      compare(key, nil, node, spot)
    }
  }

  private mutating func compare(
    _ key: String, _ old: SourceNode?, _ new: SourceNode?, _ spot: Spot
  ) {
    let both = [old, new].compactMap { $0 }
    if both.contains(where: { $0.limit != nil }) { return compareLeaves(key, old, new, spot) }
    if let label = Self.labels[key],
      both.contains(where: { $0.isMap || $0.elements.contains(where: \.isMap) })
    {
      compareEntries(key, label, old, new, spot)
    } else if both.contains(where: \.isMap) {
      var inner = spot
      inner.isRoot = false
      if spot.isRoot {
        inner.subject = Self.words(key)
      } else if key == "bucket" {
        inner.parts.append("bucket \(spot.bucket)")
      } else if !Self.silent.contains(key) {
        inner.parts.append(Self.words(key))
      }
      compareParts(old, new, inner)
    } else {
      compareLeaves(key, old, new, spot)
    }
  }

  /// Compares what is there in both, and says what is in one alone.
  private mutating func compareParts(_ old: SourceNode?, _ new: SourceNode?, _ spot: Spot) {
    if let old, let new, old.isMap, new.isMap { return compareMembers(old, new, spot) }
    guard let place = new?.place ?? old?.place else { return }
    let kind = old == nil ? PolicyChange.Kind.added : new == nil ? .removed : .changed
    note(kind, spot, spot.what([]), kind == .changed ? ("one form", "another") : ("", ""), place)
  }

  private mutating func compareEntries(
    _ key: String, _ label: String, _ old: SourceNode?, _ new: SourceNode?, _ spot: Spot
  ) {
    let (olds, news) = (Self.entries(old), Self.entries(new))
    let (before, after) = (Self.places(olds.map(\.name)), Self.places(news.map(\.name)))
    func spotOf(_ name: String) -> Spot {
      var entry = spot
      entry.isRoot = false
      guard Self.inner.contains(key) else {
        return Spot(subject: "\(label) \(name)", parts: [], bucket: name, isRoot: false)
      }
      if key == "children" {
        entry.bucket = NamePath.join(spot.bucket, name)
        // A bucket is named by all those above it.
        entry.parts.removeLast(min(1, entry.parts.count))
        entry.parts.append("\(label) \(entry.bucket)")
      } else {
        entry.parts.append("\(label) \(name)")
      }
      return entry
    }
    for (name, node) in olds {
      compareParts(node, after[name].map { news[$0].node }, spotOf(name))
    }
    for (name, node) in news where before[name] == nil {
      compareParts(nil, node, spotOf(name))
    }
    guard key == "ladder", let place = new?.place else { return }
    let kept = olds.map(\.name).filter { after[$0] != nil }
    let now = news.map(\.name).filter { before[$0] != nil }
    guard kept != now else { return }
    let orders = (kept.joined(separator: ", "), now.joined(separator: ", "))
    note(.changed, spot, spot.what(["order", "ladder"]), orders, place)
  }

  private mutating func compareLeaves(
    _ key: String, _ old: SourceNode?, _ new: SourceNode?, _ spot: Spot
  ) {
    guard let place = new?.place ?? old?.place, !Self.isSame(old, new) else { return }
    let unit = Self.units.first { key.hasSuffix($0.0) }
    let words = Self.words(String(key.dropLast(unit?.0.count ?? 0)))
    note(
      .changed, spot, spot.what([words]), (Self.text(old), Self.text(new)), place,
      unit: unit?.1 ?? "")
  }

  private mutating func note(
    _ kind: PolicyChange.Kind, _ spot: Spot, _ what: String, _ values: (was: String, now: String),
    _ place: SourcePlace, unit: String = ""
  ) {
    changes.append(
      PolicyChange(
        kind: kind, subject: spot.subject, what: what, was: values.was, now: values.now,
        unit: unit, place: place))
  }

  // MARK: forms

  /// The members of a map; a refill by the second as one by the hour.
  private static func members(_ node: SourceNode) -> [(key: String, value: SourceNode)] {
    node.members.map { member -> (key: String, value: SourceNode) in
      guard member.key == "refill_gpu_seconds_per_second", let rate = hourly(member.value)
      else { return (member.key, member.value) }
      return ("refill_gpu_seconds_per_hour", rate)
    }
  }

  /// A rate by the second as one by the hour, both values of one that is observed; nil where it is
  /// no amount.
  private static func hourly(_ rate: SourceNode) -> SourceNode? {
    if let limit = rate.limit {
      guard let shadow = hourly(limit.shadow), let enforced = hourly(limit.enforced) else {
        return nil
      }
      let both = [("shadow", shadow), ("enforced", enforced)].map { key, value in
        SourceMember(key: key, place: value.place, value: value)
      }
      return SourceNode(place: rate.place, kind: .map(both))
    }
    guard let text = rate.number, let amount = Amounts.scaled(text, digits: 6) else { return nil }
    let product = Amounts.text(Int128(amount) * 3600, digits: 6)
    return SourceNode(place: rate.place, kind: .number(product))
  }

  /// Where each name stands first. Looked up, never iterated.
  private static func places(_ names: [String]) -> [String: Int] {
    Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
  }

  /// What has names: the elements of a list, or the members of a map.
  private static func entries(_ node: SourceNode?) -> [(name: String, node: SourceNode)] {
    guard let node else { return [] }
    if node.isMap { return node.members.map { ($0.key, $0.value) } }
    return node.elements.map { (name(of: $0), $0) }
  }

  private static func name(of node: SourceNode) -> String {
    if let action = node["action"]?.text, let model = node["model_class"]?.text {
      return "\(action) on \(model)"
    }
    if let name = node["name"]?.text {
      let profile = node["billed_milli"] == nil ? nil : node["profile"]?.text
      return profile.map { NamePath.join($0, name) } ?? name
    }
    return node["class"]?.text ?? "?"
  }

  private static func isSame(_ old: SourceNode?, _ new: SourceNode?) -> Bool {
    guard let old, let new else { return old == nil && new == nil }
    switch (old.limit, new.limit) {
    case (nil, nil): break
    case (let was?, let now?):
      return isSame(was.shadow, now.shadow) && isSame(was.enforced, now.enforced)
    default: return false
    }
    if let was = old.number, let now = new.number,
      let left = Amounts.scaled(was, digits: 6), let right = Amounts.scaled(now, digits: 6)
    {
      return left == right
    }
    if old.isList, new.isList { return sorted(old) == sorted(new) }
    return text(old) == text(new)
  }

  /// No list of words means something by its order.
  private static func sorted(_ node: SourceNode) -> [String] {
    node.elements.map { text($0) }.sorted()
  }

  private static func text(_ node: SourceNode?) -> String {
    guard let node else { return "not set" }
    if let limit = node.limit { return "\(text(limit.enforced)) (\(text(limit.shadow)) observed)" }
    return switch node.kind {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let text): text
    case .text(let text): text
    case .list(let elements): elements.map { Self.text($0) }.joined(separator: ", ")
    case .map: "…"
    }
  }

  private static func words(_ key: String) -> String {
    String(key.map { $0 == "_" ? " " : $0 })
  }
}
